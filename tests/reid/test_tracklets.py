"""Which boxes of a track are taken."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sightline.formats.mot import MotRows, parse_mot, read_mot
from sightline.reid.tracklets import Mining, Sightings, mine_sightings

LOOSE = Mining(least_score=0, least_height=2, most_overlap=1, least_inside=0, spacing=0)


def mine(rows: MotRows, mining: Mining = LOOSE) -> Sightings:
    return mine_sightings(rows, mining, rate=10, width=640, height=480)


def row(frame: int, id_: int, left: float = 10, height: float = 80, score: float = 1) -> str:
    return f"{frame},{id_},{left},10,40,{height},{score},-1,-1,-1\n"


def text(*rows: str) -> MotRows:
    return parse_mot("".join(rows).encode())


@pytest.mark.parametrize(
    ("mining", "bad"),
    [
        pytest.param({"least_score": 0.5}, row(1, 2, 300, score=0.4), id="unsure"),
        pytest.param({"least_height": 40}, row(1, 2, 300, height=30), id="small"),
        pytest.param({"least_inside": 0.9}, row(1, 2, 630), id="outside"),
    ],
)
def test_boxes_that_show_too_little_are_left_out(mining: dict[str, float], bad: str) -> None:
    rows = text(row(1, 1), bad)
    assert mine(rows).ids.tolist() == [1, 2]
    assert mine(rows, LOOSE.model_copy(update=mining)).ids.tolist() == [1]


def test_two_who_cover_each_other_are_both_left_out_even_if_one_is_unsure() -> None:
    rows = text(row(1, 1, 10), row(1, 2, 25, score=0.1), row(1, 3, 300))
    mining = LOOSE.model_copy(update={"most_overlap": 0.3, "least_score": 0.5})
    assert mine(rows, mining).ids.tolist() == [3]


def test_crops_of_a_track_keep_their_distance_in_time() -> None:
    rows = text(*(row(frame, id_, 200 * id_) for frame in range(1, 12) for id_ in (1, 2)))
    found = mine(rows, LOOSE.model_copy(update={"spacing": 0.3}))
    assert found.frames[found.ids == 1].tolist() == [0, 3, 6, 9]
    np.testing.assert_allclose(found.times[found.ids == 2], [0, 0.3, 0.6, 0.9])


def test_only_the_class_of_people_is_taken_where_it_is_named(shared: Path) -> None:
    rows = read_mot(shared / "data/mot17/train/MOT17-09-SDP/gt/gt.txt")
    mining = LOOSE.model_copy(update={"person_class": 1})
    found = mine_sightings(rows, mining, rate=30, width=1920, height=1080)
    assert len(found) == (rows.classes == 1).sum() < len(rows)


def test_frames_come_in_order_with_all_their_rows() -> None:
    found = mine(text(row(3, 1), row(1, 1), row(3, 2, 300), row(2, 1)))
    frames = [(frame, found.ids[rows].tolist()) for frame, rows in found.by_frame()]
    assert frames == [(0, [1]), (1, [1]), (2, [1, 2])]


def test_no_rows_give_no_sightings() -> None:
    assert not len(mine(text()))
