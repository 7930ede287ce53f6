from __future__ import annotations

import pytest

from sightline.video.clock import Clock


def test_uneven_stamps_are_kept() -> None:
    warnings: list[str] = []
    clock = Clock(10.0, 25.0, warnings)
    assert [clock.tell(stamp) for stamp in (10.0, 10.04, 10.5, 10.51)] == [0.0, 0.04, 0.5, 0.51]
    assert warnings == []


def test_the_first_frame_is_zero_where_the_base_is_unknown() -> None:
    clock = Clock(None, 25.0, [])
    assert [clock.tell(stamp) for stamp in (7.0, 7.5)] == [0.0, 0.5]


def test_a_first_frame_without_a_stamp_comes_one_interval_earlier() -> None:
    warnings: list[str] = []
    clock = Clock(None, 25.0, warnings)
    assert [clock.tell(stamp) for stamp in (None, 3.0, 3.04)] == [0.0, 0.04, 0.08]
    assert warnings == []


def test_missing_stamps_are_filled_in_and_said_once() -> None:
    warnings: list[str] = []
    clock = Clock(0.0, 10.0, warnings)
    times = [clock.tell(stamp) for stamp in (0.0, None, None, 0.3)]
    assert times == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert len(warnings) == 1
    assert "10 frames per second" in warnings[0]


def test_stamps_that_run_backwards_go_on_from_where_they_were() -> None:
    warnings: list[str] = []
    clock = Clock(0.0, 10.0, warnings)
    times = [clock.tell(stamp) for stamp in (5.0, 5.1, 0.0, 0.1, 0.2)]
    assert times == pytest.approx([5.0, 5.1, 5.2, 5.3, 5.4])
    assert len(warnings) == 1
    assert "backwards" in warnings[0]
