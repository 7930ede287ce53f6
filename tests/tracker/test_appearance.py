"""Embeddings help where boxes cannot, and do no harm where they can."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections
from sightline.tracker import Tracker, TrackerGroup
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


def test_rows_of_zeros_are_no_embeddings() -> None:
    bare, zeros = Tracker(), Tracker()
    for part in crowd(20, 60):
        none = np.zeros((len(part), 8), np.float32)
        expected = bare.update(part)
        found = zeros.update(Detections(part.boxes, part.scores, part.classes, none))
        assert found.ids.tolist() == expected.ids.tolist()
        np.testing.assert_array_equal(found.boxes, expected.boxes)
    assert zeros.exemplars() == {}


def test_length_of_an_embedding_does_not_matter() -> None:
    plain, scaled = Tracker(), Tracker()
    for part in crowd(15, 40, dimension=8):
        assert part.embeddings is not None
        longer = Detections(part.boxes, part.scores, part.classes, 7 * part.embeddings)
        assert plain.update(part).ids.tolist() == scaled.update(longer).ids.tolist()


def test_covered_crops_teach_nothing() -> None:
    """Somebody stands in front: the crops show the wrong person, and are not believed."""
    tracker = Tracker()
    boxes = boxes_at(0)[:1]
    in_front = boxes + np.array([10, 20, 10, 20])
    for _ in range(20):
        tracker.update(_seen(boxes, LOOKS[:1]))
    for _ in range(20):
        tracker.update(_seen(np.vstack([boxes, in_front]), LOOKS[[1, 1]]))
    np.testing.assert_allclose(tracker.exemplars([1])[1], LOOKS[:1], atol=1e-6)


def test_who_fits_two_lost_people_is_neither_at_first() -> None:
    def last_id(second: npt.NDArray[np.float32]) -> int:
        tracker = Tracker(adoption_patience=0)
        looks = np.stack([LOOKS[0], second])
        for _ in range(30):
            tracker.update(_seen(boxes_at(0)[[0, 2]], looks))
        for _ in range(100):
            tracker.update(Detections.empty())
        for _ in range(5):
            tracks = tracker.update(_seen([[250, 400, 290, 500]], LOOKS[:1]))
        return int(tracks.ids[0])

    assert last_id(LOOKS[1]) == 1
    assert last_id(LOOKS[0]) == 3


def test_new_track_gives_way_to_the_lost_one_that_it_turns_out_to_be() -> None:
    tracker = Tracker()
    for _ in range(30):
        tracker.update(_seen(boxes_at(0)[:1], LOOKS[:1]))
    for _ in range(90):
        tracker.update(Detections.empty())
    ids = []
    for frame in range(20):
        # What is seen at first says nothing.
        looks = LOOKS[:1] if frame > 5 else np.zeros((1, 8), np.float32)
        ids.append(tracker.update(_seen(boxes_at(0)[:1], looks)).ids.tolist())
    assert ids[5] == [2]
    assert ids[-1] == [1]
    assert tracker.statistics.tracks == 1
    assert tracker.statistics.births == tracker.statistics.deaths + 1


def test_low_trust_forbids_but_never_joins() -> None:
    def ids(trust: str, returning: int, seconds: float) -> list[int]:
        tracker = Tracker(appearance_trust=trust)
        for _ in range(30):
            tracker.update(_seen(boxes_at(0)[:1], LOOKS[:1]))
        for _ in range(int(30 * seconds)):
            tracker.update(Detections.empty())
        for _ in range(5):
            tracks = tracker.update(_seen(boxes_at(0)[:1], LOOKS[[returning]]))
        return [int(track) for track in tracks.ids]

    assert ids("veto", 0, 1) == [1]  # the boxes say so
    assert ids("veto", 1, 1) == [2]  # the looks forbid it
    assert ids("veto", 0, 5) == [2]  # looks alone say nothing
    assert ids("full", 0, 5) == [1]


def test_exemplars_differ_and_are_few() -> None:
    tracker = Tracker(gallery_size=4)
    turning = np.random.default_rng(0)
    for frame in range(300):
        angle = frame / 300 * np.pi / 2
        look = np.zeros((1, 8), np.float32)
        look[0, :2] = np.cos(angle), np.sin(angle)
        look += turning.normal(0, 0.01, look.shape).astype(np.float32)
        tracker.update(_seen(boxes_at(0)[:1], look))
    (vectors,) = tracker.exemplars().values()
    assert 2 <= len(vectors) <= 4
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    distances = 1 - vectors @ vectors.T + np.eye(len(vectors))
    assert distances.min() > 0.02


def test_exemplars_can_be_kept_when_a_track_ends() -> None:
    tracker = Tracker(reidentify_patience=1, patience=0.5)
    for _ in range(10):
        tracker.update(_seen(boxes_at(0), LOOKS))
    assert sorted(tracker.exemplars()) == [1, 2, 3]
    assert tracker.finished() == []
    kept: dict[int, npt.NDArray[np.float32]] = {}
    for _ in range(60):
        tracker.update(_seen(boxes_at(0)[1:], LOOKS[1:]))
        kept |= tracker.exemplars(tracker.finished())
    assert list(kept) == [1]
    np.testing.assert_allclose(kept[1], LOOKS[:1], atol=1e-6)
    assert sorted(tracker.exemplars([1, 2, 3, 99])) == [2, 3]


def test_group_hands_out_exemplars_by_camera() -> None:
    cameras = TrackerGroup()
    for _ in range(3):
        cameras.update({"door": _seen(boxes_at(0), LOOKS), "yard": _seen(boxes_at(0), None)})
    assert sorted(cameras.exemplars("door")) == [1, 2, 3]
    assert cameras.exemplars("yard") == {}


def test_remembered_tracks_are_bounded() -> None:
    tracker = Tracker(reidentify_tracks=20, confirm_hits=1, reidentify_patience=600)
    for frame in range(100):
        boxes = boxes_at(0) + 5000.0 * frame
        tracker.update(_seen(boxes, LOOKS), time=3.0 * frame)
        assert tracker.statistics.tracks <= 20 + 2 * len(boxes)


def test_gallery_is_bounded() -> None:
    tracker = Tracker(gallery_size=3, max_tracks=50)
    sizes = set()
    for frame, part in enumerate(crowd(15, 200, dimension=8)):
        tracker.update(part)
        if frame > 100:
            sizes.add(len(tracker.save()))
    assert len(sizes) <= 3


def test_memory_is_the_same_after_a_million_tracks() -> None:
    tracker = Tracker(confirm_hits=1, patience=0.5, reidentify_tracks=50, gallery_size=2)
    columns, rows = np.meshgrid(np.arange(25) * 100.0, np.arange(20) * 150.0)
    corners = np.column_stack([columns.ravel(), rows.ravel()])
    boxes = np.hstack([corners, corners + np.array([40, 100])])
    looks = np.random.default_rng(0).normal(0, 1, (500, 4))
    sizes = set()
    for update in range(2000):
        elsewhere = boxes + np.array([1, 0, 1, 0]) * 10_000 * (update % 50)
        tracker.update(_seen(elsewhere, looks.astype(np.float32)), time=float(update))
        if update >= 10 and update % 500 == 0:
            sizes.add(len(tracker.save()) // 1024)
    statistics = tracker.statistics
    assert statistics.births == 1_000_000
    assert statistics.refused_births == 0
    assert statistics.deaths == statistics.births - statistics.tracks
    assert statistics.tracks <= 500 + 500 + 50
    assert max(sizes) - min(sizes) <= 1
    assert len(tracker.exemplars()) == statistics.tracks + len(tracker.finished())
