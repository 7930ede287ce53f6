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


def test_weak_detections_have_rows_of_zeros() -> None:
    embedder = Counting()
    seen = embed_detections(
        embedder, FRAME, row_of_people([0.9, 0.3, 0.65]), Selection(threshold=0.65)
    )
    assert len(embedder.boxes) == 2
    assert seen.embeddings is not None
    expected = np.array([[0.6, 0.8], [0, 0], [0.6, 0.8]], np.float32)
    np.testing.assert_array_equal(seen.embeddings, expected)


def test_other_classes_are_left_out() -> None:
    embedder = Counting()
    embed_detections(
        embedder, FRAME, row_of_people([0.9, 0.9], [0, 2]), Selection(classes=frozenset({0}))
    )
    np.testing.assert_array_equal(embedder.boxes, [[0, 0, 20, 60]])


def test_limit_keeps_sure_people_that_nobody_covers() -> None:
    boxes = np.array(
        [[0, 0, 20, 60], [6, 0, 26, 60], [100, 0, 120, 60], [200, 0, 220, 60]], np.float32
    )
    detections = Detections(boxes, [0.95, 0.9, 0.8, 0.7], [0, 0, 0, 0])
    assert set(Selection(limit=2).rows(detections).tolist()) == {2, 3}


def test_cost_is_bounded_in_a_crowd() -> None:
    embedder = Counting()
    seen = embed_detections(embedder, FRAME, row_of_people([0.9] * 300), Selection(limit=32))
    assert len(embedder.boxes) == 32
    assert len(seen) == 300


def test_no_detections_keep_the_length_of_the_vectors() -> None:
    seen = embed_detections(Counting(), FRAME, Detections.empty(), Selection())
    assert seen.embeddings is not None
    assert seen.embeddings.shape == (0, 2)


@pytest.mark.parametrize(("name", "value"), [("limit", 0), ("threshold", 1.5)])
def test_settings_out_of_range_are_named(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"re-ID {name}"):
        Selection(**{name: value})  # type: ignore[arg-type]


def test_off_and_colour_need_no_file() -> None:
    assert open_embedder("off") is None
    colour = open_embedder("colour")
    assert colour is not None
    assert colour.embed(FRAME, np.array([[0, 0, 20, 60]], np.float32)).shape == (1, 108)
