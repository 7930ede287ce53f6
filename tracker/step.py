"""One update of the engine, as one compiled call."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.tracker.appearance import judge_crops
from sightline.tracker.candidates import canonical_order, overlapping_pairs
from sightline.tracker.compiling import compiled, compiled_entry, source_digest
from sightline.tracker.consensus import consensus_motion
from sightline.tracker.kalman import box_of, predict, warp
from sightline.tracker.lifecycle import give_birth, remove_dead, remove_duplicates, report, settle
from sightline.tracker.meetings import note_meetings, settle_meetings
from sightline.tracker.recovery import adopt_returned
from sightline.tracker.stages import HIGH, LOW, match_stage
from sightline.tracker.state import LOST, Floats, Integers, Records, Seen, State

__all__ = ["step"]

_LEAST_IOU = 0.01
"""Pairs that overlap less are never candidates."""


def _entry(digest: str) -> Any:
    @compiled_entry
    def step(
        tracks: Records,
        stream_row: Records,
        appearance: npt.NDArray[np.float32],
        gallery: npt.NDArray[np.float32],
        owners: Integers,
        parameters: Records,
        stages: Records,
        group_of_label: Integers,
        boxes: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
        labels: npt.NDArray[np.int32],
        embeddings: npt.NDArray[np.float32],
        time: float,
        camera_motion: Floats,
        out: Records,
    ) -> int:
        digest  # noqa: B018 - part of the key of the cache on disk
        p = parameters[0]
        stream = stream_row[0]
        state = State(tracks, stream, appearance, gallery, owners)
        seen = _usable(stream, boxes, scores, labels, embeddings, group_of_label, p)

        motion = camera_motion
        if len(motion) == 0 and p.consensus_motion > 0:
            motion = consensus_motion(state, seen)
        statuses, predicted = _predict_all(state, time, motion, p)
        pairs, starts = overlapping_pairs(predicted, seen.boxes, _LEAST_IOU)
        for number in range(len(stages)):
            match_stage(stages[number], state, statuses, pairs, starts, seen, time, p)
        settle(state, seen, time, p)
        give_birth(state, seen, time, p)
        if len(owners) > 0:
            _revise(state, time, p)
        stream.updates += 1
        stream.time = time
        remove_duplicates(state, p)
        remove_dead(state, time, p)
        return report(state, seen, time, p, out)

    return step


step = _entry(source_digest())
"""Advance the state by one update; writes what is to be reported into `out` (REPORT, at least as
many rows as tracks and detections together) and returns how many rows that were."""


@compiled
def _revise(state: State, time: float, p: Any) -> None:
    """Correct identities by what was seen of them in the meantime."""
    for slot in range(len(state.owners)):
        # Tracks that ended with the last update can no longer be asked for.
        state.owners[slot] = max(0, state.owners[slot])
    if p.meeting_margin > 0:
        note_meetings(state, time, p, np.empty((state.stream.count, 4)))
        settle_meetings(state, time, p)
    if p.reidentify_limit > 0:
        adopt_returned(state, time, p)


@compiled
def _predict_all(
    state: State, time: float, camera_motion: Floats, p: Any
) -> tuple[Integers, Floats]:
    """Carry every track to now; returns their statuses and (T, 4) predicted boxes."""
    count = state.stream.count
    frames = (time - state.stream.time) / p.frame_seconds
    statuses = np.empty(count, np.int64)
    predicted = np.empty((count, 4))
    for row in range(count):
        track = state.tracks[row]
        if len(camera_motion) > 0:
            warp(track, camera_motion)
        if track.status == LOST and p.freeze_lost_size > 0:
            track.mean[2, 1] = 0.0
            track.mean[3, 1] = 0.0
        predict(track, frames, p)
        box_of(track, predicted[row])
        statuses[row] = track.status
        track.detection = -1
    return statuses, predicted


@compiled
def _usable(
    stream: Any, boxes: Any, scores: Any, labels: Any, embeddings: Any, group_of_label: Integers,
    p: Any,
) -> Seen:  # fmt: skip
    """The readable detections from the lowest score up; the unreadable ones are counted."""
    rows = np.empty(len(boxes), np.int64)
    count = 0
    for row in range(len(boxes)):
        if not _readable(boxes[row], scores[row], embeddings, row):
            stream.dropped_rows += 1
        elif scores[row] >= p.low_score:
            rows[count] = row
            count += 1
    rows = rows[:count]
    canonical_order(boxes, scores, rows)
    seen = Seen(
        np.empty((count, 4)),
        np.empty(count),
        np.empty(count, np.int64),
        np.zeros(count, np.int64),
        np.empty(count, np.int64),
        rows,
        np.empty((count, embeddings.shape[1]), np.float32),
        np.zeros(count),
        np.zeros(count, np.bool_),
    )
    for place in range(count):
        row = rows[place]
        label = labels[row]
        for edge in range(4):
            seen.boxes[place, edge] = boxes[row, edge]
        seen.scores[place] = scores[row]
        seen.levels[place] = HIGH if scores[row] >= p.high_score else LOW
        seen.labels[place] = label
        if len(group_of_label) > 0:
            # Labels outside the table are groups of their own.
            known = 0 <= label < len(group_of_label)
            seen.groups[place] = group_of_label[label] if known else -1 - label
        if embeddings.shape[1] > 0:
            seen.clarity[place] = _copy_embedding(embeddings[row], seen.embeddings[place])
    if embeddings.shape[1] > 0:
        judge_crops(seen)
    return seen


@compiled
def _copy_embedding(vector: Any, target: Any) -> float:
    """Copy an embedding at length 1; returns 1, or 0 where it is all zeros: there is none."""
    norm = 0.0
    for entry in range(len(vector)):
        norm += vector[entry] * vector[entry]
    scale = 1 / max(math.sqrt(norm), 1e-12)
    for entry in range(len(vector)):
        target[entry] = vector[entry] * scale
    return 1.0 if norm > 0 else 0.0


@compiled
def _readable(box: Any, score: float, embeddings: Any, row: int) -> bool:
    """Whether all numbers are finite, the box has an area and the score is in [0, 1]."""
    for entry in range(embeddings.shape[1]):
        if not np.isfinite(embeddings[row, entry]):
            return False
    # A NaN fails every comparison.
    return bool(
        box[0] > -np.inf and box[1] > -np.inf and box[2] < np.inf and box[3] < np.inf
        and box[2] > box[0] and box[3] > box[1] and 0 <= score <= 1
    )  # fmt: skip
