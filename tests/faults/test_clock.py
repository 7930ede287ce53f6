"""The machine's clock is set while the service runs. Nobody sets the clock of a test's machine, so
this is shown on the one clock that all processes share, with a `time.time` that jumps."""

from __future__ import annotations

import time

import pytest

from sightline.service.steady import SteadyClock


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_setting_the_machines_clock_does_not_move_the_service(
    monkeypatch: pytest.MonkeyPatch, step: float
) -> None:
    begin = time.time()
    clock = SteadyClock.start()
    child = SteadyClock(clock.offset)
    before = clock.now()
    assert begin <= before + 1e-6
    machine = time.time
    monkeypatch.setattr(time, "time", lambda: machine() + step)
    times = [clock.now(), child.now(), clock.now()]
    assert times == sorted(times)
    assert before <= times[0]
    assert times[-1] - before < 3600 / 2
    restarted = SteadyClock.start().now() - clock.now()
    assert restarted == pytest.approx(step, abs=60)
