"""The simulation against what can be reckoned by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sightline.service.planning.plan import Load, Machine, Plan
from sightline.service.planning.simulation import Failures, simulate

LOAD = Load(
    cameras=100, fps=5, process_fps=5, width=640, height=360, people=1, days=1, bits_pixel=None
)
# Ten services on five machines: ten cameras each, every detector busy for half of the time.
PLAN = Plan(
    load=LOAD,
    machine=Machine(4, 16, 1, 100),
    needs=(),
    services=10,
    machines=4,
    spares=1,
    busy=0.01,
)
NOTHING = Failures(machines=0, cameras=0.0)


def test_with_time_to_spare_every_frame_is_looked_at_soon() -> None:
    outcome = simulate(PLAN, 20)
    assert (outcome.replaced, outcome.lost, outcome.unsent) == (0, 0, 0)
    assert outcome.due == pytest.approx(100 * 5 * 20, rel=0.02)
    # A detector's time, and at worst that of all who came at the same moment.
    assert 0.005 <= outcome.age_median < 0.03
    assert outcome.age_worst < 10 * 0.01 * 1.6
    assert outcome.longest_dark < 0.2 + 10 * 0.01 * 1.6


def test_a_detector_asked_for_twice_its_time_looks_at_half_and_at_the_newest() -> None:
    outcome = simulate(replace(PLAN, busy=0.04), 20)
    assert outcome.processed / outcome.due == pytest.approx(0.5, abs=0.03)
    assert outcome.replaced == outcome.due - outcome.processed
    # Newest first out: no queue grows, however long it goes on.
    assert outcome.age_worst < 0.2 + 0.04 * 1.6
    assert simulate(replace(PLAN, busy=0.04), 40).age_p95 == pytest.approx(
        outcome.age_p95, abs=0.03
    )


def test_a_machine_that_fails_costs_its_cameras_what_noticing_and_moving_take() -> None:
    failures = replace(NOTHING, machines=1, noticed=2.0, moved=3.0)
    outcome = simulate(PLAN, 20, failures)
    # A fifth of the cameras, for five seconds.
    assert outcome.lost == pytest.approx(20 * 5 * 5, rel=0.1)
    assert outcome.longest_dark == pytest.approx(5.0, abs=0.5)
    calm = simulate(PLAN, 20)
    assert outcome.processed == pytest.approx(calm.processed - outcome.lost, rel=0.01)
    # Those that are left have room for them.
    assert outcome.replaced == 0


def test_cameras_that_reconnect_are_dark_for_so_long_and_cost_nobody_else() -> None:
    outcome = simulate(PLAN, 20, replace(NOTHING, cameras=1.0, reconnecting=4.0))
    assert outcome.unsent == pytest.approx(100 * 4 * 5, rel=0.05)
    assert outcome.longest_dark == pytest.approx(4.2, abs=0.3)
    assert (outcome.replaced, outcome.lost) == (0, 0)


def test_the_same_seed_is_the_same_day() -> None:
    failures = Failures(machines=1)
    assert simulate(PLAN, 20, failures, seed=3) == simulate(PLAN, 20, failures, seed=3)
    assert simulate(PLAN, 20, failures, seed=3) != simulate(PLAN, 20, failures, seed=4)
