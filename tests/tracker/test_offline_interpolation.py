from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.tracker.offline import Looks, Timeline, TrackTable, interpolate_gaps
from sightline.tracker.offline.camera import compose, invert, warp


def walker(frames: list[int], track: int = 1, speed: float = 3.0) -> TrackTable:
    left = speed * np.array(frames, float)
    boxes = np.column_stack([left, np.zeros(len(left)), left + 20, np.full(len(left), 50.0)])
    count = len(frames)
    return TrackTable(
        frames, np.array(frames) / 30, np.full(count, track), boxes, np.ones(count), np.zeros(count)
    )


def test_a_gap_is_filled_on_the_line_between_its_ends() -> None:
    table = walker([0, 1, 5, 6])
    filled = interpolate_gaps(table, Timeline.of(table), max_gap=1)
    assert filled.frames.tolist() == list(range(7))
    np.testing.assert_allclose(filled.boxes, walker(list(range(7))).boxes)
    assert filled.observed.tolist() == [True, True, False, False, False, True, True]


@given(st.integers(1, 40), st.floats(0.05, 1.5))
def test_only_gaps_within_the_limit_in_seconds_are_filled(missing: int, limit: float) -> None:
    table = walker([0, missing + 1])
    filled = interpolate_gaps(table, Timeline.of(table), max_gap=limit)
    assert len(filled) == (2 + missing if table.times[1] <= limit else 2)


def test_frames_that_were_never_tracked_are_not_invented() -> None:
    table = walker([0, 2, 8])
    every_second = Timeline([0, 2, 4, 6, 8], np.array([0, 2, 4, 6, 8]) / 30)
    assert interpolate_gaps(table, every_second, max_gap=1).frames.tolist() == [0, 2, 4, 6, 8]


def test_uneven_time_stamps_weigh_the_ends() -> None:
    table = TrackTable(
        [0, 2], [0.0, 1.0], [1, 1], [[0, 0, 10, 10], [10, 0, 20, 10]], [0.0, 1.0], [0, 0]
    )
    filled = interpolate_gaps(table, Timeline([0, 1, 2], [0, 0.9, 1.0]), max_gap=2)
    np.testing.assert_allclose(filled.boxes[1], [9, 0, 19, 10])
    assert filled.scores[1] == pytest.approx(0.9)


def test_two_tracks_are_not_joined() -> None:
    table = TrackTable.concatenate([walker([0, 1], 1), walker([4, 5], 2)])
    assert len(interpolate_gaps(table, Timeline.of(table), max_gap=9)) == len(table)


def test_a_shaking_camera_is_followed() -> None:
    """A person who stands while the camera jumps aside and back is filled where it was seen."""
    jump = np.tile(np.eye(2, 3), (5, 1, 1))
    jump[2, 0, 2], jump[3, 0, 2] = 100, -100
    table = TrackTable(
        [0, 1, 3, 4],
        np.array([0, 1, 3, 4]) / 30,
        [1, 1, 1, 1],
        np.tile([50.0, 50, 70, 90], (4, 1)),
        np.ones(4),
        np.zeros(4),
    )
    filled = interpolate_gaps(table, Timeline(range(5), np.arange(5) / 30, jump), max_gap=1)
    np.testing.assert_allclose(filled.boxes[2], [150, 50, 170, 90])


def test_looks_are_handed_on() -> None:
    table = walker([0, 2])
    looks = Looks({1: np.array([[1, 0]], np.float32)}, 0.3)
    with_looks = replace(table, looks=looks)
    filled = interpolate_gaps(with_looks, Timeline.of(table), max_gap=1)
    assert filled.looks is not None
    np.testing.assert_array_equal(filled.looks.exemplars[1], [[1, 0]])


def test_an_empty_table_stays_empty() -> None:
    table = TrackTable.empty()
    assert len(interpolate_gaps(table, Timeline.of(table), max_gap=1)) == 0


def test_input_is_untouched() -> None:
    table = walker([0, 3])
    before = table.boxes.copy()
    interpolate_gaps(table, Timeline.of(table), max_gap=1)
    np.testing.assert_array_equal(table.boxes, before)


def test_composed_camera_motion_is_the_product_of_its_steps() -> None:
    random = np.random.default_rng(0)
    motion = np.tile(np.eye(2, 3), (6, 1, 1)) + random.normal(0, 0.05, (6, 2, 3))
    full = np.tile(np.eye(3), (6, 1, 1))
    full[:, :2] = motion
    expected = full[5] @ full[4] @ full[3]
    np.testing.assert_allclose(compose(motion, 2, 5)[-1], expected[:2], atol=1e-12)
    np.testing.assert_allclose(compose(motion, 2, 5)[0], np.eye(2, 3))


def test_warp_there_and_back_gives_the_box_again() -> None:
    affine = np.array([[1.02, -0.1, 5.0], [0.1, 1.01, -3.0]])
    states = np.array([[100.0, 50, 20, 40], [0, 0, 1, 2]])
    np.testing.assert_allclose(warp(warp(states, affine), invert(affine)), states, atol=1e-9)
