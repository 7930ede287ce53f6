"""Detections against ground truth: average precision and its curve.

Two protocols. `coco`: 101 recall points over IoU 0.50 … 0.95 (Lin et al., 2014), computed by
faster-coco-eval. `mot17det`: one IoU of 0.5, 11 recall points, visibility >= 0.5; detections that
match a distractor or a less visible object are removed first (MOTChallenge devkit).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigError, InputError
from sightline.eval.detection_data import DetectionSet
from sightline.eval.greedy import (
    average_precision,
    best_f1,
    confusion_matrix,
    greedy_matches,
)
from sightline.eval.protocols import get_protocol
from sightline.geometry import iou_matrix

__all__ = ["DetectionScores", "evaluate_coco", "evaluate_mot17det"]

HEIGHT_BINS = (0.0, 32.0, 64.0, 128.0, 256.0, 1e5)
VISIBILITY_BINS = (0.0, 0.25, 0.5, 0.75, 1.01)
_MATCH_IOU = 0.5
_LEAST_VISIBILITY = 0.5

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionScores:
    """What a detector's boxes are worth.

    Args:
        scores: AP, AP50 and AP75 (coco) or AP, MODA, MODP (mot17det), recall, precision and F1 at
            the best threshold, as fractions; counts as integers.
        recall: (K,) recall of the curve at IoU 0.5.
        precision: (K,) precision of the curve at IoU 0.5.
        by_class: AP50 by class name.
        by_height: AP50 by height of the ground-truth box.
        by_visibility: AP50 by visible share, where the ground truth has it.
        confusion: (C + 1, C + 1) boxes by ground-truth class (rows) and detected class (columns)
            at the best threshold; the last row and column mean none.
        classes: Names of the classes.
    """

    scores: Mapping[str, float | int]
    recall: Floats
    precision: Floats
    by_class: Mapping[str, float]
    by_height: Mapping[str, float]
    by_visibility: Mapping[str, float]
    confusion: npt.NDArray[np.int64]
    classes: Sequence[str]


def evaluate_coco(data: DetectionSet, max_detections: int = 500) -> DetectionScores:
    """COCO's average precision.

    Args:
        data: Ground truth and detections.
        max_detections: Detections of a picture that count, the best first.

    Raises:
        ConfigError: faster-coco-eval is not installed.
        InputError: The ground truth has no box.
    """
    _require_truth(data)
    precision = _coco_precision(data, max_detections)  # thresholds, recalls, classes
    best = best_f1(greedy_matches(data, max_detections=max_detections))
    scores: dict[str, float | int] = {
        "AP": _mean(precision),
        "AP50": _mean(precision[0]),
        "AP75": _mean(precision[5]),
        **best,
        "GT_Dets": int(np.count_nonzero(~data.truth_ignored)),
        "Dets": len(data.detected_boxes),
    }
    present = (precision[0] > -1).any(axis=0)
    return DetectionScores(
        scores=scores,
        recall=np.linspace(0, 1, 101),
        precision=precision[0][:, present].mean(axis=1),
        by_class={
            name: _mean(precision[0, :, number])
            for number, name in enumerate(data.classes)
            if present[number]
        },
        by_height=_by_height(data, max_detections),
        by_visibility=_by_visibility(data, max_detections),
        confusion=confusion_matrix(data, best["best_threshold"]),
        classes=data.classes,
    )


def evaluate_mot17det(data: DetectionSet) -> DetectionScores:
    """The MOT17Det protocol: AP over 11 recall points, MODA, MODP.

    AP takes the precision at the first detection that reaches each recall, as the devkit does,
    not the best precision from there on. MODA and MODP come from the best one-to-one match of all
    detections.

    Args:
        data: Ground truth with class numbers and visibilities, and detections.

    Raises:
        InputError: The ground truth has no visibilities, or no box.
    """
    if data.truth_visibilities is None:
        raise InputError("protocol mot17det needs MOT ground truth with visibilities (column 9)")
    kept = _without_forgiven(data)
    wanted = (data.truth_numbers == 1) & (data.truth_visibilities >= _LEAST_VISIBILITY)
    data = data.select(wanted, kept)
    _require_truth(data)
    total = len(data.truth_boxes)
    everything = len(data.detected_boxes) + 1
    matched = greedy_matches(data, max_detections=everything)
    hits = matched.hits
    recall = np.cumsum(hits) / total
    precision = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    points = []
    for level in np.linspace(0, 1, 11):
        reached = np.flatnonzero(recall >= level)
        points.append(float(precision[reached[0]]) if len(reached) else 0.0)
    found, similarity = _best_matches(data)
    detections = len(data.detected_boxes)
    scores: dict[str, float | int] = {
        "AP": float(np.mean(points)),
        "MODA": (2 * found - detections) / total,
        "MODP": similarity / max(found, 1),
        "Recall": found / total,
        "Precision": found / max(detections, 1),
        "TP": found,
        "FP": detections - found,
        "FN": total - found,
        **best_f1(matched),
        "GT_Dets": total,
        "Dets": detections,
    }
    return DetectionScores(
        scores=scores,
        recall=recall,
        precision=precision,
        by_class={},
        by_height={},
        by_visibility={},
        confusion=np.zeros((0, 0), np.int64),
        classes=data.classes,
    )


def _without_forgiven(data: DetectionSet) -> npt.NDArray[np.bool_]:
    """Which detections stay: not those matched to a distractor or a hardly visible object."""
    from scipy.optimize import linear_sum_assignment

    assert data.truth_visibilities is not None
    forgiven = np.isin(data.truth_numbers, sorted(get_protocol("mot17").distractors))
    forgiven |= data.truth_visibilities < _LEAST_VISIBILITY
    kept = np.ones(len(data.detected_boxes), np.bool_)
    for truths, detections in data.by_picture():
        overlap = iou_matrix(data.truth_boxes[truths], data.detected_boxes[detections])
        overlap[overlap < _MATCH_IOU] = 0
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        matched = (overlap[rows, columns] > 0) & forgiven[truths[rows]]
        kept[detections[columns[matched]]] = False
    return kept


def _best_matches(data: DetectionSet) -> tuple[int, float]:
    """Number and summed IoU of the best one-to-one match of all detections."""
    from scipy.optimize import linear_sum_assignment

    found, similarity = 0, 0.0
    for truths, detections in data.by_picture():
        overlap = iou_matrix(data.truth_boxes[truths], data.detected_boxes[detections])
        overlap[overlap < _MATCH_IOU] = 0
        rows, columns = linear_sum_assignment(overlap, maximize=True)
        matched = overlap[rows, columns]
        found += int(np.count_nonzero(matched))
        similarity += float(matched.sum())
    return found, similarity


def _by_height(data: DetectionSet, max_detections: int) -> dict[str, float]:
    """AP50 by height; detections of another height count only where they find something."""
    tall = data.truth_boxes[:, 3] - data.truth_boxes[:, 1]
    detected = data.detected_boxes[:, 3] - data.detected_boxes[:, 1]
    found = {}
    for low, high in pairwise(HEIGHT_BINS):
        matches = greedy_matches(
            data,
            inside=(tall >= low) & (tall < high),
            countable=(detected >= low) & (detected < high),
            max_detections=max_detections,
        )
        if matches.total:
            label = f"{low:.0f}–{high:.0f} px" if high < HEIGHT_BINS[-1] else f"> {low:.0f} px"
            found[label] = average_precision(matches)
    return found


def _by_visibility(data: DetectionSet, max_detections: int) -> dict[str, float]:
    """AP50 by visible share; a detection has none, so every one that finds nothing counts."""
    if data.truth_visibilities is None:
        return {}
    found = {}
    for low, high in pairwise(VISIBILITY_BINS):
        inside = (data.truth_visibilities >= low) & (data.truth_visibilities < high)
        matches = greedy_matches(data, inside=inside, max_detections=max_detections)
        if matches.total:
            found[f"{low:.2f}–{min(high, 1.0):.2f}"] = average_precision(matches)
    return found


def _coco_precision(data: DetectionSet, max_detections: int) -> Floats:
    """(10, 101, C) precision at IoU 0.50 … 0.95 and recall 0 … 1; -1 where nothing is to find."""
    try:
        from faster_coco_eval import COCO, COCOeval_faster
    except ImportError as error:
        raise ConfigError("detection AP needs: pip install 'sightline[eval]'") from error
    categories = [{"id": i + 1, "name": name} for i, name in enumerate(data.classes)]
    images = [{"id": i + 1} for i in range(data.pictures)]
    truth, found = COCO(), COCO()
    truth.dataset = {
        "images": images,
        "categories": categories,
        "annotations": _annotations(
            data.truth_pictures, data.truth_boxes, data.truth_classes, crowds=data.truth_ignored
        ),
    }
    found.dataset = {
        "images": images,
        "categories": categories,
        "annotations": _annotations(
            data.detected_pictures, data.detected_boxes, data.detected_classes,
            scores=data.detected_scores,
        ),
    }  # fmt: skip
    truth.createIndex()
    found.createIndex()
    evaluation = COCOeval_faster(truth, found, "bbox")
    evaluation.params.maxDets = [max_detections]
    evaluation.params.areaRng = [[0, 1e10]]
    evaluation.params.areaRngLbl = ["all"]
    evaluation.evaluate()
    evaluation.accumulate()
    precision: Floats = np.asarray(evaluation.eval["precision"])[:, :, :, 0, 0]
    return precision


def _annotations(
    pictures: npt.NDArray[np.int64],
    boxes: Floats,
    classes: npt.NDArray[np.int64],
    *,
    scores: Floats | None = None,
    crowds: npt.NDArray[np.bool_] | None = None,
) -> list[dict[str, Any]]:
    sizes = boxes[:, 2:] - boxes[:, :2]
    given = [1.0] * len(boxes) if scores is None else scores.tolist()
    ignored = [False] * len(boxes) if crowds is None else crowds.tolist()
    return [
        {
            "id": number,
            "image_id": picture + 1,
            "category_id": category + 1,
            "bbox": [*corner, *size],
            "area": size[0] * size[1],
            "score": score,
            "iscrowd": int(crowd),
        }
        for number, (picture, category, corner, size, score, crowd) in enumerate(
            zip(
                pictures.tolist(), classes.tolist(), boxes[:, :2].tolist(), sizes.tolist(),
                given, ignored, strict=True,
            ),
            1,
        )
    ]  # fmt: skip


def _mean(precision: Floats) -> float:
    """COCO's mean: over what is not -1 (nothing to find)."""
    values = precision[precision > -1]
    return float(values.mean()) if values.size else -1.0


def _require_truth(data: DetectionSet) -> None:
    if not (~data.truth_ignored).any():
        raise InputError("the ground truth has no box that counts")
