"""Embeddings help where boxes cannot, and do no harm where they can."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections
from sightline.tracker import Tracker
from tests.tracker.scenes import boxes_at, crowd

LOOKS = np.eye(3, 8, dtype=np.float32)


def _seen(boxes: npt.ArrayLike, looks: npt.NDArray[np.float32] | None) -> Detections:
    rows = np.asarray(boxes, dtype=np.float32).reshape(-1, 4)
    return Detections(rows, np.full(len(rows), 0.9), np.zeros(len(rows)), looks)


def _ids_after_absence(seconds: float, *, moved: float, looks: bool) -> list[int]:
    """Ids, by row, of three people of whom the first was away and came back elsewhere."""
    tracker = Tracker()
    away = int(seconds * 30)
    for _ in range(30):
        tracker.update(_seen(boxes_at(0), LOOKS if looks else None))
    for _ in range(away):
        tracker.update(_seen(boxes_at(0)[1:], LOOKS[1:] if looks else None))
    boxes = boxes_at(0)
    boxes[0] += [0, moved, 0, moved]
    for _ in range(5):
        tracks = tracker.update(_seen(boxes, LOOKS if looks else None))
    by_row = tracks.ids[np.argsort(tracks.detections)]
    return [int(identity) for identity in by_row]


def test_lost_person_is_found_again_by_looks_away_from_the_prediction() -> None:
    assert _ids_after_absence(1.5, moved=150, looks=False) == [4, 3, 2]
    assert _ids_after_absence(1.5, moved=150, looks=True) == [1, 3, 2]


def test_looks_find_a_person_after_the_patience_of_motion() -> None:
    assert _ids_after_absence(5, moved=0, looks=False) == [4, 3, 2]
    assert _ids_after_absence(5, moved=0, looks=True) == [1, 3, 2]
    assert _ids_after_absence(12, moved=0, looks=True) == [4, 3, 2]


def test_looks_do_not_find_a_person_farther_than_one_can_walk() -> None:
    assert _ids_after_absence(0.5, moved=1500, looks=True) == [4, 3, 2]


def test_looks_decide_between_two_who_meet_and_turn_back() -> None:
    def ids(*, looks: bool) -> list[int]:
        tracker = Tracker()
        for frame in range(60):
            step = 4.0 * (frame if frame < 30 else 60 - frame)
            boxes = np.array(
                [[100 + step, 100, 140 + step, 200], [344 - step, 100, 384 - step, 200]]
            )
            found = LOOKS[:2] if looks else None
            tracks = tracker.update(_seen(boxes, found))
        return [int(identity) for identity in tracks.ids[np.argsort(tracks.detections)]]

    assert ids(looks=True) == [1, 2]


def test_embeddings_of_no_use_change_nothing_where_nobody_meets() -> None:
    generator = np.random.default_rng(0)
    tracker = Tracker()
    for frame in range(40):
        noise = generator.normal(0, 1, (3, 8)).astype(np.float32)
        noise /= np.linalg.norm(noise, axis=1, keepdims=True)
        tracks = tracker.update(_seen(boxes_at(frame), noise))
    assert tracks.ids.tolist() == [1, 2, 3]


def test_unfinite_embedding_drops_its_row() -> None:
    tracker = Tracker()
    looks = LOOKS.copy()
    looks[1, 3] = np.nan
    tracks = tracker.update(_seen(boxes_at(0), looks))
    assert len(tracks) == 2
    assert tracker.statistics.dropped_rows == 1


def test_embeddings_may_come_late_and_stay_away() -> None:
    tracker = Tracker()
    for frame, part in enumerate(crowd(20, 60, dimension=8)):
        bare = Detections(part.boxes, part.scores, part.classes)
        tracks = tracker.update(bare if frame < 10 or frame % 3 == 0 else part)
    assert len(tracks) > 5


def test_gallery_is_bounded() -> None:
    tracker = Tracker(gallery_size=3, max_tracks=50)
    sizes = set()
    for frame, part in enumerate(crowd(15, 200, dimension=8)):
        tracker.update(part)
        if frame > 100:
            sizes.add(len(tracker.save()))
    assert len(sizes) <= 3
