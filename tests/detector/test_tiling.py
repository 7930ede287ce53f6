"""Small people are found in tiles, nobody is counted twice, and large ones stay whole."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector import Detector
from sightline.detector.tiling import TiledDetector, parse_tiles, tiles_of
from sightline.errors import InputError
from sightline.formats.mot import read_mot
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.structures import Detections, Frame


@given(
    st.integers(1, 3000),
    st.integers(1, 3000),
    st.integers(1, 4),
    st.integers(1, 4),
    st.floats(0, 0.5),
)
def test_tiles_cover_the_picture_and_overlap_as_asked(
    height: int, width: int, rows: int, columns: int, overlap: float
) -> None:
    tiles = tiles_of(height, width, rows, columns, overlap)
    assert len(tiles) == rows * columns
    seen = np.zeros((height, width), np.uint8) if height * width < 10_000 else None
    for tile in tiles:
        assert 0 <= tile.left < tile.right <= width
        assert 0 <= tile.top < tile.bottom <= height
        if seen is not None:
            seen[tile.top : tile.bottom, tile.left : tile.right] = 1
    assert seen is None or seen.all()
    assert len({(tile.right - tile.left, tile.bottom - tile.top) for tile in tiles}) == 1
    for one, other in itertools.pairwise(tiles[:columns]):
        assert one.right - other.left >= overlap * (one.right - one.left) - 2


class Painted:
    """Sees objects of known places in whatever part of the picture it is shown.

    The picture's channels hold the column and row of each pixel, in steps of 10.

    Args:
        objects: x1 y1 x2 y2 in the whole picture.
    """

    class_names: tuple[str, ...] = ("person",)

    def __init__(self, *objects: Sequence[float]) -> None:
        self.objects = np.array(objects, np.float32)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        found = []
        for frame in frames:
            left, top = (int(value) * 10 for value in frame.image[0, 0, :2])
            height, width = frame.image.shape[:2]
            limits = np.array([left, top, left + width, top + height], np.float32)
            boxes = np.concatenate(
                [
                    np.maximum(self.objects[:, :2], limits[:2]),
                    np.minimum(self.objects[:, 2:], limits[2:]),
                ],
                axis=1,
            )
            visible = (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
            boxes = boxes[visible] - np.tile(limits[:2], 2)
            scores = np.full(len(boxes), 0.9, np.float32)
            found.append(Detections(boxes, scores, np.zeros(len(boxes), np.int32)))
        return found


def painted() -> Frame:
    rows, columns = np.mgrid[:1000, :1800] // 10
    return Frame(np.stack([columns, rows, rows], axis=-1).astype(np.uint8))


@pytest.mark.parametrize(
    "box",
    [
        (100, 100, 140, 200),  # in one tile
        (850, 100, 950, 200),  # where two overlap
        (500, 300, 1400, 600),  # larger than the overlap: cut in every tile
        (0, 0, 1800, 1000),
    ],
)
def test_an_object_is_found_once_and_whole(box: tuple[float, ...]) -> None:
    (found,) = TiledDetector(Painted(box), 2, 2).detect([painted()])
    np.testing.assert_allclose(found.boxes, [box])


def test_neighbours_of_one_class_are_both_kept() -> None:
    boxes = [(880, 100, 920, 200), (925, 100, 965, 200)]
    (found,) = TiledDetector(Painted(*boxes), 1, 2).detect([painted()])
    assert sorted(found.boxes.tolist()) == [list(map(float, box)) for box in boxes]


def test_frames_of_a_call_stay_apart() -> None:
    first, second = Painted((100, 100, 140, 200)), painted()
    found = TiledDetector(first, 2, 2).detect([second, painted(), second])
    assert [len(each) for each in found] == [1, 1, 1]


def test_more_of_the_small_people_of_a_street_are_found(shared: Path, street: list[Frame]) -> None:
    truth = read_mot(shared / "data" / "clips" / "MOT17-mini" / "MOT17-02" / "gt" / "gt.txt")
    people = truth[(truth.frames == 1) & (truth.classes == 1) & (truth.visibilities > 0.3)]
    boxes = ltwh_to_xyxy(people.ltwh).astype(np.float32)
    plain = Detector(
        shared / "weights" / "yolox_nano_416.onnx", "cpu", confidence=0.2, classes=["person"]
    )
    hits = []
    for detector in (plain, TiledDetector(plain, 2, 2)):
        (found,) = detector.detect(street[:1])
        hits.append(int((iou_matrix(boxes, found.boxes).max(axis=1) > 0.5).sum()))
    assert hits[1] > hits[0]


@pytest.mark.parametrize("text", ["", "2", "2x", "0x2", "2x2x2", "axb", "-1x2"])
def test_a_wrong_text_is_named(text: str) -> None:
    with pytest.raises(InputError, match="rows x columns such as 2x2"):
        parse_tiles(text)


@pytest.mark.parametrize(
    ("rows", "columns", "overlap"), [(1, 1, 0.2), (0, 2, 0.2), (2, 2, 0.6), (2, 2, -0.1)]
)
def test_wrong_numbers_are_refused(rows: int, columns: int, overlap: float) -> None:
    with pytest.raises(InputError, match="tiles: expected"):
        TiledDetector(Painted((0, 0, 1, 1)), rows, columns, overlap=overlap)
