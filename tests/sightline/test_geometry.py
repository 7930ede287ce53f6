from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sightline.geometry import (
    clip_boxes,
    cxcywh_to_xyxy,
    iou_matrix,
    ltwh_to_xyxy,
    xyxy_to_cxcywh,
    xyxy_to_ltwh,
)

Boxes = npt.NDArray[np.float64]

ltwh_boxes = st.integers(0, 8).flatmap(
    lambda rows: arrays(float, (rows, 4), elements=st.integers(0, 500).map(float))
)


@given(ltwh_boxes)
def test_conversions_undo_each_other(ltwh: Boxes) -> None:
    xyxy = ltwh_to_xyxy(ltwh)
    np.testing.assert_array_equal(xyxy_to_ltwh(xyxy), ltwh)
    np.testing.assert_array_equal(cxcywh_to_xyxy(xyxy_to_cxcywh(xyxy)), xyxy)


@given(ltwh_boxes, ltwh_boxes)
def test_iou_is_symmetric_and_between_zero_and_one(first: Boxes, second: Boxes) -> None:
    overlap = iou_matrix(ltwh_to_xyxy(first), ltwh_to_xyxy(second))
    assert ((overlap >= 0) & (overlap <= 1)).all()
    np.testing.assert_array_equal(overlap, iou_matrix(ltwh_to_xyxy(second), ltwh_to_xyxy(first)).T)


@given(ltwh_boxes, st.integers(-99, 99), st.sampled_from([0.5, 2.0, 4.0]))
def test_iou_ignores_shift_and_scale(ltwh: Boxes, shift: int, scale: float) -> None:
    boxes = ltwh_to_xyxy(ltwh)
    moved = boxes * scale + shift
    np.testing.assert_allclose(iou_matrix(moved, moved), iou_matrix(boxes, boxes), atol=1e-12)


@given(ltwh_boxes)
def test_a_box_overlaps_itself_fully_unless_empty(ltwh: Boxes) -> None:
    boxes = ltwh_to_xyxy(ltwh)
    full = (ltwh[:, 2] * ltwh[:, 3] > 0).astype(float)
    np.testing.assert_array_equal(np.diag(iou_matrix(boxes, boxes)), full)


def test_clipping_empties_what_lies_outside() -> None:
    boxes = np.array([[-5.0, -5, 5, 5], [20, 20, 30, 30]])
    assert clip_boxes(boxes, 10, 8).tolist() == [[0, 0, 5, 5], [10, 8, 10, 8]]
