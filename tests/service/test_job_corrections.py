"""Corrections of tracks: what each edit does, and that a list of them loses nobody unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.formats import TrackTable, VideoInfo
from sightline.service.errors import ConflictError
from sightline.service.jobs.corrections import (
    Corrections,
    Delete,
    Edit,
    Merge,
    Rename,
    Split,
    correct,
    read_corrections,
    save_corrections,
)
from sightline.service.jobs.folder import JobFolder


def table_of(*stays: tuple[int, int, int]) -> TrackTable:
    """Tracks by number, first frame and the frame behind the last, each at a place of its own."""
    rows = [(frame, number) for number, first, behind in stays for frame in range(first, behind)]
    rows.sort()
    return TrackTable.from_columns(
        VideoInfo("yard", 100, 100, 10.0, ("person",)),
        frame_indices=np.arange(40),
        frame_times=np.arange(40) / 10,
        frames=[frame for frame, _ in rows],
        ids=[number for _, number in rows],
        boxes=[(number, frame, number + 5.0, frame + 9.0) for frame, number in rows],
        scores=np.ones(len(rows)),
        classes=np.zeros(len(rows)),
    )


def frames_of(table: TrackTable) -> dict[int, list[int]]:
    return {
        number: table.frames[table.ids == number].tolist()
        for number in sorted(set(table.ids.tolist()))
    }


def merge(one: int, other: int) -> Merge:
    return Merge(do="merge", id=one, other=other)


def split(one: int, frame: int, to: int) -> Split:
    return Split(do="split", id=one, frame=frame, to=to)


def delete(one: int) -> Delete:
    return Delete(do="delete", id=one)


def rename(one: int, to: int) -> Rename:
    return Rename(do="rename", id=one, to=to)


TABLE = table_of((1, 0, 10), (2, 12, 20), (3, 5, 15))


def test_merging_makes_one_of_two() -> None:
    corrected, effect = correct(TABLE, [merge(1, 2)])
    assert frames_of(corrected) == {1: [*range(10), *range(12, 20)], 3: [*range(5, 15)]}
    assert (effect.tracks, effect.boxes, effect.dropped) == (2, 28, 0)


def test_where_both_stand_in_a_frame_the_box_of_the_one_that_stays_is_kept() -> None:
    corrected, effect = correct(TABLE, [merge(1, 3)])
    assert frames_of(corrected)[1] == [*range(15)]
    assert effect.dropped == 5
    assert corrected.boxes[corrected.ids == 1][:10, 0].tolist() == [1.0] * 10


def test_splitting_merging_deleting_and_renaming_follow_each_other() -> None:
    edits: list[Edit] = [split(3, 8, 9), merge(2, 9), delete(1), rename(3, 1)]
    corrected, effect = correct(TABLE, edits)
    # 9 stands in frames 12 to 14 beside 2, whose boxes stay.
    assert frames_of(corrected) == {1: [5, 6, 7], 2: [*range(8, 20)]}
    assert effect.dropped == 3


def test_what_was_found_stays_as_it_was() -> None:
    before = frames_of(TABLE)
    correct(TABLE, [delete(1), rename(2, 5)])
    assert frames_of(TABLE) == before


@pytest.mark.parametrize(
    ("edits", "says"),
    [
        ([merge(1, 7)], "edits.0: there is no track 7"),
        ([delete(1), merge(2, 1)], "edits.1: there is no track 1 (any more)"),
        ([merge(1, 1)], "with itself"),
        ([rename(1, 2)], "edits.0: there is a track 2 already"),
        ([split(1, 5, 2)], "there is a track 2 already"),
        ([split(1, 10, 8)], "frames 0 to 9"),
        ([split(3, 5, 8)], "frames 5 to 14"),
    ],
)
def test_an_edit_that_does_not_fit_is_named(edits: list[Edit], says: str) -> None:
    with pytest.raises(InputError, match="edits") as caught:
        correct(TABLE, edits)
    assert says in str(caught.value)


number = st.integers(1, 6)
edit: st.SearchStrategy[Any] = st.one_of(
    st.builds(merge, number, number),
    st.builds(split, number, st.integers(1, 25), number),
    st.builds(delete, number),
    st.builds(rename, number, number),
)


@given(st.lists(edit, max_size=6))
def test_whatever_is_edited_nobody_stands_twice_in_a_frame(edits: list[Edit]) -> None:
    table, applied = TABLE, []
    for one in edits:
        try:
            step, _ = correct(table, [one])
        except InputError:
            continue
        table = step
        applied.append(one)
        pairs = list(zip(table.frames.tolist(), table.ids.tolist(), strict=True))
        assert len(pairs) == len(set(pairs))
    # One after another is the same as all at once.
    assert frames_of(correct(TABLE, applied)[0]) == frames_of(table)


def test_corrections_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    assert read_corrections(folder) == Corrections()
    first, _ = save_corrections(folder, TABLE, 0, [delete(1)], now=5.0, by="desk")
    assert read_corrections(folder) == first == Corrections(1, (delete(1),), 5.0, "desk")
    second, _ = save_corrections(folder, TABLE, 1, [*first.edits, merge(2, 3)], now=6.0, by="desk")
    assert read_corrections(folder).edits == second.edits


def test_who_saves_over_somebody_elses_list_is_told(tmp_path: Path) -> None:
    folder = JobFolder(tmp_path)
    save_corrections(folder, TABLE, 0, [delete(1)], now=5.0, by="desk")
    with pytest.raises(ConflictError, match="revision 1"):
        save_corrections(folder, TABLE, 0, [delete(2)], now=6.0, by="other")
    with pytest.raises(InputError, match=r"edits\.0"):
        save_corrections(folder, TABLE, 1, [delete(7)], now=6.0, by="desk")
    assert read_corrections(folder).edits == (delete(1),)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"revision": 1, "edits": [{"do": "fly"}]}'])
def test_damaged_corrections_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "corrections.json").write_text(text)
    with pytest.raises(InputError, match=r"corrections\.json"):
        read_corrections(JobFolder(tmp_path))
