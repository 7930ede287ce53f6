"""One update of the engine, as one compiled call."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.tracker.candidates import canonical_order, overlapping_pairs
from sightline.tracker.compiling import compiled, compiled_entry, source_digest
from sightline.tracker.kalman import box_of, predict, warp
from sightline.tracker.lifecycle import give_birth, remove_dead, remove_duplicates, report, settle
from sightline.tracker.stages import match_stage
from sightline.tracker.state import LOST, Records

__all__ = ["step"]

Floats = npt.NDArray[np.float64]


@compiled
def _readable(box: npt.NDArray[np.float32], score: float) -> bool:
    """Whether a detection's numbers are finite, its box has an area and its score is in [0, 1]."""
    return bool(
        np.isfinite(box[0]) and np.isfinite(box[1]) and box[2] > box[0] and box[3] > box[1]
        and np.isfinite(box[2]) and np.isfinite(box[3]) and score >= 0 and score <= 1
    )  # fmt: skip


@compiled
def _usable_rows(boxes: Any, scores: Any, stream: Any, p: Any) -> npt.NDArray[np.int64]:
    """Rows of readable detections above the lowest score, in canonical order."""
    rows = np.empty(len(boxes), np.int64)
    count = 0
    for row in range(len(boxes)):
        if not _readable(boxes[row], scores[row]):
            stream.dropped_rows += 1
        elif scores[row] >= p.low_score:
            rows[count] = row
            count += 1
    rows = rows[:count]
    return rows[canonical_order(boxes[rows], scores[rows])]


def _entry(digest: str) -> Any:
    @compiled_entry
    def step(
        tracks: Records,
        stream_row: Records,
        parameters: Records,
        stages: Records,
        all_boxes: npt.NDArray[np.float32],
        all_scores: npt.NDArray[np.float32],
        classes: npt.NDArray[np.int32],
        time: float,
        affine: Floats,
        out: Records,
    ) -> int:
        digest  # noqa: B018 - part of the key of the cache on disk
        p = parameters[0]
        stream = stream_row[0]
        frames = (time - stream.time) / p.frame_seconds
        rows = _usable_rows(all_boxes, all_scores, stream, p)
        boxes = all_boxes[rows].astype(np.float64)
        scores = all_scores[rows].astype(np.float64)
        levels = (scores >= p.high_score).astype(np.int64)

        count = stream.count
        predicted = np.empty((count, 4))
        statuses = np.empty(count, np.int64)
        for row in range(count):
            track = tracks[row]
            if len(affine) and p.camera_motion > 0:
                warp(track, affine)
            if track.status == LOST and p.freeze_lost_size > 0:
                track.mean[2, 1] = 0.0
                track.mean[3, 1] = 0.0
            predict(track, frames, p)
            box_of(track, predicted[row])
            statuses[row] = track.status
            track.detection = -1

        pairs, starts = overlapping_pairs(predicted, boxes, 0.01)
        taken = np.zeros(len(rows), np.bool_)
        for number in range(len(stages)):
            match_stage(
                stages[number], tracks, statuses, pairs, starts, boxes, scores, levels, taken, p
            )
        settle(tracks, stream, boxes, scores, rows, classes, time, p)
        give_birth(tracks, stream, boxes, scores, rows, classes, taken, time, p)
        stream.updates += 1
        stream.time = time
        remove_duplicates(tracks, stream, p)
        remove_dead(tracks, stream, time, p)
        return report(tracks, stream, rows, boxes, time, p, out)

    return step


step = _entry(source_digest())
