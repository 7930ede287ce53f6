from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.nms import nms
from sightline.geometry import iou_matrix

Array = npt.NDArray[Any]


@st.composite
def scenes(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """Boxes on a coarse grid, so that overlaps, equal boxes and equal scores are common."""
    count = draw(st.integers(0, 25))
    numbers = st.integers(0, 12)
    corners = draw(st.lists(st.tuples(numbers, numbers), min_size=count, max_size=count))
    sides = draw(
        st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=count, max_size=count)
    )
    scores = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    classes = draw(st.lists(st.integers(0, 2), min_size=count, max_size=count))
    low = np.array(corners, np.float32).reshape(-1, 2)
    boxes = np.concatenate([low, low + np.array(sides, np.float32).reshape(-1, 2)], axis=1)
    return boxes, np.array(scores, np.float32) / 8, np.array(classes, np.int32)


thresholds = st.sampled_from([0.0, 0.3, 0.5, 0.65, 1.0])


def naive(boxes: Array, scores: Array, classes: Array, threshold: float) -> list[int]:
    kept: list[int] = []
    overlaps = iou_matrix(boxes.astype(float), boxes.astype(float))
    for row in sorted(range(len(boxes)), key=lambda row: (-scores[row], row)):
        if all(classes[row] != classes[best] or overlaps[row, best] <= threshold for best in kept):
            kept.append(row)
    return kept


@given(scenes(), thresholds)
def test_it_keeps_what_the_plain_definition_keeps(
    scene: tuple[Array, Array, Array], threshold: float
) -> None:
    assert nms(*scene, threshold).tolist() == naive(*scene, threshold)


@given(scenes(), thresholds)
def test_doing_it_twice_changes_nothing(
    scene: tuple[Array, Array, Array], threshold: float
) -> None:
    boxes, scores, classes = scene
    once = nms(boxes, scores, classes, threshold)
    twice = nms(boxes[once], scores[once], classes[once], threshold)
    assert twice.tolist() == list(range(len(once)))


@given(scenes(), thresholds)
def test_classes_do_not_see_each_other(scene: tuple[Array, Array, Array], threshold: float) -> None:
    boxes, scores, classes = scene
    together = set(nms(boxes, scores, classes, threshold).tolist())
    apart: set[int] = set()
    for name in range(3):
        rows = np.flatnonzero(classes == name)
        apart |= set(rows[nms(boxes[rows], scores[rows], classes[rows], threshold)].tolist())
    assert together == apart


def test_wide_integers_are_classes_too() -> None:
    boxes = np.array([[0, 0, 4, 4], [0, 0, 4, 4]], np.float32)
    assert nms(boxes, np.ones(2, np.float32), np.zeros(2, np.int64), 0.5).tolist() == [0]
