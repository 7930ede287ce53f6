from __future__ import annotations

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.structures import Tracks
from sightline.tracker.offline import Timeline, TrackTable


def table_of(frames: list[int], ids: list[int], rate: float = 30.0) -> TrackTable:
    boxes = [[10.0 * frame, 0, 10.0 * frame + 20, 40] for frame in frames]
    times = np.array(frames) / rate
    return TrackTable(frames, times, ids, boxes, np.ones(len(ids)), np.zeros(len(ids)))


def test_columns_that_do_not_fit_are_named() -> None:
    with pytest.raises(InputError, match="2 frames but 1 ids"):
        TrackTable([0, 1], [0, 1], [1], np.zeros((2, 4)), [1, 1], [0, 0])


@pytest.mark.parametrize("box", [[0, 0, np.nan, 1], [5, 0, 4, 1], [0, 0, np.inf, 1]])
def test_a_box_that_cannot_be_used_is_named(box: list[float]) -> None:
    with pytest.raises(InputError, match=r"row 0 .* id 3"):
        TrackTable([0], [0.0], [3], [box], [1.0], [0])


def test_a_track_twice_in_one_frame_is_refused() -> None:
    with pytest.raises(InputError, match="track 4 has two rows in frame 2"):
        table_of([1, 2, 2], [4, 4, 4])


def test_time_that_stands_still_is_refused() -> None:
    with pytest.raises(InputError, match="time does not grow"):
        TrackTable([0, 1], [1.0, 1.0], [1, 1], np.zeros((2, 4)), [1, 1], [0, 0])


def test_collect_keeps_which_boxes_were_predicted() -> None:
    tracks = Tracks(
        np.array([1, 2]),
        np.array([[0, 0, 1, 1], [2, 2, 3, 3]], np.float32),
        np.array([0.5, 0.9], np.float32),
        np.array([0, 1], np.int32),
        np.array([3, -1], np.int32),
        np.zeros(2, np.float32),
        np.ones(2, np.int32),
        time=0.25,
    )
    table = TrackTable.collect([(7, Tracks.empty()), (8, tracks)])
    assert table.frames.tolist() == [8, 8]
    assert table.times.tolist() == [0.25, 0.25]
    assert table.observed.tolist() == [True, False]
    assert table.classes.tolist() == [0, 1]


def test_collect_of_nothing_is_empty() -> None:
    assert len(TrackTable.collect([])) == 0
    assert len(TrackTable.concatenate([])) == 0


def test_rows_are_ordered_by_track_and_by_frame() -> None:
    table = table_of([3, 1, 2, 1], [1, 2, 1, 1])
    assert list(zip(table.by_track().ids, table.by_track().frames, strict=True)) == [
        (1, 1),
        (1, 2),
        (1, 3),
        (2, 1),
    ]
    assert table.by_frame().ids.tolist() == [1, 2, 1, 1]
    assert table.by_track().track_starts().tolist() == [0, 3, 4]
    assert TrackTable.empty().track_starts().tolist() == [0]


def test_timeline_of_a_table_has_every_frame_between() -> None:
    timeline = Timeline.of(table_of([4, 8], [1, 1], rate=10))
    assert timeline.frames.tolist() == [4, 5, 6, 7, 8]
    np.testing.assert_allclose(timeline.times, [0.4, 0.5, 0.6, 0.7, 0.8])


def test_a_frame_outside_the_timeline_is_named() -> None:
    with pytest.raises(InputError, match="frame 8 has tracks"):
        Timeline([0, 4], [0, 1]).positions(table_of([4, 8], [1, 1]))


@pytest.mark.parametrize(
    ("frames", "times", "motion", "message"),
    [
        ([0, 1], [0.0], None, "a time a frame"),
        ([1, 1], [0.0, 1.0], None, "increase"),
        ([0, 1], [1.0, 0.0], None, "increase"),
        ([0, 1], [0.0, 1.0], np.zeros((1, 2, 3)), "an affine a frame"),
        ([0, 1], [0.0, 1.0], np.zeros((2, 2, 3)), "to a line"),
    ],
)
def test_a_timeline_that_does_not_fit_is_refused(
    frames: list[int], times: list[float], motion: np.ndarray | None, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Timeline(frames, times, motion)


def test_results_are_the_reverse_of_collect() -> None:
    table = TrackTable(
        [0, 0, 2], [0.0, 0.0, 0.2], [3, 1, 3], [[0, 0, 4, 8], [9, 0, 12, 8], [1, 0, 5, 8]],
        [0.5, 0.75, 0.5], [0, 1, 0], [True, True, False],
    )  # fmt: skip
    timeline = Timeline([0, 1, 2], [0.0, 0.1, 0.2])
    results = list(table.results(timeline))
    assert [(index, tracks.ids.tolist()) for index, tracks in results] == [
        (0, [1, 3]),
        (1, []),
        (2, [3]),
    ]
    last = results[2][1]
    assert last.detections.tolist() == [-1]
    assert last.hits.tolist() == [2]
    assert last.ages[0] == pytest.approx(0.2)
    again = TrackTable.collect(results).by_frame()
    expected = table.by_frame()
    assert again.ids.tolist() == expected.ids.tolist()
    assert again.boxes.tolist() == expected.boxes.tolist()
    assert again.observed.tolist() == expected.observed.tolist()
