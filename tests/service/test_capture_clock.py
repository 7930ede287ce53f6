from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.cameras.capture import CaptureClock

_START = 1.7e9
stamps = st.one_of(st.none(), st.floats(-1e7, 1e7), st.sampled_from([0.0, 5.0, 1e6]))


def _tell(clock: CaptureClock, stamp: float | None, arrived: float) -> float:
    clock.arrive(stamp, arrived)
    return clock.tell(stamp, arrived)


@given(st.lists(st.tuples(stamps, st.floats(0, 5), st.booleans()), max_size=60))
def test_capture_times_grow_and_follow_arrivals_whatever_the_stamps_say(
    frames: list[tuple[float | None, float, bool]],
) -> None:
    clock, arrived, last = CaptureClock(), _START, 0.0
    for stamp, pause, reconnected in frames:
        arrived += pause
        if reconnected:
            clock.restart()
        at = _tell(clock, stamp, arrived)
        assert at > last
        assert arrived - 2 - 1e-6 <= at <= arrived + 0.001 * len(frames) + 1e-6
        last = at


def test_jitter_of_the_network_is_taken_out() -> None:
    random = np.random.default_rng(1)
    captured = _START + np.arange(500) / 25
    arrived = np.maximum.accumulate(captured + 0.08 + random.exponential(0.03, 500))
    clock = CaptureClock()
    told = np.array(
        [_tell(clock, time - _START, come) for time, come in zip(captured, arrived, strict=True)]
    )
    assert np.std(np.diff(arrived)) > 0.02
    assert np.std(np.diff(told)[50:]) < 0.003
    assert np.abs(told - captured - 0.08)[50:].max() < 0.02


@pytest.mark.parametrize("drift", [-300e-6, 300e-6])
def test_a_camera_whose_clock_runs_wrong_is_followed(drift: float) -> None:
    captured = _START + np.arange(25 * 600) / 25
    clock = CaptureClock()
    told = [_tell(clock, (time - _START) * (1 + drift), time + 0.1) for time in captured]
    assert np.abs(np.array(told) - captured - 0.1).max() < 0.01


def test_stamps_that_stand_still_are_replaced_by_arrivals() -> None:
    clock = CaptureClock()
    arrivals = [_START + number / 5 for number in range(50)]
    told = [_tell(clock, 7.0, arrived) for arrived in arrivals]
    assert told == pytest.approx(arrivals, abs=0.005)


def test_a_jump_of_the_stamps_is_no_jump_of_time() -> None:
    clock = CaptureClock()
    told = []
    for number in range(100):
        stamp = number / 25 + (9e5 if number >= 30 else 0) - (9e5 if number >= 60 else 0)
        told.append(_tell(clock, stamp, _START + number / 25 + 0.1))
    assert np.diff(told) == pytest.approx(np.full(99, 0.04), abs=0.002)


def test_a_camera_that_returns_goes_on_behind_its_last_frame() -> None:
    clock = CaptureClock(last=_START + 10)
    assert _tell(clock, 0.0, _START + 9) > _START + 10
