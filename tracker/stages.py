"""The rounds of matching: a small table that the parameters fill, and how one round is matched."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from sightline.tracker.assignment import assign
from sightline.tracker.candidates import overlapping_pairs, with_room
from sightline.tracker.compiling import compiled
from sightline.tracker.cues import confidence_motion, corner_directions, direction
from sightline.tracker.gallery import cosine_distance, nearest_exemplar
from sightline.tracker.kalman import mahalanobis, reach
from sightline.tracker.recovery import remembered_pairs
from sightline.tracker.state import (
    FORGOTTEN,
    LOST,
    MEAN,
    PAIR,
    TENTATIVE,
    TRACKED,
    Floats,
    Integers,
    Records,
    Seen,
    State,
)

__all__ = [
    "HIGH",
    "LOW",
    "STAGE",
    "match_stage",
    "stage_table",
]

LOW = 0
HIGH = 1

PREDICTED = 0
"""Pairs are predicted boxes that overlap detections."""
OBSERVED = 1
"""Pairs are last observed boxes that overlap detections."""
GATED = 2
"""Pairs are detections inside a track's Mahalanobis gate; recently seen tracks choose first."""
REMEMBERED = 3
"""Pairs are lost tracks and detections that they can have walked to; appearance decides."""

STAGE = np.dtype(
    [
        ("kind", np.int64),
        ("statuses", np.int64),  # bit 1 << status of each status that takes part
        ("level", np.int64),
        ("limit", np.float64),
        ("height_weight", np.float64),
        ("score_weight", np.float64),
        ("confidence_weight", np.float64),
        ("corner_weight", np.float64),
        ("direction_weight", np.float64),
        ("appearance_weight", np.float64),
    ]
)


def stage_table(values: Mapping[str, Any]) -> Records:
    """The stages that a set of parameters asks for, in order; a limit of 0 leaves one out."""
    tentative, tracked, lost = 1 << TENTATIVE, 1 << TRACKED, 1 << LOST
    joint = tentative if values["tentative_limit"] == 0 else 0
    low_height = values["low_height_weight"]
    cues = tuple(
        values[f"{cue}_weight"]
        for cue in ("height", "score", "confidence", "corner", "direction", "appearance")
    )
    low_cues = (low_height, 0, 0, 0, 0, 0)
    plain = (0, 0, 0, 0, 0, 0)
    tentative_cues = (low_height, values["score_weight"], 0, 0, 0, 0)
    known = tracked | lost
    # A cascade leaves to the overlap only those that it saw a moment ago.
    last_chance = tentative | (tracked if values["cascade_limit"] > 0 else 0)
    stages = [
        (GATED, known, HIGH, values["cascade_limit"], *plain),
        (PREDICTED, known | joint, HIGH, values["strict_limit"], *cues),
        (PREDICTED, tracked | joint, HIGH, values["loose_limit"], *cues),
        (PREDICTED, tracked | joint, LOW, values["low_limit"], *low_cues),
        (OBSERVED, known | joint, HIGH, values["recovery_limit"], *plain),
        (PREDICTED, last_chance, HIGH, values["tentative_limit"], *tentative_cues),
        (REMEMBERED, lost | 1 << FORGOTTEN, HIGH, values["reidentify_limit"], *plain),
    ]
    return np.array([stage for stage in stages if stage[3] > 0], STAGE)


@compiled
def match_stage(
    stage: Any, state: State, statuses: Integers, pairs: Records, starts: Integers, seen: Seen,
    time: float, p: Any,
) -> None:  # fmt: skip
    """Match the stage's free tracks with its free detections; writes `track.detection`.

    Args:
        stage: Row of the stage table.
        state: The tracks, predicted to the time of the detections.
        statuses: (T,) status of each track before this update.
        pairs: Overlaps of predicted boxes with detections.
        starts: (T + 1,) where each track's pairs begin.
        seen: The detections.
        time: Now, in seconds.
        p: The parameters.
    """
    if not _has_choice(stage, state, statuses, seen):
        return
    if stage.kind == GATED:
        pairs, starts = _gated_pairs(state, statuses, seen, stage, p)
        _match_by_age(stage, state, statuses, pairs, starts, seen, p)
        return
    if stage.kind == OBSERVED:
        pairs, starts = _observed_pairs(state, statuses, seen, stage)
    elif stage.kind == REMEMBERED:
        takes_part = np.zeros(len(statuses), np.bool_)
        for row in range(len(statuses)):
            takes_part[row] = _takes_part(stage, state.tracks[row], statuses[row])
        pairs, starts = remembered_pairs(state, takes_part, seen, time, stage.level, p)
    _match(stage, state, statuses, pairs, starts, seen, -np.inf, np.inf, p)


@compiled
def _match_by_age(
    stage: Any, state: State, statuses: Integers, pairs: Records, starts: Integers, seen: Seen,
    p: Any,
) -> None:  # fmt: skip
    """Let tracks choose in the order in which they were last seen (Deep SORT's cascade)."""
    latest = np.inf
    while True:
        before = -np.inf
        for row in range(len(statuses)):
            track = state.tracks[row]
            if _takes_part(stage, track, statuses[row]) and track.seen < latest:
                before = max(before, track.seen)
        if before == -np.inf:
            break
        _match(stage, state, statuses, pairs, starts, seen, before, before, p)
        latest = before


@compiled
def _match(
    stage: Any, state: State, statuses: Integers, pairs: Records, starts: Integers, seen: Seen,
    earliest: float, latest: float, p: Any,
) -> None:  # fmt: skip
    """Match the tracks that were last seen from `earliest` to `latest` seconds."""
    count = len(statuses)
    edge_starts = np.zeros(count + 1, np.int64)
    columns = np.empty(len(pairs), np.int64)
    costs = np.empty(len(pairs))
    edges = 0
    for row in range(count):
        track = state.tracks[row]
        if _takes_part(stage, track, statuses[row]) and earliest <= track.seen <= latest:
            for number in range(starts[row], starts[row + 1]):
                column = pairs[number].detection
                is_free = not seen.taken[column] and seen.groups[column] == track.group
                if not is_free or seen.levels[column] != stage.level:
                    continue
                box, score = seen.boxes[column], seen.scores[column]
                cost = _pair_cost(stage, track, pairs[number], box, score, p)
                if cost <= stage.limit:
                    columns[edges] = column
                    costs[edges] = cost
                    edges += 1
        edge_starts[row + 1] = edges
    if edges == 0:
        return
    if stage.appearance_weight > 0 and seen.embeddings.shape[1] > 0:
        _weigh_appearance(stage, state, seen, edge_starts, columns, costs, p)
    matches = assign(edge_starts, columns, costs, stage.limit, len(seen.boxes))
    for row in range(count):
        if matches[row] >= 0:
            state.tracks[row].detection = matches[row]
            seen.taken[matches[row]] = True


@compiled
def _has_choice(stage: Any, state: State, statuses: Integers, seen: Seen) -> bool:
    """Whether a track and a detection are left for the stage; mostly the first one takes all."""
    if stage.kind == REMEMBERED and seen.embeddings.shape[1] == 0:
        return False
    has_track = False
    for row in range(len(statuses)):
        has_track = has_track or _takes_part(stage, state.tracks[row], statuses[row])
    has_detection = False
    for column in range(len(seen.boxes)):
        is_left = not seen.taken[column] and seen.levels[column] == stage.level
        has_detection = has_detection or is_left
    return has_track and has_detection


@compiled
def _takes_part(stage: Any, track: Any, status: int) -> bool:
    return bool(track.detection < 0 and (stage.statuses >> status) & 1)


@compiled
def _pair_cost(stage: Any, track: Any, pair: Any, box: Floats, score: float, p: Any) -> float:
    """What a pair costs by overlap, score and motion: from 0 for certain, to 1 and above."""
    overlap = pair.overlap
    if stage.height_weight == 1:
        overlap *= pair.height_overlap
    elif stage.height_weight > 0:
        overlap *= pair.height_overlap**stage.height_weight
    cost = float(1 - overlap * (1 - stage.score_weight * (1 - score)))
    if cost > stage.limit:
        return cost
    if stage.confidence_weight > 0:
        cost += stage.confidence_weight * confidence_motion(track, score)
    if stage.corner_weight > 0:
        cost += stage.corner_weight * corner_directions(track, box, p.direction_window)
    if stage.direction_weight > 0:
        cost += stage.direction_weight * score * (direction(track, box, p.direction_window) - 0.5)
    return cost


@compiled
def _weigh_appearance(
    stage: Any, state: State, seen: Seen, starts: Integers, columns: Integers, costs: Floats, p: Any
) -> None:
    """Add the appearance where the overlap leaves a choice open, or the track was out of sight.

    A track seen a moment ago and a detection that have no other candidate are left alone: there
    the embedding can only do harm. Distances count from the one at which two crops are as likely
    of one person as of two, so that they pull as well as push, less where others cover the
    detection. Looks that differ clearly forbid the pair.
    """
    suitors = np.zeros(len(seen.boxes), np.int64)
    for edge in range(starts[-1]):
        suitors[columns[edge]] += 1
    for row in range(len(starts) - 1):
        track = state.tracks[row]
        if track.slot < 0 or track.looks == 0:
            continue
        for edge in range(starts[row], starts[row + 1]):
            column = columns[edge]
            is_open = starts[row + 1] - starts[row] > 1 or suitors[column] > 1
            if seen.clarity[column] <= 0 or not (is_open or track.status == LOST):
                continue
            mean = state.appearance[track.slot, MEAN]
            distance = cosine_distance(mean, seen.embeddings[column])
            is_clear = seen.clarity[column] >= 1 - p.appearance_overlap and track.status == LOST
            if is_clear and distance > p.appearance_veto * p.appearance_limit:
                costs[edge] = np.inf
            elif p.appearance_trust == 0:
                weight = stage.appearance_weight * seen.clarity[column]
                costs[edge] += weight * (distance - p.appearance_limit)


@compiled
def _observed_pairs(
    state: State, statuses: Integers, seen: Seen, stage: Any
) -> tuple[Records, Integers]:
    boxes = np.zeros((len(statuses), 4))
    for row in range(len(statuses)):
        track = state.tracks[row]
        if _takes_part(stage, track, statuses[row]):
            boxes[row] = track.history[track.newest, :4]
    return overlapping_pairs(boxes, seen.boxes, 0.0)


@compiled
def _gated_pairs(
    state: State, statuses: Integers, seen: Seen, stage: Any, p: Any
) -> tuple[Records, Integers]:
    """Pairs within the gate, by their distance as a share of the limit.

    With embeddings the appearance takes the distance's place (Wojke et al., "Deep SORT", 2017).
    """
    pairs = np.empty(4 * (len(statuses) + len(seen.boxes)) + 16, PAIR)
    starts = np.zeros(len(statuses) + 1, np.int64)
    count = 0
    for row in range(len(statuses)):
        track = state.tracks[row]
        if _takes_part(stage, track, statuses[row]):
            far = reach(track, 0, p.mahalanobis_gate, p)
            for column in range(len(seen.boxes)):
                box = seen.boxes[column]
                if abs(box[0] + box[2] - 2 * track.mean[0, 0]) > 2 * far:
                    continue
                distance = mahalanobis(track, box, p) / p.mahalanobis_gate
                if distance > 1:
                    continue
                distance *= stage.limit
                if seen.clarity[column] > 0 and track.exemplars > 0:
                    distance = nearest_exemplar(state, track, seen.embeddings[column])
                pairs = with_room(pairs, count)
                pairs[count].detection = column
                pairs[count].overlap = 1 - distance
                pairs[count].height_overlap = 1.0
                count += 1
        starts[row + 1] = count
    return pairs[:count], starts
