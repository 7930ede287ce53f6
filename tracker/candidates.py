"""Which tracks and detections can belong together at all.

Detections are put into one canonical order (by left edge, then the other numbers), so that the
result does not depend on the order in which they came. The same order serves the sweep: for each
track a binary search finds the first detection that can reach it, and the scan stops at the first
that begins to its right, so that a large scene costs N log M plus the pairs that overlap in x.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.tracker.compiling import compiled
from sightline.tracker.state import PAIR, Floats, Integers, Records

__all__ = ["canonical_order", "intersection_over_union", "overlapping_pairs", "with_room"]


@compiled
def canonical_order(
    boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32], rows: Integers
) -> None:
    """Sort rows by left edge; ties by the other edges, then by score (in place, Shell sort)."""
    gap = len(rows) // 2
    while gap > 0:
        for place in range(gap, len(rows)):
            row = rows[place]
            before = place
            while before >= gap and _precedes(row, rows[before - gap], boxes, scores):
                rows[before] = rows[before - gap]
                before -= gap
            rows[before] = row
        gap = 1 if gap == 2 else gap * 5 // 11


@compiled
def _precedes(
    row: int, other: int, boxes: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
) -> bool:
    for edge in range(4):
        if boxes[row, edge] != boxes[other, edge]:
            return bool(boxes[row, edge] < boxes[other, edge])
    return bool(scores[row] < scores[other])


@compiled
def intersection_over_union(first: Floats, second: Floats) -> float:
    """IoU of two x1 y1 x2 y2 boxes; 0 where they do not overlap."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    area = (first[2] - first[0]) * (first[3] - first[1])
    other_area = (second[2] - second[0]) * (second[3] - second[1])
    return float(shared / (area + other_area - shared))


@compiled
def overlapping_pairs(
    boxes: Floats, detection_boxes: Floats, least_iou: float
) -> tuple[Records, Integers]:
    """Every pair whose boxes overlap by more than `least_iou`.

    Args:
        boxes: (T, 4) x1 y1 x2 y2 of the tracks.
        detection_boxes: (N, 4) in canonical order.
        least_iou: Pairs at or below it are left out.

    Returns:
        Pairs grouped by track, and (T + 1,) where each track's pairs begin.
    """
    tracks = len(boxes)
    detections = len(detection_boxes)
    widest = 0.0
    for column in range(detections):
        widest = max(widest, detection_boxes[column, 2] - detection_boxes[column, 0])
    pairs = np.empty(4 * (tracks + detections) + 16, PAIR)
    starts = np.zeros(tracks + 1, np.int64)
    count = 0
    for row in range(tracks):
        x1, y1, x2, y2 = boxes[row, 0], boxes[row, 1], boxes[row, 2], boxes[row, 3]
        for column in range(_first_from(detection_boxes, x1 - widest), detections):
            other = detection_boxes[column]
            if other[0] >= x2:
                break
            height = min(y2, other[3]) - max(y1, other[1])
            width = min(x2, other[2]) - max(x1, other[0])
            if width <= 0 or height <= 0:
                continue
            shared = width * height
            union = (x2 - x1) * (y2 - y1) + (other[2] - other[0]) * (other[3] - other[1]) - shared
            if shared > least_iou * union:
                if count == len(pairs):
                    pairs = with_room(pairs, count)
                pair = pairs[count]
                pair.detection = column
                pair.overlap = shared / union
                pair.height_overlap = height / (max(y2, other[3]) - min(y1, other[1]))
                count += 1
        starts[row + 1] = count
    return pairs[:count], starts


@compiled
def with_room(pairs: Records, count: int) -> Records:
    """`pairs`, or a copy twice as large where all of its rows are taken."""
    if count < len(pairs):
        return pairs
    larger = np.empty(2 * count + 16, PAIR)
    larger[:count] = pairs
    return larger


@compiled
def _first_from(detection_boxes: Floats, left: float) -> int:
    """First detection whose left edge is not left of `left`."""
    low = 0
    high = len(detection_boxes)
    while low < high:
        middle = (low + high) // 2
        if detection_boxes[middle, 0] < left:
            low = middle + 1
        else:
            high = middle
    return low
