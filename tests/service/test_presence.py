"""Presence: stays added up by stretches of time, against a count moment by moment."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.presence import presence_of
from sightline.service.store.presence import Stay

EDGES = np.arange(0.0, 41.0, 10.0)
MOMENTS = np.arange(-5, 50) + 0.5


def stays() -> st.SearchStrategy[list[Stay]]:
    # Whole seconds, so that counting at half seconds is exact.
    one = st.builds(
        lambda begin, length, over: Stay("door", "hall", begin, begin + length, over),
        st.integers(-5, 39).map(float),
        st.integers(1, 30).map(float),
        st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=12)


@given(stays())
def test_presence_is_what_counting_moment_by_moment_finds(here: list[Stay]) -> None:
    found = {one.start: one for one in presence_of(here, EDGES)}
    there = np.array([sum(stay.begin <= moment < stay.end for stay in here) for moment in MOMENTS])
    for start in EDGES[:-1]:
        inside = (start <= MOMENTS) & (start + 10 > MOMENTS)
        one = found.get(start)
        seconds = 0.0 if one is None else one.seconds
        assert seconds == there[inside].sum()
        came = sum(start <= stay.begin < start + 10 for stay in here)
        gone = [stay for stay in here if stay.over and start <= stay.end < start + 10]
        assert (0 if one is None else one.came) == came
        assert (0 if one is None else one.left) == len(gone)
        assert (0.0 if one is None else one.stayed) == sum(s.end - s.begin for s in gone)
        assert (0 if one is None else one.peak) == there[inside].max()


def test_two_who_follow_each_other_are_one_at_a_time() -> None:
    here = [Stay("door", "", 1.0, 3.0, True), Stay("door", "", 3.0, 5.0, True)]
    (found,) = presence_of(here, EDGES)
    assert (found.peak, found.seconds, found.came, found.left, found.stayed) == (1, 4.0, 2, 2, 4.0)


def test_a_stay_of_one_moment_counts() -> None:
    (found,) = presence_of([Stay("door", "", 4.0, 4.0, True)], EDGES)
    assert (found.peak, found.seconds, found.came) == (1, 0.0, 1)


def test_places_are_kept_apart_and_empty_stretches_left_out() -> None:
    here = [Stay("yard", "", 35.0, 38.0, True), Stay("door", "hall", 1.0, 15.0, False)]
    found = presence_of(here, EDGES)
    assert [(one.start, one.stream, one.zone) for one in found] == [
        (0.0, "door", "hall"),
        (10.0, "door", "hall"),
        (30.0, "yard", ""),
    ]
    assert found[0].left == found[1].left == 0  # it is not over
