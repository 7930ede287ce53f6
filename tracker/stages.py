"""The rounds of matching, each a row of a small table that the parameters fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.tracker.assignment import assign
from sightline.tracker.compiling import compiled
from sightline.tracker.cues import confidence_motion, corner_directions, direction
from sightline.tracker.state import LOST, TENTATIVE, TRACKED, Records

__all__ = ["HIGH", "LOW", "STAGE", "match_stage", "stage_table"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LOW = 0
HIGH = 1

STAGE = np.dtype(
    [
        ("statuses", np.int64),  # bits 1 << status
        ("level", np.int64),
        ("limit", np.float64),
        ("height_weight", np.float64),
        ("score_weight", np.float64),
        ("confidence_weight", np.float64),
        ("corner_weight", np.float64),
        ("direction_weight", np.float64),
        ("from_observation", np.int64),
    ]
)


def stage_table(values: Mapping[str, Any]) -> Records:
    """The stages that a set of parameters asks for, in order."""
    tentative, tracked, lost = 1 << TENTATIVE, 1 << TRACKED, 1 << LOST
    joint = tentative if values["tentative_limit"] == 0 else 0
    cues = [
        values[name]
        for name in (
            "height_weight",
            "score_weight",
            "confidence_weight",
            "corner_weight",
            "direction_weight",
        )
    ]
    low_cues = [values["low_height_weight"], 0, 0, 0, 0]
    rows: list[tuple[Any, ...]] = [
        (tracked | lost | joint, HIGH, values["strict_limit"], *cues, 0),
        (tracked | joint, HIGH, values["loose_limit"], *cues, 0),
        (tracked | joint, LOW, values["low_limit"], *low_cues, 0),
        (tracked | lost | joint, HIGH, values["recovery_limit"], 0, 0, 0, 0, 0, 1),
        (
            tentative,
            HIGH,
            values["tentative_limit"],
            values["low_height_weight"],
            values["score_weight"],
            0,
            0,
            0,
            0,
        ),
    ]
    return np.array([row for row in rows if row[2] > 0], STAGE)


@compiled
def match_stage(
    stage: Any,
    tracks: Records,
    statuses: Integers,
    pairs: Records,
    starts: Integers,
    boxes: Floats,
    scores: Floats,
    levels: Integers,
    taken: npt.NDArray[np.bool_],
    p: Any,
) -> None:
    """Match the stage's free tracks with its free detections; writes `track.detection`."""
    count = len(statuses)
    edge_starts = np.zeros(count + 1, np.int64)
    columns = np.empty(len(pairs), np.int64)
    costs = np.empty(len(pairs))
    edges = 0
    for row in range(count):
        if tracks[row].detection < 0 and (stage.statuses >> statuses[row]) & 1:
            for number in range(starts[row], starts[row + 1]):
                pair = pairs[number]
                column = pair.detection
                if taken[column] or levels[column] != stage.level:
                    continue
                cost = _pair_cost(stage, tracks[row], pair, boxes[column], scores[column], p)
                if cost <= stage.limit:
                    columns[edges] = column
                    costs[edges] = cost
                    edges += 1
        edge_starts[row + 1] = edges
    if edges == 0:
        return
    matches = assign(edge_starts, columns, costs, stage.limit, len(boxes))
    for row in range(count):
        if matches[row] >= 0:
            tracks[row].detection = matches[row]
            taken[matches[row]] = True


@compiled
def _pair_cost(stage: Any, track: Any, pair: Any, box: Floats, score: float, p: Any) -> float:
    overlap = pair.iou
    if stage.height_weight > 0:
        overlap *= pair.height_overlap**stage.height_weight
    overlap *= 1 - stage.score_weight * (1 - score)
    cost = 1 - overlap
    if cost > stage.limit:
        return float(cost)
    if stage.confidence_weight > 0:
        cost += stage.confidence_weight * confidence_motion(track, score)
    if stage.corner_weight > 0:
        cost += stage.corner_weight * corner_directions(track, box, p.direction_window)
    if stage.direction_weight > 0:
        cost += stage.direction_weight * score * (direction(track, box, p.direction_window) - 0.5)
    return float(cost)
