"""The tracker asks for embeddings where they are of use, and seldom elsewhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.structures import Detections
from sightline.tracker import Tracker
from tests.tracker.scenes import boxes_at, crowd, seen

LOOKS = np.eye(3, 8, dtype=np.float32)


def _known(frames: int = 30) -> Tracker:
    """A tracker that knows the three walkers well."""
    tracker = Tracker()
    for frame in range(frames):
        people = boxes_at(frame)
        tracker.update(Detections(people, [0.9] * 3, [0] * 3, LOOKS), time=frame / 30)
    return tracker


def test_everybody_is_wanted_at_first() -> None:
    assert sorted(Tracker().wanted_embeddings(seen(boxes_at(0))).tolist()) == [0, 1, 2]


def test_weak_detections_are_never_wanted() -> None:
    assert len(Tracker().wanted_embeddings(seen(boxes_at(0), score=0.4))) == 0


def test_people_in_plain_sight_are_not_wanted_again_at_once() -> None:
    tracker = _known()
    assert len(tracker.wanted_embeddings(seen(boxes_at(30)), time=1.0)) == 0


def test_people_in_plain_sight_are_wanted_again_after_a_while() -> None:
    tracker = _known()
    for frame in range(30, 46):
        tracker.update(seen(boxes_at(frame)), time=frame / 30)
    wanted = tracker.wanted_embeddings(seen(boxes_at(46)), time=46 / 30)
    assert sorted(wanted.tolist()) == [0, 1, 2]


def test_stranger_comes_before_those_who_are_known() -> None:
    tracker = _known()
    boxes = np.vstack([boxes_at(30), [[600, 50, 640, 150]]])
    assert tracker.wanted_embeddings(seen(boxes), time=1.0).tolist() == [3]


def test_those_who_may_be_mistaken_are_wanted() -> None:
    tracker = _known()
    boxes = boxes_at(30)
    boxes = np.vstack([boxes, boxes[:1] + 10])
    assert sorted(tracker.wanted_embeddings(seen(boxes), time=1.0).tolist()) == [0, 3]


def test_camera_motion_is_taken_into_account() -> None:
    tracker = _known()
    shift = np.array([[1.0, 0, 200], [0, 1, 0]])
    moved = seen(boxes_at(30) + np.array([200, 0, 200, 0]))
    assert len(tracker.wanted_embeddings(moved, time=1.0)) == 3
    assert len(tracker.wanted_embeddings(moved, time=1.0, camera_motion=shift)) == 0


def test_asking_changes_nothing() -> None:
    tracker = _known()
    before = tracker.save()
    tracker.wanted_embeddings(seen(boxes_at(30)), time=5.0)
    assert tracker.save() == before


@pytest.mark.parametrize("time", [0.5, np.nan])
def test_wrong_time_is_refused(time: float) -> None:
    with pytest.raises(InputError, match="never goes backwards"):
        _known().wanted_embeddings(seen(boxes_at(30)), time=time)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_rows_are_high_detections_each_once(seed: int) -> None:
    tracker = Tracker()
    for part in crowd(20, 10, seed=seed, dimension=8):
        rows = tracker.wanted_embeddings(part)
        assert len(np.unique(rows)) == len(rows)
        assert (part.scores[rows] >= 0.65).all()
        tracker.update(part)
