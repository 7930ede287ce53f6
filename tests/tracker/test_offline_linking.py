from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sightline.errors import InputError
from sightline.tracker.offline import Looks, Timeline, TrackTable, parse_steps
from sightline.tracker.offline.linking import assign_exactly

RATE = 30


def tracklet(
    track: int,
    first: int,
    last: int,
    *,
    x: float = 0.0,
    speed: float = 60.0,
    height: float = 100.0,
    label: int = 0,
    look: npt.ArrayLike | None = None,
) -> TrackTable:
    """Somebody who walks at `speed` pixels a second and is at `x` at time 0."""
    frames = np.arange(first, last + 1)
    times = frames / RATE
    left = x + speed * times
    boxes = np.column_stack(
        [left, np.full(len(left), 50.0), left + 0.4 * height, np.full(len(left), 50 + height)]
    )
    count = len(frames)
    looks = None if look is None else Looks({track: np.array([look], np.float32)}, 0.3)
    return TrackTable(
        frames,
        times,
        np.full(count, track),
        boxes,
        np.ones(count),
        np.full(count, label),
        looks=looks,
    )


def link(parts: list[TrackTable], text: str = "link") -> dict[int, set[int]]:
    """Which ids the rows of each tracklet (by its first frame's order) have afterwards."""
    table = TrackTable.concatenate(parts)
    (step,) = parse_steps(text)
    linked = step.run(table, Timeline.of(table)).by_frame()
    before = table.by_frame()
    key = {
        (f, tuple(b)): i for f, b, i in zip(before.frames, before.boxes, before.ids, strict=True)
    }
    result: dict[int, set[int]] = {}
    for frame, box, identity in zip(linked.frames, linked.boxes, linked.ids, strict=True):
        result.setdefault(int(key[frame, tuple(box)]), set()).add(int(identity))
    return result


def test_an_interrupted_walk_gets_one_id() -> None:
    assert link([tracklet(1, 0, 30), tracklet(2, 45, 90)]) == {1: {1}, 2: {1}}


def test_a_chain_takes_the_id_of_its_first() -> None:
    parts = [tracklet(9, 0, 30), tracklet(4, 40, 70), tracklet(2, 80, 100)]
    assert link(parts) == {9: {9}, 4: {9}, 2: {9}}


def test_tracklets_that_overlap_in_time_stay_apart() -> None:
    assert link([tracklet(1, 0, 30), tracklet(2, 25, 60, x=1)]) == {1: {1}, 2: {2}}


def test_a_gap_beyond_the_limit_stays_open() -> None:
    parts = [tracklet(1, 0, 30), tracklet(2, 50, 90)]
    assert link(parts, "link:max_gap=0.6") == {1: {1}, 2: {2}}
    assert link(parts, "link:max_gap=3") == {1: {1}, 2: {1}}


def test_somebody_elsewhere_is_not_linked() -> None:
    assert link([tracklet(1, 0, 30), tracklet(2, 40, 70, x=80)]) == {1: {1}, 2: {2}}


def test_another_class_is_not_linked() -> None:
    assert link([tracklet(1, 0, 30), tracklet(2, 40, 70, label=2)]) == {1: {1}, 2: {2}}


def test_another_size_is_not_linked() -> None:
    assert link([tracklet(1, 0, 30), tracklet(2, 40, 70, height=200)]) == {1: {1}, 2: {2}}


def test_two_who_cross_are_told_apart_by_their_motion() -> None:
    parts = [
        tracklet(1, 0, 30, x=0, speed=60),
        tracklet(2, 0, 30, x=156, speed=-60),
        tracklet(3, 48, 80, x=0, speed=60),
        tracklet(4, 48, 80, x=156, speed=-60),
    ]
    assert link(parts) == {1: {1}, 2: {2}, 3: {1}, 4: {2}}


def test_appearance_bridges_what_motion_cannot() -> None:
    red, blue = [1, 0], [0, 1]
    parts = [
        tracklet(1, 0, 30, look=red),
        tracklet(2, 0, 30, x=90, look=blue),
        tracklet(3, 150, 200, x=-20, look=blue),
        tracklet(4, 150, 200, x=70, look=red),
    ]
    assert link(parts) == {1: {1}, 2: {2}, 3: {2}, 4: {1}}


def test_another_look_is_not_linked_even_where_motion_fits() -> None:
    parts = [tracklet(1, 0, 30, look=[1, 0]), tracklet(2, 40, 70, look=[0, 1])]
    assert link(parts) == {1: {1}, 2: {2}}


def test_linked_tracks_put_their_looks_together() -> None:
    parts = [tracklet(1, 0, 30, look=[1, 0]), tracklet(2, 40, 70, look=[0.8, 0.6])]
    table = TrackTable.concatenate(parts)
    (step,) = parse_steps("link")
    linked = step.run(table, Timeline.of(table))
    assert linked.looks is not None
    assert {track: len(vectors) for track, vectors in linked.looks.exemplars.items()} == {1: 2}


def test_one_of_several_exemplars_is_enough_to_be_alike() -> None:
    """Seen from the front and from the back before the gap, and from the back after it."""
    front, back = [1, 0, 0], [0.7, 0.714, 0]
    parts = [tracklet(1, 0, 30, look=front), tracklet(2, 150, 200, x=-20, look=back)]
    table = TrackTable.concatenate(parts)
    (step,) = parse_steps("link")
    assert set(step.run(table, Timeline.of(table)).ids) == {1, 2}
    both = Looks({1: np.array([front, back], np.float32), 2: np.array([back], np.float32)}, 0.3)
    assert set(step.run(replace(table, looks=both), Timeline.of(table)).ids) == {1}


def test_exemplars_of_two_networks_are_refused() -> None:
    with pytest.raises(InputError, match="one D"):
        Looks({1: np.zeros((2, 4), np.float32), 2: np.zeros((1, 8), np.float32)}, 0.3)


def test_without_a_look_motion_decides() -> None:
    parts = [tracklet(1, 0, 30, look=[1, 0]), tracklet(2, 40, 70)]
    assert link(parts) == {1: {1}, 2: {1}}


def test_a_moving_camera_is_taken_out() -> None:
    """Somebody stands while the camera jumps during the gap."""
    motion = np.tile(np.eye(2, 3), (71, 1, 1))
    motion[35, 0, 2] = 300
    parts = [tracklet(1, 0, 30, speed=0), tracklet(2, 40, 70, x=300, speed=0)]
    table = TrackTable.concatenate(parts)
    (step,) = parse_steps("link")
    still = Timeline.of(table)
    moving = Timeline(still.frames, still.times, motion)
    assert set(step.run(table, still).ids) == {1, 2}
    assert set(step.run(table, moving).ids) == {1}


def test_a_recording_without_tracks_is_fine() -> None:
    (step,) = parse_steps("link")
    assert len(step.run(TrackTable.empty(), Timeline.of(TrackTable.empty()))) == 0


def test_only_ids_change() -> None:
    table = TrackTable.concatenate([tracklet(1, 0, 30), tracklet(2, 45, 90)]).by_frame()
    (step,) = parse_steps("link")
    linked = step.run(table, Timeline.of(table))
    np.testing.assert_array_equal(linked.boxes, table.boxes)
    np.testing.assert_array_equal(linked.frames, table.frames)
    assert table.ids.max() == 2


@pytest.mark.parametrize("seed", range(20))
def test_no_pairing_of_four_by_four_is_cheaper(seed: int) -> None:
    random = np.random.default_rng(seed)
    allowed = random.random((4, 4)) < 0.6
    rows, columns = np.nonzero(allowed)
    costs = random.random(len(rows))
    taken = assign_exactly(rows, columns, costs)
    table = np.full((4, 5), np.inf)
    table[rows, columns] = costs
    table[:, 4] = 1
    best = min(
        sum(table[row, column] for row, column in enumerate(choice))
        for choice in product(range(5), repeat=4)
        if len({c for c in choice if c < 4}) == sum(c < 4 for c in choice)
    )
    assert costs[taken].sum() + 4 - len(taken) == pytest.approx(best)


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 30), st.integers(1, 30), st.floats(0.01, 1), st.integers(0, 2**32 - 1))
def test_links_cost_what_the_padded_dense_problem_costs(
    height: int, width: int, density: float, seed: int
) -> None:
    random = np.random.default_rng(seed)
    rows, columns = np.nonzero(random.random((height, width)) < density)
    costs = random.random(len(rows)).round(2) * 0.99
    taken = assign_exactly(rows, columns, costs)
    assert len(set(rows[taken])) == len(taken) == len(set(columns[taken]))
    padded = np.full((height, width + height), 1e6)
    padded[rows, columns] = costs
    padded[np.arange(height), width + np.arange(height)] = 1
    best = padded[linear_sum_assignment(padded)].sum()
    assert costs[taken].sum() + height - len(taken) == pytest.approx(best, abs=1e-9)
