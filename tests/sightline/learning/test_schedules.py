"""Learning rates: pure functions of the progress."""

from __future__ import annotations

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.learning.schedules import Schedule

shares = st.floats(0, 0.45)
progress = st.floats(0, 1)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    return Schedule(
        decay=draw(st.sampled_from(["cosine", "multi-step", "exponential"])),
        warm_up=draw(shares),
        hold=draw(shares),
        final=draw(st.floats(0.001, 1)),
    )


@given(schedules(), progress)
def test_the_rate_stays_between_nothing_and_the_base_rate(schedule: Schedule, done: float) -> None:
    assert 0 <= schedule.factor(done) <= 1 + 1e-12


@given(schedules(), progress, progress)
def test_after_the_warm_up_the_rate_never_grows(schedule: Schedule, a: float, b: float) -> None:
    early, late = sorted((max(a, schedule.warm_up), max(b, schedule.warm_up)))
    assert schedule.factor(late) <= schedule.factor(early) + 1e-12


@given(schedules(), st.floats(0, 1, exclude_max=True))
def test_the_warm_up_grows_in_a_straight_line_from_zero(schedule: Schedule, part: float) -> None:
    done = part * schedule.warm_up
    if done < schedule.warm_up > 1e-9:
        assert schedule.factor(done) == pytest.approx(part, abs=1e-9)


@given(shares, st.floats(0.001, 1), st.sampled_from(["cosine", "exponential"]))
def test_the_hold_at_the_end_has_the_final_rate(hold: float, final: float, decay: str) -> None:
    schedule = Schedule.model_validate({"decay": decay, "hold": hold, "final": final})
    for done in (1.0, 1 - hold / 2):
        assert schedule.factor(done) == pytest.approx(final)


def test_multi_step_drops_at_each_milestone() -> None:
    schedule = Schedule(decay="multi-step", warm_up=0, milestones=(0.5, 0.8), drop=0.1)
    factors = [schedule.factor(done) for done in (0.49, 0.5, 0.79, 0.8, 1.0)]
    assert factors == pytest.approx([1, 0.1, 0.1, 0.01, 0.01])


def test_exponential_loses_the_same_share_in_equal_times() -> None:
    schedule = Schedule(decay="exponential", warm_up=0, final=0.01)
    assert schedule.factor(0.5) == pytest.approx(0.1)
    assert schedule.factor(0.75) / schedule.factor(0.5) == pytest.approx(
        schedule.factor(0.5) / schedule.factor(0.25)
    )


@pytest.mark.parametrize(
    "fields", [{"warm_up": 0.6, "hold": 0.4}, {"decay": "exponential", "final": 0.0}]
)
def test_parts_that_do_not_fit_together_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Schedule.model_validate(fields)
