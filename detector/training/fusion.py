"""Weighted boxes fusion: what several networks saw, as one answer (arXiv:1910.13302).

Where suppression keeps the best box of a group, fusion averages the group's boxes, each weighted
by its score, and lets the group's size count: what all saw keeps its score, what one of four saw
keeps a quarter of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Detections

__all__ = ["DEFAULT_IOU", "fuse"]

DEFAULT_IOU = 0.55
"""Overlap above which two boxes of a class are one object, as in the paper."""


def fuse(
    views: Sequence[Detections],
    *,
    weights: Sequence[float] | None = None,
    knows: npt.NDArray[np.bool_] | None = None,
    iou_threshold: float = DEFAULT_IOU,
) -> Detections:
    """Fuse several views of one picture; class-aware, of any order of the views.

    Boxes are taken best first (score times weight). Each joins the group of its class whose
    fused box it overlaps most, by more than the threshold, or begins one; a group's box is the
    mean of its boxes weighted by score and weight. A group's score is the weighted mean of its
    scores times min(W, T) / T, where W is the sum of its boxes' weights and T that of all views
    which know the class (the paper's equation with weights; equal weights give its min(T, N)/N).

    Args:
        views: Detections of one picture, one a network or a flip of the picture.
        weights: How much each view counts, above 0; None counts all the same.
        knows: (V, C) whether view v would find class c; None takes that all know all classes.
        iou_threshold: Overlap in (0, 1] above which two boxes of a class are one object.

    Returns:
        The fused detections, best first, without embeddings.

    Raises:
        InputError: Weights or the table of classes do not fit the views, or the threshold is out
            of its range.

    Example:
        >>> seen = [
        ...     Detections([[0, 0, 10, 10]], [0.9], [0]),
        ...     Detections([[0, 0, 10, 12]], [0.6], [0]),
        ... ]
        >>> both = fuse(seen)
        >>> both.boxes.astype(float).round(2).tolist(), both.scores.tolist()
        ([[0.0, 0.0, 10.0, 10.8]], [0.75])
        >>> fuse([seen[0], Detections.empty()]).scores.astype(float).round(2).tolist()
        [0.45]
    """
    counts = np.ones(len(views)) if weights is None else np.asarray(weights, dtype=np.float64)
    if counts.shape != (len(views),) or not (np.isfinite(counts) & (counts > 0)).all():
        raise InputError(f"weights: expected {len(views)} numbers above 0, got {weights}")
    if not 0 < iou_threshold <= 1:
        raise InputError(f"iou_threshold: expected a number in (0, 1], got {iou_threshold}")
    together = Detections.concatenate(views)
    if not len(together):
        return Detections.empty()
    totals = _totals(counts, knows, int(together.classes.max()) + 1)
    shares = np.repeat(counts, [len(view) for view in views])
    order = _order(together, shares)
    boxes, scores, classes = _groups(
        together.boxes[order].astype(np.float64),
        together.scores[order].astype(np.float64),
        together.classes[order],
        shares[order],
        totals,
        float(iou_threshold),
    )
    best = np.argsort(-scores, kind="stable")
    return Detections(boxes[best], scores[best], classes[best])


def _totals(
    weights: npt.NDArray[np.float64], knows: npt.NDArray[np.bool_] | None, classes: int
) -> npt.NDArray[np.float64]:
    """(C,) weight of all views that know each class."""
    if knows is None:
        return np.full(classes, weights.sum())
    if knows.ndim != 2 or len(knows) != len(weights) or knows.shape[1] < classes:
        raise InputError(
            f"knows: expected ({len(weights)} views, at least {classes} classes), got {knows.shape}"
        )
    return np.asarray(weights @ knows, dtype=np.float64)


def _order(detections: Detections, shares: npt.NDArray[np.float64]) -> npt.NDArray[np.intp]:
    """Rows best first; ties by the box itself, so that the order of the views never matters."""
    columns = detections.boxes.T
    return np.lexsort((*columns, shares, -detections.scores * shares))


@numba.njit(cache=True)
def _groups(boxes: Any, scores: Any, classes: Any, shares: Any, totals: Any, threshold: Any) -> Any:
    """Fused boxes, scores and classes; rows come best first."""
    count = len(boxes)
    fused = np.empty((count, 4))
    masses = np.zeros(count)  # what the boxes of each group weigh in its mean
    weighted = np.zeros(count)  # sum of scores times share
    share = np.zeros(count)
    labels = np.empty(count, dtype=np.int32)
    groups = 0
    for row in range(count):
        area = (boxes[row, 2] - boxes[row, 0]) * (boxes[row, 3] - boxes[row, 1])
        nearest, overlap = -1, threshold
        for group in range(groups):
            if labels[group] != classes[row]:
                continue
            width = min(boxes[row, 2], fused[group, 2]) - max(boxes[row, 0], fused[group, 0])
            height = min(boxes[row, 3], fused[group, 3]) - max(boxes[row, 1], fused[group, 1])
            if width <= 0 or height <= 0:
                continue
            other = (fused[group, 2] - fused[group, 0]) * (fused[group, 3] - fused[group, 1])
            shared = width * height
            iou = shared / (area + other - shared)
            if iou > overlap:
                nearest, overlap = group, iou
        if nearest < 0:
            nearest = groups
            fused[nearest] = boxes[row]
            labels[nearest] = classes[row]
            groups += 1
        strength = scores[row] * shares[row]
        weighted[nearest] += strength
        share[nearest] += shares[row]
        if strength > 0:
            masses[nearest] += strength
            fused[nearest] += (boxes[row] - fused[nearest]) * (strength / masses[nearest])
    for group in range(groups):
        total = totals[labels[group]]
        weighted[group] *= min(share[group], total) / total / share[group]
    return fused[:groups], weighted[:groups], labels[:groups]
