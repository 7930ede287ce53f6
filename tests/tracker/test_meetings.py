"""Two who meet and part: each has its own id afterwards."""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pytest

from sightline.structures import Detections
from sightline.tracker import Tracker

RED_AND_BLUE = np.eye(2, 8, dtype=np.float32)
ALIKE = np.ones((2, 8), np.float32) / np.sqrt(8)
NOTHING = np.zeros((2, 8), np.float32)


def _meeting(looks: npt.NDArray[np.float32], *, turn: bool, **settings: float) -> list[list[int]]:
    """Ids by person, frame after frame, of two who walk towards each other for a second.

    While they overlap there are no embeddings; then they walk on, or both turn back.
    """
    tracker = Tracker("sightline", class_groups=(), **settings)
    ids = []
    for frame in range(100):
        step = 4.0 * frame if not turn or frame < 32 else 4.0 * (64 - frame)
        lefts = np.array([100 + step, 356 - step])
        boxes = np.column_stack([lefts, [100, 104], lefts + 40, [200, 204]])
        apart = abs(lefts[0] - lefts[1]) > 40
        seen = Detections(boxes, [0.9, 0.9], [0, 0], looks if apart else NOTHING)
        tracks = tracker.update(seen)
        ids.append([int(track) for track in tracks.ids[np.argsort(tracks.detections)]])
    return ids


def test_exchanged_ids_are_exchanged_back() -> None:
    assert _meeting(RED_AND_BLUE, turn=True, meeting_margin=0)[-1] == [2, 1]
    ids = _meeting(RED_AND_BLUE, turn=True)
    assert [2, 1] in ids  # the boxes alone mistake them
    assert ids[-1] == [1, 2]


def test_nothing_changes_twice() -> None:
    ids = _meeting(RED_AND_BLUE, turn=True)
    changes = sum(before != after for before, after in itertools.pairwise(ids))
    assert changes == 2  # the mistake and its correction


@pytest.mark.parametrize("looks", [RED_AND_BLUE, ALIKE])
def test_those_who_pass_each_other_keep_their_ids(looks: npt.NDArray[np.float32]) -> None:
    assert all(pair == [1, 2] for pair in _meeting(looks, turn=False))


def test_those_who_look_alike_are_never_exchanged() -> None:
    with_looks = _meeting(ALIKE, turn=True)
    assert with_looks == _meeting(ALIKE, turn=True, meeting_margin=0)


def test_saved_in_the_middle_of_a_meeting() -> None:
    def walk(tracker: Tracker, frames: range) -> Tracker:
        for frame in frames:
            step = 4.0 * (frame if frame < 32 else 64 - frame)
            lefts = np.array([100 + step, 356 - step])
            boxes = np.column_stack([lefts, [100, 104], lefts + 40, [200, 204]])
            apart = abs(lefts[0] - lefts[1]) > 40
            looks = RED_AND_BLUE if apart else NOTHING
            tracker.update(Detections(boxes, [0.9, 0.9], [0, 0], looks))
        return tracker

    whole = walk(Tracker(), range(70))
    parts = walk(Tracker.load(walk(Tracker(), range(33)).save()), range(33, 70))
    assert whole.save() == parts.save()
