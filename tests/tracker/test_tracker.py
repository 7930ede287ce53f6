"""Time, classes, bounds and bad input, on the default preset."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.errors import ConfigError, InputError, StateError
from sightline.structures import Detections
from sightline.tracker import PARAMETERS, Tracker, TrackerGroup
from tests.tracker.scenes import WALKERS, boxes_at, crowd, seen


def _followed(tracker: Tracker, frames: range, rate: float = 30) -> list[int]:
    for frame in frames:
        tracks = tracker.update(seen(boxes_at(frame * 30 / rate)), time=frame / rate)
    return [int(identity) for identity in tracks.ids]


def test_lost_track_keeps_its_id_for_two_seconds() -> None:
    tracker = Tracker()
    _followed(tracker, range(30))
    for frame in range(30, 85):
        tracker.update(seen(boxes_at(frame)[1:]), time=frame / 30)
    assert _followed(tracker, range(85, 90)) == [1, 2, 3]


def test_lost_track_is_forgotten_after_its_patience() -> None:
    tracker = Tracker()
    _followed(tracker, range(30))
    for frame in range(30, 100):
        tracker.update(seen(boxes_at(frame)[1:]), time=frame / 30)
    assert _followed(tracker, range(100, 105)) == [2, 3, 4]


@pytest.mark.parametrize("gap", [0.5, 1, 2, 3])
def test_gap_in_the_stream_loses_nobody_who_stands(gap: float) -> None:
    generator = np.random.default_rng(0)
    standing = np.column_stack([generator.uniform(0, 1500, (12, 2)), np.zeros((12, 2))])
    standing[:, 0] += 150 * np.arange(12)
    tracker = Tracker()
    for frame in range(60):
        noise = generator.normal(0, 1.5, (12, 4))
        before = tracker.update(seen(boxes_at(0, standing) + noise), time=frame / 30)
    after = tracker.update(seen(boxes_at(0, standing)), time=59 / 30 + gap)
    assert before.ids.tolist() == after.ids.tolist() == list(range(1, 13))


@pytest.mark.parametrize("rate", [5, 12.5, 30, 60, 240])
def test_frame_rate_is_taken_from_the_time_stamps(rate: float) -> None:
    assert _followed(Tracker(), range(int(3 * rate)), rate) == [1, 2, 3]


def test_irregular_frames_keep_identities() -> None:
    generator = np.random.default_rng(0)
    tracker = Tracker()
    for frame in np.cumsum(generator.choice([1, 1, 2, 5], 60)):
        tracks = tracker.update(seen(boxes_at(frame)), time=frame / 30)
    assert tracks.ids.tolist() == [1, 2, 3]


def test_two_updates_at_one_time_are_fine() -> None:
    tracker = Tracker()
    for _ in range(5):
        tracks = tracker.update(seen(boxes_at(0)), time=1.0)
    assert tracks.ids.tolist() == [1, 2, 3]


def test_missing_time_means_one_nominal_frame() -> None:
    tracker = Tracker(frame_seconds=0.1)
    assert tracker.update(Detections.empty()).time == 0
    assert tracker.update(Detections.empty()).time == pytest.approx(0.1)
    assert tracker.update(Detections.empty(), time=5).time == 5
    assert tracker.update(Detections.empty()).time == pytest.approx(5.1)


def test_unseen_track_is_reported_for_a_moment_where_it_should_be() -> None:
    tracker = Tracker()
    _followed(tracker, range(30))
    counts = []
    for frame in range(30, 36):
        tracks = tracker.update(seen(boxes_at(frame)[1:]), time=frame / 30)
        counts.append(len(tracks))
        if 1 in tracks.ids:
            assert tracks.detections[0] == -1
            np.testing.assert_allclose(tracks.boxes[0], boxes_at(frame)[0], atol=8)
    assert counts == [3, 3, 3, 2, 2, 2]


def test_camera_motion_carries_tracks_along() -> None:
    def pan(frame: int) -> float:
        return 150.0 * frame

    def last_ids(*, told: bool) -> list[int]:
        tracker = Tracker()
        for frame in range(20):
            motion = np.eye(2, 3)
            motion[0, 2] = pan(frame) - pan(frame - 1)
            boxes = boxes_at(frame) + pan(frame) * np.array([1, 0, 1, 0])
            tracks = tracker.update(
                seen(boxes), time=frame / 30, camera_motion=motion if told else None
            )
        return [int(identity) for identity in tracks.ids]

    assert last_ids(told=True) == [1, 2, 3]
    assert last_ids(told=False) != [1, 2, 3]


def test_preset_without_camera_motion_ignores_it() -> None:
    trackers = [Tracker("bytetrack"), Tracker("bytetrack")]
    motion = np.array([[1.0, 0, 500], [0, 1, 0]])
    for frame in range(10):
        plain = trackers[0].update(seen(boxes_at(frame)))
        told = trackers[1].update(seen(boxes_at(frame)), camera_motion=motion)
    np.testing.assert_array_equal(plain.boxes, told.boxes)


def test_track_takes_the_class_that_most_detections_say() -> None:
    tracker = Tracker()
    for label in (2, 2, 7, 2, 2, 7, 2):
        tracks = tracker.update(seen(boxes_at(0)[:1], labels=[label]))
    assert tracks.classes.tolist() == [2]


def test_class_vote_is_bounded_and_follows_a_lasting_change() -> None:
    tracker = Tracker()
    for label in (*range(10), *[11] * 5):
        tracks = tracker.update(seen(boxes_at(0)[:1], labels=[label]))
    assert tracks.classes.tolist() == [11]


def test_classes_apart_where_they_may_not_match() -> None:
    results = {}
    for mode in ("off", "strict", "grouped"):
        tracker = Tracker(class_mode=mode, class_groups=[[2, 7]])
        for label in (2, 2, 2, 7, 7, 7, 3, 3, 3):
            tracks = tracker.update(seen(boxes_at(0)[:1], labels=[label]))
        results[mode] = tracks.ids.tolist()[-1]
    assert results == {"off": 1, "grouped": 2, "strict": 3}


def test_same_place_may_hold_one_track_a_class() -> None:
    tracker = Tracker(class_mode="strict")
    both = seen(np.repeat(boxes_at(0)[:1], 2, axis=0), labels=[0, 5])
    for _ in range(5):
        tracks = tracker.update(both)
    assert sorted(tracks.classes.tolist()) == [0, 5]


def test_labels_beyond_the_table_are_their_own_classes() -> None:
    tracker = Tracker(class_mode="strict")
    for label in (5000, 5000, 5001, 5001, 5001):
        tracks = tracker.update(seen(boxes_at(0)[:1], labels=[label]))
    assert tracks.ids.tolist()[-1] == 2
    with pytest.raises(ConfigError, match="from 0 to 4095; got 9999"):
        Tracker(class_mode="grouped", class_groups=[[9999]])


def test_number_of_tracks_is_bounded() -> None:
    tracker = Tracker(max_tracks=5)
    grid = np.array([[100.0 * column, 0, 0, 1] for column in range(5)])
    for frame in range(5):
        tracks = tracker.update(seen(boxes_at(0, grid)))
        moved = tracker.update(seen(boxes_at(500.0 * (frame + 1), grid)))
        assert tracker.statistics.tracks <= 5
    assert len(tracks) + len(moved) <= 10
    assert tracker.statistics.refused_births > 0


def test_memory_stays_bounded_over_endless_churn() -> None:
    tracker = Tracker(max_tracks=300)
    generator = np.random.default_rng(0)
    for _ in range(3000):
        corners = generator.uniform(0, 5000, (40, 2))
        tracker.update(seen(np.hstack([corners, corners + np.array([40, 100])])))
    assert tracker.statistics.tracks <= 300
    assert len(tracker.save()) < 300_000
    assert tracker.statistics.births == tracker.statistics.deaths + tracker.statistics.tracks


@pytest.mark.parametrize(
    ("box", "score"),
    [
        ([np.nan, 0, 10, 10], 0.9),
        ([0, 0, np.inf, 10], 0.9),
        ([-np.inf, 0, 10, 10], 0.9),
        ([10, 0, 0, 10], 0.9),
        ([0, 0, 0, 10], 0.9),
        ([5, 5, 5, 5], 0.9),
        ([0, 0, 10, 10], 1.5),
        ([0, 0, 10, 10], -0.1),
        ([0, 0, 10, 10], np.nan),
    ],
)
def test_unusable_row_is_dropped_and_counted(box: list[float], score: float) -> None:
    tracker, clean = Tracker(), Tracker()
    for frame in range(10):
        good = seen(boxes_at(frame))
        bad = Detections([box], [score], [0])
        tracks = tracker.update(Detections.concatenate([bad, good]))
        expected = clean.update(good)
        np.testing.assert_array_equal(tracks.boxes, expected.boxes)
        np.testing.assert_array_equal(tracks.detections, expected.detections + 1)
    assert tracker.statistics.dropped_rows == 10


@pytest.mark.parametrize("time", [0.5, -1.0, np.nan, np.inf, -np.inf])
def test_wrong_time_is_refused_and_changes_nothing(time: float) -> None:
    tracker = Tracker()
    tracker.update(seen(boxes_at(0)), time=1.0)
    before = tracker.save()
    with pytest.raises(InputError, match="never goes backwards"):
        tracker.update(seen(boxes_at(1)), time=time)
    assert tracker.save() == before


@pytest.mark.parametrize(
    "motion",
    [np.eye(3), np.full((2, 3), np.nan), np.zeros((2, 3)), np.array([[1.0, 0, np.inf], [0, 1, 0]])],
)
def test_wrong_camera_motion_is_refused_and_changes_nothing(motion: np.ndarray) -> None:
    tracker = Tracker()
    tracker.update(seen(boxes_at(0)), time=1.0)
    before = tracker.save()
    with pytest.raises(InputError, match="camera motion"):
        tracker.update(seen(boxes_at(1)), time=1.1, camera_motion=motion)
    assert tracker.save() == before


def test_too_many_detections_are_refused_and_change_nothing() -> None:
    tracker = Tracker()
    tracker.update(seen(boxes_at(0)))
    before = tracker.save()
    with pytest.raises(InputError, match="100000 detections in one update"):
        tracker.update(seen(np.tile([0.0, 0, 10, 10], (100_000, 1))))
    assert tracker.save() == before


def test_changed_embedding_length_is_refused_and_changes_nothing() -> None:
    tracker = Tracker()
    tracker.update(Detections(boxes_at(0), [0.9] * 3, [0] * 3, np.eye(3, 8)))
    before = tracker.save()
    with pytest.raises(InputError, match="got 4 after 8"):
        tracker.update(Detections(boxes_at(0), [0.9] * 3, [0] * 3, np.eye(3, 4)))
    assert tracker.save() == before


def test_damaged_state_is_refused() -> None:
    saved = Tracker().save()
    for data in (b"", b"nothing", saved[:100], saved[:-30]):
        with pytest.raises(StateError, match="cannot be read"):
            Tracker.load(data)


def test_wrong_parameters_are_refused() -> None:
    with pytest.raises(ConfigError, match="'speed' is unknown"):
        Tracker(speed=3)
    with pytest.raises(ConfigError, match="from 0 to 1"):
        Tracker(high_score=2)


def test_detections_need_not_be_contiguous() -> None:
    tracker, plain = Tracker(), Tracker()
    for frame in range(5):
        wide = np.zeros((3, 6), np.float32)
        wide[:, :4] = boxes_at(frame)
        scores = np.full((3, 2), 0.9, np.float32)[:, 0]
        tracks = tracker.update(Detections(wide[:, :4], scores, np.zeros(6, np.int32)[::2]))
        expected = plain.update(seen(boxes_at(frame)))
        np.testing.assert_array_equal(tracks.boxes, expected.boxes)


def test_large_crowd_is_followed() -> None:
    tracker = Tracker()
    for frame, part in enumerate(crowd(800, 8, seed=3)):
        tracks = tracker.update(part, time=frame / 30)
    assert len(tracks) > 500


def test_every_default_is_inside_its_range() -> None:
    for name, parameter in PARAMETERS.items():
        assert parameter.description.endswith("."), name
        if parameter.choices:
            assert parameter.default in parameter.choices
        else:
            assert parameter.low <= float(parameter.default) <= parameter.high, name


def test_group_keeps_cameras_apart() -> None:
    cameras = TrackerGroup("bytetrack")
    for frame in range(5):
        found = cameras.update(
            {"door": seen(boxes_at(frame)), "yard": seen(boxes_at(frame, WALKERS[:1]))},
            times={"door": frame / 30},
        )
    assert found["door"].ids.tolist() == [1, 2, 3]
    assert found["yard"].ids.tolist() == [1]
    assert sorted(cameras) == ["door", "yard"]
    cameras.remove("door")
    assert len(cameras) == 1
    assert cameras["door"].statistics.updates == 0


def test_reserved_ids_are_never_given_and_remembered_ones_are_named() -> None:
    tracker = Tracker("sort", confirm_hits=1)
    tracker.reserve(41)
    seen = Detections([[0, 0, 10, 20], [50, 0, 60, 20]], [0.9, 0.9], [0, 0])
    assert tracker.update(seen).ids.tolist() == [42, 43]
    tracker.reserve(7)
    assert tracker.ids.tolist() == [42, 43]
    tracker.reset()
    assert tracker.ids.tolist() == []
