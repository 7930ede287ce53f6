"""Average precision of detections in labelled pictures, for the commands that train and measure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import EVERY_CLASS, Example
from sightline.errors import InputError
from sightline.eval.detection import evaluate_coco
from sightline.eval.detection_data import DetectionSet
from sightline.eval.greedy import Matches, greedy_matches
from sightline.structures import Detections

__all__ = ["detection_set", "score_examples", "sure_thresholds"]

_BETA = 0.5
_ENOUGH = 30  # objects; fewer say little about a class


def score_examples(
    classes: Sequence[str], examples: Sequence[Example], found: Sequence[Detections]
) -> dict[str, float]:
    """COCO's AP of detections in examples; what labels do not know is left out.

    Args:
        classes: Names of the classes.
        examples: Labelled pictures.
        found: Detections in each.

    Returns:
        `AP50` and `AP` over the classes that are labelled, and `AP50 CLASS` of each, as fractions.

    Raises:
        InputError: The pictures show no object.
    """
    data = detection_set(classes, examples, found)
    if not (~data.truth_ignored).any():
        raise InputError("the labelled pictures show no object, so there is nothing to score")
    scores = evaluate_coco(data)
    named = {f"AP50 {name}": value for name, value in scores.by_class.items()}
    return {"AP50": scores.scores["AP50"], "AP": scores.scores["AP"]} | named


def sure_thresholds(
    classes: Sequence[str], examples: Sequence[Example], found: Sequence[Detections]
) -> dict[str, float]:
    """The score of each class from which detections are sure: that with the best F0.5 at IoU 0.5.

    F0.5 counts precision twice as much as recall: a tracker that starts a track on a false alarm
    loses more than one that takes a weak detection in its second round. A class of which the
    pictures show too few objects gets the threshold of all classes together.

    Args:
        classes: Names of the classes.
        examples: Labelled pictures.
        found: Detections in each.
    """
    data = detection_set(classes, examples, found)
    together = _best_threshold(greedy_matches(data))
    thresholds = {}
    for number, name in enumerate(classes):
        truths = data.truth_classes == number
        matches = greedy_matches(data.select(truths, data.detected_classes == number))
        enough = matches.total >= _ENOUGH
        thresholds[name] = _best_threshold(matches) if enough else together
    return thresholds


def _best_threshold(matches: Matches) -> float:
    if not len(matches.scores):
        return 1.0
    hits = np.cumsum(matches.hits)
    taken = np.arange(1, len(hits) + 1)
    # (1 + β²)·P·R / (β²·P + R) with P = hits/taken, R = hits/total
    measure = (1 + _BETA**2) * hits / (taken + _BETA**2 * max(matches.total, 1))
    return float(matches.scores[measure.argmax()])


def detection_set(
    classes: Sequence[str], examples: Sequence[Example], found: Sequence[Detections]
) -> DetectionSet:
    """Labels and detections as the evaluator takes them."""
    truth: list[tuple[int, npt.NDArray[np.float32], int, bool]] = []
    seen: list[tuple[int, npt.NDArray[np.float32], int, float]] = []
    for picture, (example, detections) in enumerate(zip(examples, found, strict=True)):
        labels = example.labels
        truth += [
            (picture, box, int(kind), not labels.labelled[kind])
            for box, kind in zip(labels.boxes, labels.classes, strict=True)
        ]
        for box, kind in zip(labels.ignore, labels.ignore_classes, strict=True):
            kinds = range(len(classes)) if kind == EVERY_CLASS else [int(kind)]
            truth += [(picture, box, each, True) for each in kinds]
        rows = detections[labels.labelled[detections.classes]]
        seen += [
            (picture, box, int(kind), float(score))
            for box, kind, score in zip(rows.boxes, rows.classes, rows.scores, strict=True)
        ]
    truth_classes = np.array([row[2] for row in truth], np.int64)
    return DetectionSet(
        pictures=len(examples),
        classes=tuple(classes),
        truth_pictures=np.array([row[0] for row in truth], np.int64),
        truth_boxes=np.array([row[1] for row in truth], np.float64).reshape(-1, 4),
        truth_classes=truth_classes,
        truth_ignored=np.array([row[3] for row in truth], np.bool_),
        truth_numbers=truth_classes,
        truth_visibilities=None,
        detected_pictures=np.array([row[0] for row in seen], np.int64),
        detected_boxes=np.array([row[1] for row in seen], np.float64).reshape(-1, 4),
        detected_classes=np.array([row[2] for row in seen], np.int64),
        detected_scores=np.array([row[3] for row in seen], np.float64),
    )
