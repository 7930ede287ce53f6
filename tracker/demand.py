"""Which detections are worth an embedding: those about which the boxes leave a question open.

An embedding costs a network run, and most of a frame's people are where they were, alone. Asking
only for the others, and for a fresh look now and then, keeps the cost of re-ID far below one run
a person and frame.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.tracker.candidates import intersection_over_union
from sightline.tracker.compiling import compiled, compiled_entry, source_digest
from sightline.tracker.state import FORGOTTEN, TENTATIVE, TRACKED, Floats, Records

__all__ = ["urgencies"]

_RIVALRY = 0.2
"""IoU from which a track and a detection may belong together."""
_MATURE_LOOKS = 5
"""Embeddings after which a track's looks are known."""
_STALE = 1.0
_YOUNG = 3.0
_OPEN = 4.0
_NEW = 5.0


def _entry(digest: str) -> Any:
    @compiled_entry
    def urgencies(
        tracks: Records,
        stream_row: Records,
        parameters: Records,
        boxes: Floats,
        scores: Floats,
        time: float,
        camera_motion: Floats,
    ) -> Floats:
        digest  # noqa: B018 - part of the key of the cache on disk
        p = parameters[0]
        stream = stream_row[0]
        count = stream.count
        frames = (time - stream.time) / p.frame_seconds if stream.updates > 0 else 0.0
        places = np.empty((count, 4))
        for row in range(count):
            _place(tracks[row], frames, camera_motion, places[row])
        result = np.zeros(len(boxes))
        suitors = np.zeros(count, np.int64)
        choices = np.zeros(len(boxes), np.int64)
        choice = np.full(len(boxes), -1, np.int64)
        for column in range(len(boxes)):
            if not scores[column] >= p.high_score:
                continue
            for row in range(count):
                if tracks[row].status == FORGOTTEN:
                    continue
                if intersection_over_union(places[row], boxes[column]) > _RIVALRY:
                    suitors[row] += 1
                    choices[column] += 1
                    choice[column] = row
        for column in range(len(boxes)):
            if not scores[column] >= p.high_score:
                continue
            if choices[column] == 0:
                result[column] = _NEW
            elif choices[column] > 1 or suitors[choice[column]] > 1:
                result[column] = _OPEN
            else:
                result[column] = _of_one(tracks[choice[column]], time, p)
        return result

    return urgencies


urgencies = _entry(source_digest())
"""(N,) how much each detection needs an embedding: 0 where it needs none."""


@compiled
def _of_one(track: Any, time: float, p: Any) -> float:
    """Urgency of a detection that only one track can have, which has no other."""
    if track.slot < 0 or track.status != TRACKED:
        return _NEW if track.status != TENTATIVE else _YOUNG
    if track.looks < _MATURE_LOOKS or track.rival != 0:
        return _YOUNG
    age = time - track.learned
    return _STALE + min(age / 60, 1.0) if age >= p.appearance_refresh else 0.0


@compiled
def _place(track: Any, frames: float, camera_motion: Floats, box: Floats) -> None:
    """Write where a track is expected into `box`."""
    x = track.mean[0, 0]
    y = track.mean[1, 0]
    if len(camera_motion) > 0:
        a = camera_motion
        x, y = a[0, 0] * x + a[0, 1] * y + a[0, 2], a[1, 0] * x + a[1, 1] * y + a[1, 2]
    x += frames * track.mean[0, 1]
    y += frames * track.mean[1, 1]
    half_width = track.mean[2, 0] / 2
    half_height = track.mean[3, 0] / 2
    box[0] = x - half_width
    box[1] = y - half_height
    box[2] = x + half_width
    box[3] = y + half_height
