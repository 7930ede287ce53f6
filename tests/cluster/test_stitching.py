"""Overlapping segments whose tracks become one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cluster.bulk.parts import read_part, write_part
from sightline.cluster.bulk.stitching import stitch
from sightline.errors import StateError
from sightline.pipeline import Summary
from sightline.recording.offline import Tracked
from sightline.tracker.offline import Looks, Timeline, TrackTable

RATE = 10.0
FRAMES = 200


def walkers(people: dict[int, list[tuple[int, int]]]) -> TrackTable:
    """Person k walks to the right in lane k, seen in some stretches of frames."""
    rows = sorted(
        (frame, person)
        for person, stretches in people.items()
        for first, end in stretches
        for frame in range(first, end)
    )
    frames, ids = np.array(rows, np.int64).reshape(-1, 2).T
    left, top = 2.0 * frames, 100.0 * ids
    boxes = np.column_stack([left, top, left + 30, top + 80])
    return TrackTable(
        frames, frames / RATE, ids, boxes, np.ones(len(ids)), np.zeros(len(ids), np.int32)
    )


def segment(
    table: TrackTable, first: int, end: int, names: dict[int, int], looks: Looks | None = None
) -> Tracked:
    """What a tracker of a stretch of frames would say, with ids of its own."""
    own = table[(table.frames >= first) & (table.frames < end)]
    ids = np.array([names[person] for person in own.ids.tolist()], np.int64)
    if looks is not None:
        seen = set(own.ids.tolist())
        kept = {person: vectors for person, vectors in looks.exemplars.items() if person in seen}
        looks = replace(looks, exemplars=kept).renamed(names)
    frames = np.arange(first, end)
    return Tracked(
        replace(own, ids=ids, looks=looks), Timeline(frames, frames / RATE), Summary(frames=100)
    )


@given(st.permutations([1, 2, 3, 4]), st.permutations([1, 2, 3, 4]), st.integers(60, 140))
def test_the_tracks_of_segments_are_those_of_the_whole(
    first: list[int], second: list[int], cut: int
) -> None:
    table = walkers({1: [(0, 200)], 2: [(30, 120)], 3: [(0, 40)], 4: [(150, 200)]})
    parts = [
        segment(table, 0, cut + 20, dict(zip((1, 2, 3, 4), first, strict=True))),
        segment(table, cut - 40, 200, dict(zip((1, 2, 3, 4), second, strict=True))),
    ]
    joined = stitch(parts, [cut / RATE])
    assert joined.table.frames.tolist() == table.frames.tolist()
    np.testing.assert_array_equal(joined.timeline.frames, np.arange(200))
    assert joined.summary.frames == 200
    order = [np.lexsort((own.boxes[:, 1], own.frames)) for own in (joined.table, table)]
    ids, people = joined.table.ids[order[0]], table.ids[order[1]]
    assert len(set(zip(ids.tolist(), people.tolist(), strict=True))) == 4  # one to one
    assert joined.summary.tracks == 4


def test_somebody_whom_the_tracker_took_back_behind_the_seam_keeps_the_id() -> None:
    table = walkers({1: [(0, 90), (130, 200)], 2: [(0, 88), (128, 200)]})
    parts = [segment(table, 0, 140, {1: 1, 2: 2}), segment(table, 95, 200, {1: 2, 2: 1})]
    np.testing.assert_array_equal(stitch(parts, [10.0]).table.ids, table.ids)
    # Where the earlier segment ends before they come back, nobody knows who they are.
    parts[0] = segment(table, 0, 115, {1: 1, 2: 2})
    assert np.unique(stitch(parts, [10.0]).table.ids).tolist() == [1, 2, 3, 4]


def test_pieces_of_one_track_are_one_again() -> None:
    table = walkers({1: [(0, 200)], 2: [(0, 200)]})
    before, after = segment(table, 0, 120, {1: 1, 2: 2}), segment(table, 80, 200, {1: 1, 2: 2})
    lost = (after.table.ids == 1) & (after.table.frames >= 104) & (after.table.frames < 110)
    pieces = np.where((after.table.ids == 1) & (after.table.frames >= 110), 7, after.table.ids)
    torn = replace(after, table=replace(after.table, ids=pieces)[~lost])
    joined = stitch([before, torn], [10.0]).table
    assert np.unique(joined.ids).tolist() == [1, 2]
    assert len(joined) == 400 - lost.sum()


def test_segments_without_people_are_joined_as_well() -> None:
    table = walkers({1: [(150, 200)]})
    parts = [
        segment(table, 0, 80, {}),
        segment(table, 50, 130, {}),
        segment(table, 90, 200, {1: 1}),
    ]
    joined = stitch(parts, [6.0, 11.0])
    assert joined.table.ids.tolist() == [1] * 50
    assert len(joined.timeline.frames) == 200


def test_segments_that_number_frames_differently_are_refused() -> None:
    table = walkers({1: [(0, 200)]})
    good = segment(table, 0, 120, {1: 1})
    shifted = segment(table, 80, 200, {1: 1})
    times = Timeline(shifted.timeline.frames, shifted.timeline.times + 0.1)
    with pytest.raises(StateError, match="number its frames"):
        stitch([good, replace(shifted, timeline=times)], [10.0])
    with pytest.raises(StateError, match="overlap"):
        stitch([segment(table, 0, 80, {1: 1}), shifted], [8.0])


def test_a_part_is_read_as_it_was_written(tmp_path_factory: pytest.TempPathFactory) -> None:
    table = walkers({1: [(0, 90)], 2: [(0, 88)]})
    looks = Looks({1: np.eye(2, 8, dtype=np.float32), 2: np.empty((0, 8), np.float32)}, 0.3)
    tracked = segment(table, 0, 100, {1: 1, 2: 2}, looks)
    path = tmp_path_factory.mktemp("parts") / "1-of-2.npz"
    write_part(tracked, path)
    back = read_part(path)
    for name in ("frames", "times", "ids", "boxes", "scores", "classes", "observed"):
        np.testing.assert_array_equal(getattr(back.table, name), getattr(tracked.table, name))
    assert back.table.looks is not None
    np.testing.assert_array_equal(back.table.looks.exemplars[1], looks.exemplars[1])
    assert back.summary == tracked.summary
    assert back.timeline.camera_motion is None
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(StateError, match="1-of-2"):
        read_part(path)
