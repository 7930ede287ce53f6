"""Boxes: conversions and overlap.

`xyxy` is x1 y1 x2 y2, `ltwh` left top width height, `cxcywh` centre and size; all (N, 4), in the
dtype that came, continuous and half-open (width = x2 - x1).
"""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "clip_boxes",
    "cxcywh_to_xyxy",
    "inside_matrix",
    "iou_matrix",
    "ltwh_to_xyxy",
    "xyxy_to_cxcywh",
    "xyxy_to_ltwh",
]

Float = TypeVar("Float", bound=np.floating[Any])


def ltwh_to_xyxy(boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """(N, 4) left top width height to x1 y1 x2 y2."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def xyxy_to_ltwh(boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """(N, 4) x1 y1 x2 y2 to left top width height."""
    return np.concatenate([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]], axis=1)


def cxcywh_to_xyxy(boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """(N, 4) centre and size to x1 y1 x2 y2."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def xyxy_to_cxcywh(boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """(N, 4) x1 y1 x2 y2 to centre and size."""
    return np.concatenate([(boxes[:, :2] + boxes[:, 2:]) / 2, boxes[:, 2:] - boxes[:, :2]], axis=1)


def clip_boxes(boxes: npt.NDArray[Float], width: float, height: float) -> npt.NDArray[Float]:
    """(N, 4) xyxy boxes cut to the picture; boxes outside it become empty."""
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    clipped: npt.NDArray[Float] = np.clip(boxes, 0, limits)
    return clipped


def iou_matrix(first: npt.NDArray[Float], second: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """Intersection over union of every pair.

    Args:
        first: (N, 4) xyxy.
        second: (M, 4) xyxy.

    Returns:
        (N, M) in [0, 1]; 0 where both boxes are empty.

    Example:
        >>> a = np.array([[0.0, 0.0, 2.0, 2.0]])
        >>> b = np.array([[1.0, 0.0, 3.0, 2.0], [5.0, 5.0, 6.0, 6.0]])
        >>> iou_matrix(a, b).round(3).tolist()
        [[0.333, 0.0]]
    """
    intersection = _intersections(first, second)
    union = _areas(first)[:, None] + _areas(second)[None] - intersection
    result: npt.NDArray[Float] = np.divide(
        intersection, union, out=np.zeros_like(intersection), where=union > 0
    )
    return result


def inside_matrix(first: npt.NDArray[Float], second: npt.NDArray[Float]) -> npt.NDArray[Float]:
    """Share of each first box's area that lies inside each second box.

    Args:
        first: (N, 4) xyxy.
        second: (M, 4) xyxy.

    Returns:
        (N, M) in [0, 1]; 0 where the first box is empty.

    Example:
        >>> part = np.array([[0.0, 0.0, 1.0, 2.0]])
        >>> inside_matrix(part, np.array([[0.0, 0.0, 4.0, 1.0]])).tolist()
        [[0.5]]
    """
    intersection = _intersections(first, second)
    areas = np.broadcast_to(_areas(first)[:, None], intersection.shape)
    result: npt.NDArray[Float] = np.divide(
        intersection, areas, out=np.zeros_like(intersection), where=areas > 0
    )
    return result


def _intersections(first: npt.NDArray[Float], second: npt.NDArray[Float]) -> npt.NDArray[Float]:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.maximum(high - low, 0)
    product: npt.NDArray[Float] = sides[..., 0] * sides[..., 1]
    return product


def _areas(boxes: npt.NDArray[Float]) -> npt.NDArray[Float]:
    result: npt.NDArray[Float] = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return result
