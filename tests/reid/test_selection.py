"""Which detections get an embedding."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import InputError
from sightline.reid import Selection, embed_detections, open_embedder
from sightline.structures import Detections, Frame

FRAME = Frame(np.zeros((100, 400, 3), np.uint8))


class Counting:
    """An embedder that remembers what it was asked for."""

    def __init__(self) -> None:
        self.boxes = np.empty((0, 4), np.float32)

    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        self.boxes = boxes
        return np.tile(np.array([[0.6, 0.8]], np.float32), (len(boxes), 1))


def row_of_people(scores: list[float], classes: list[int] | None = None) -> Detections:
    lefts = np.arange(len(scores)) * 30.0
    boxes = np.stack([lefts, lefts * 0, lefts + 20, lefts * 0 + 60], axis=1)
    return Detections(boxes, scores, classes or [0] * len(scores))


def test_rows_that_are_not_chosen_are_zeros() -> None:
    embedder = Counting()
    people = row_of_people([0.9, 0.3, 0.65])
    seen = embed_detections(embedder, FRAME, people, np.array([2, 0]))
    assert len(embedder.boxes) == 2
    assert seen.embeddings is not None
    expected = np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]], np.float32)
    np.testing.assert_array_equal(seen.embeddings, expected)


def test_other_classes_are_left_out() -> None:
    people = row_of_people([0.9, 0.9, 0.9], [0, 0, 2])
    rows = Selection(classes=frozenset({0})).rows(FRAME, people, np.array([2, 1]))
    assert rows.tolist() == [1]


def test_people_whom_a_side_of_the_picture_cuts_are_left_out() -> None:
    boxes = [[0, 0, 20, 60], [385, 0, 400, 60], [50, 0, 70, 100], [60, -5, 80, 60]]
    people = Detections(boxes, [0.9] * 4, [0] * 4)
    assert Selection().rows(FRAME, people, np.arange(4)).tolist() == [2, 3]


def test_limit_keeps_the_most_urgent() -> None:
    people = row_of_people([0.9] * 10)
    rows = Selection(limit=2).rows(FRAME, people, np.array([7, 0, 3, 5]))
    assert rows.tolist() == [7, 3]


def test_no_detections_keep_the_length_of_the_vectors() -> None:
    none = np.empty(0, np.int64)
    seen = embed_detections(Counting(), FRAME, Detections.empty(), none)
    assert seen.embeddings is not None
    assert seen.embeddings.shape == (0, 2)


def test_limit_out_of_range_is_named() -> None:
    with pytest.raises(InputError, match="re-ID limit"):
        Selection(limit=0)


def test_off_and_colour_need_no_file() -> None:
    assert open_embedder("off") is None
    colour = open_embedder("colour")
    assert colour is not None
    assert colour.embed(FRAME, np.array([[0, 0, 20, 60]], np.float32)).shape == (1, 108)
