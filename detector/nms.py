"""Non-maximum suppression: of boxes of one class that overlap much, keep the best."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["nms"]


def nms(
    boxes: npt.NDArray[np.float32],
    scores: npt.NDArray[np.float32],
    classes: npt.NDArray[np.integer[Any]],
    iou_threshold: float,
) -> npt.NDArray[np.intp]:
    """Greedy, class-aware non-maximum suppression.

    A box is dropped if a better kept one of its class overlaps it by more than the threshold.
    Of equal scores the earlier row wins, so that the result never depends on chance.

    Args:
        boxes: (N, 4) float32 x1 y1 x2 y2.
        scores: (N,) float32.
        classes: (N,) integer.
        iou_threshold: Overlap in [0, 1] up to which both boxes are kept.

    Returns:
        (K,) rows that are kept, best first.

    Example:
        >>> boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10]], np.float32)
        >>> nms(boxes, np.array([0.8, 0.9, 0.7], np.float32), np.array([0, 0, 1]), 0.5).tolist()
        [1, 2]
    """
    order = np.argsort(-scores, kind="stable")
    kept: npt.NDArray[np.bool_] = _kept(
        np.ascontiguousarray(boxes[order], dtype=np.float32),
        classes[order].astype(np.int32),
        np.float32(iou_threshold),
    )
    return order[kept]


@numba.njit(cache=True)
def _kept(boxes: Any, classes: Any, threshold: Any) -> Any:
    """Mask of kept rows; rows come best first."""
    count = len(boxes)
    kept = np.ones(count, dtype=np.bool_)
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    for i in range(count):
        if not kept[i]:
            continue
        for j in range(i + 1, count):
            if not kept[j] or classes[i] != classes[j]:
                continue
            width = min(boxes[i, 2], boxes[j, 2]) - max(boxes[i, 0], boxes[j, 0])
            height = min(boxes[i, 3], boxes[j, 3]) - max(boxes[i, 1], boxes[j, 1])
            if width <= 0 or height <= 0:
                continue
            shared = width * height
            # shared / union > threshold without a division by zero
            if shared > threshold * (areas[i] + areas[j] - shared):
                kept[j] = False
    return kept
