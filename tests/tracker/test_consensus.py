from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sightline.structures import Detections
from sightline.tracker import Tracker
from tests.tracker.scenes import seen

FRAME = 1 / 30


def standing_people(count: int = 9) -> npt.NDArray[np.float64]:
    """(N, 4) boxes side by side, close enough that a jump puts each on its neighbour's place."""
    left = 100.0 + 55 * np.arange(count)
    return np.column_stack([left, np.full(count, 300.0), left + 40, np.full(count, 400.0)])


def identities(tracker: Tracker, boxes: npt.NDArray[np.float64], time: float) -> list[int]:
    """The id of each box, 0 where it has none."""
    tracks = tracker.update(seen(boxes), time=time)
    found = dict(zip(tracks.detections.tolist(), tracks.ids.tolist(), strict=True))
    return [found.get(row, 0) for row in range(len(boxes))]


@pytest.mark.parametrize("jump", [(25.0, 0.0), (0.0, 55.0), (-15.0, -35.0)])
def test_a_shaking_camera_costs_no_identity(jump: tuple[float, float]) -> None:
    tracker = Tracker()
    generator = np.random.default_rng(1)
    boxes = standing_people()
    before: list[int] = []
    for frame in range(40):
        shake = np.tile(jump, 2) if frame % 2 else np.zeros(4)
        wobble = generator.normal(0, 0.5, boxes.shape)
        ids = identities(tracker, boxes + shake + wobble, frame * FRAME)
        assert 0 not in ids
        assert before in ([], ids)
        before = ids


def test_without_the_consensus_the_same_shake_costs_identities() -> None:
    tracker = Tracker(consensus_motion=0)
    boxes = standing_people()
    rows = [
        identities(tracker, boxes + (np.array([0, 55] * 2) if frame % 2 else 0), frame * FRAME)
        for frame in range(40)
    ]
    assert any(ids != rows[0] for ids in rows)


def test_given_camera_motion_is_taken_as_it_is() -> None:
    boxes = standing_people()
    still = np.eye(2, 3)
    results = []
    for switch in (0, 1):
        tracker = Tracker(consensus_motion=switch)
        tracker.update(seen(boxes), time=0, camera_motion=still)
        results.append(tracker.update(seen(boxes + 9), time=FRAME, camera_motion=still).boxes)
    np.testing.assert_array_equal(results[0], results[1])


def test_people_who_walk_their_own_ways_are_no_consensus() -> None:
    """A fixed camera: tracks are what they are without the consensus, to the bit."""
    generator = np.random.default_rng(2)
    start = generator.uniform(100, 1500, (12, 2))
    velocity = generator.normal(0, 4, (12, 2))
    results = []
    for switch in (0, 1):
        tracker = Tracker(consensus_motion=switch)
        for frame in range(30):
            corner = start + frame * velocity
            found = tracker.update(seen(np.hstack([corner, corner + np.array([40, 100])])))
        results.append(found.boxes)
    np.testing.assert_array_equal(results[0], results[1])


def test_fewer_than_four_boxes_are_no_consensus() -> None:
    boxes = standing_people(3)
    results = []
    for switch in (0, 1):
        tracker = Tracker(consensus_motion=switch)
        tracker.update(seen(boxes), time=0)
        tracker.update(Detections.empty(), time=FRAME)
        tracker.update(seen(boxes), time=2 * FRAME)
        results.append(tracker.update(seen(boxes + 9), time=3 * FRAME).boxes)
    np.testing.assert_array_equal(results[0], results[1])
