"""COCO's greedy match at IoU 0.5, compiled, and the average precision that follows from it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from numba import njit

from sightline.eval.detection_data import DetectionSet
from sightline.eval.matching import overlap

__all__ = ["Matches", "average_precision", "best_f1", "confusion_matrix", "greedy_matches"]

_MATCH_IOU = 0.5

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """Detections that count, in falling order of score.

    Args:
        scores: (K,) score of each.
        hits: (K,) bool whether it found an object.
        total: Objects there were to find.
    """

    scores: Floats
    hits: Bools
    total: int


def greedy_matches(
    data: DetectionSet,
    *,
    inside: Bools | None = None,
    countable: Bools | None = None,
    max_detections: int = 500,
) -> Matches:
    """Match each picture's detections, the best first, at IoU >= 0.5.

    A detection takes the free object of its class that it overlaps most, a scored one before an
    ignored one, and does not count if that is ignored. A crowd may be taken many times.

    Args:
        data: Ground truth and detections.
        inside: (G,) bool objects that are scored; the others are ignored. None means all.
        countable: (D,) bool detections that count though they find nothing. None means all.
        max_detections: Detections of a picture that are looked at.
    """
    ignored = data.truth_ignored if inside is None else data.truth_ignored | ~inside
    matched, counted = _match(data, ignored, max_detections, same_class=True)
    if countable is not None:
        counted &= (matched >= 0) | countable
    chosen = np.flatnonzero(counted)
    chosen = chosen[np.argsort(-data.detected_scores[chosen], kind="stable")]
    return Matches(
        data.detected_scores[chosen], matched[chosen] >= 0, int(np.count_nonzero(~ignored))
    )


def average_precision(matches: Matches) -> float:
    """COCO's: the mean over 101 recalls of the best precision from there on."""
    if not matches.total:
        return -1.0
    found = np.cumsum(matches.hits)
    recall = found / matches.total
    precision = found / np.arange(1, len(found) + 1)
    precision = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    levels = np.searchsorted(recall, np.linspace(0, 1, 101), side="left")
    return float(precision[levels].mean())


def best_f1(matches: Matches) -> dict[str, float]:
    """The score threshold with the best F1 at IoU 0.5, and what it reaches there."""
    scores, found = matches.scores, np.cumsum(matches.hits)
    if not len(scores):
        return {"best_F1": 0.0, "best_threshold": 1.0, "best_recall": 0.0, "best_precision": 0.0}
    f1 = 2 * found / (np.arange(1, len(scores) + 1) + matches.total)
    # A threshold takes every detection of the same score or none.
    last = np.flatnonzero(np.append(np.diff(scores) != 0, True))
    best = last[np.argmax(f1[last])]
    return {
        "best_F1": float(f1[best]),
        "best_threshold": float(scores[best]),
        "best_recall": float(found[best] / max(matches.total, 1)),
        "best_precision": float(found[best] / (best + 1)),
    }


def confusion_matrix(data: DetectionSet, threshold: float) -> Ints:
    """Objects by their class (rows) and the class of the detection that found them (columns).

    Detections of at least the threshold are matched whatever their class, the best first; the
    last row holds detections that found nothing, the last column objects that nothing found.
    """
    none = len(data.classes)
    everything = np.ones(len(data.truth_boxes), np.bool_)
    data = data.select(everything, data.detected_scores >= threshold)
    matched, counted = _match(
        data, data.truth_ignored, len(data.detected_boxes) + 1, same_class=False
    )
    confusion = np.zeros((none + 1, none + 1), np.int64)
    objects = np.append(data.truth_classes, none)
    np.add.at(confusion, (objects[matched[counted]], data.detected_classes[counted]), 1)
    left = ~data.truth_ignored
    left[matched[matched >= 0]] = False
    confusion[:none, none] += np.bincount(data.truth_classes[left], minlength=none)
    return confusion


def _match(
    data: DetectionSet, ignored: Bools, max_detections: int, *, same_class: bool
) -> tuple[Ints, Bools]:
    """(D,) object that each detection found, -1 where none, and (D,) whether it counts."""
    truth_order = np.argsort(data.truth_pictures, kind="stable")
    order = np.lexsort((-data.detected_scores, data.detected_pictures))
    matched, counted = _match_sorted(
        data.truth_boxes[truth_order],
        data.truth_classes[truth_order] if same_class else np.zeros(len(truth_order), np.int64),
        ignored[truth_order],
        data.truth_ignored[truth_order],
        _offsets(data.truth_pictures, data.pictures),
        data.detected_boxes[order],
        data.detected_classes[order] if same_class else np.zeros(len(order), np.int64),
        _offsets(data.detected_pictures, data.pictures),
        max_detections,
    )
    objects, counts = np.full(len(order), -1), np.empty(len(order), np.bool_)
    objects[order] = np.append(truth_order, -1)[matched]
    counts[order] = counted
    return objects, counts


def _offsets(pictures: Ints, count: int) -> Ints:
    return np.concatenate([[0], np.cumsum(np.bincount(pictures, minlength=count))])


@njit(cache=True, nogil=True)
def _match_sorted(
    truth: Floats,
    truth_classes: Ints,
    ignored: Bools,
    crowds: Bools,
    truth_offsets: Ints,
    detected: Floats,
    detected_classes: Ints,
    detected_offsets: Ints,
    max_detections: int,
) -> tuple[Ints, Bools]:
    matched = np.full(len(detected), -1, np.int64)
    counted = np.zeros(len(detected), np.bool_)
    free = np.ones(len(truth), np.bool_)
    for picture in range(len(truth_offsets) - 1):
        first, last = truth_offsets[picture], truth_offsets[picture + 1]
        start = detected_offsets[picture]
        stop = min(detected_offsets[picture + 1], start + max_detections)
        for detection in range(start, stop):
            best = best_ignored = -1
            nearest = nearest_ignored = _MATCH_IOU
            for row in range(first, last):
                if truth_classes[row] != detected_classes[detection]:
                    continue
                if not (free[row] or crowds[row]):
                    continue
                similarity = overlap(truth[row], detected[detection])
                if ignored[row] and similarity >= nearest_ignored:
                    nearest_ignored = similarity
                    best_ignored = row
                elif not ignored[row] and similarity >= nearest:
                    nearest = similarity
                    best = row
            counted[detection] = best >= 0 or best_ignored < 0
            matched[detection] = best
            if best >= 0:
                free[best] = False
            elif best_ignored >= 0:
                free[best_ignored] = False
    return matched, counted
