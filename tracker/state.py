"""What the engine remembers: a row of arrays for each track, one row for the whole stream.

The rows are NumPy structured arrays: every field is an array over the tracks
(`tracks["mean"]` is (T, 4, 2)), and the whole crosses into compiled code as one argument.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "BEFORE",
    "FORGOTTEN",
    "HISTORY",
    "LOST",
    "MEAN",
    "PAIR",
    "REPORT",
    "SINCE",
    "STREAM",
    "TENTATIVE",
    "TRACK",
    "TRACKED",
    "VOTES",
    "Bools",
    "Floats",
    "Integers",
    "Records",
    "Seen",
    "State",
]

Records = npt.NDArray[np.void]
Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

TENTATIVE = 0
"""Not yet seen often enough to be reported."""
TRACKED = 1
"""Seen at the last update."""
LOST = 2
"""Confirmed, but not seen at the last update."""
FORGOTTEN = 3
"""Lost for so long that only its appearance can find it again."""

MEAN = 0
"""Running mean of a track's embeddings."""
BEFORE = 1
"""The mean as it was when the track met its rival."""
SINCE = 2
"""Mean of the embeddings since the two parted."""

HISTORY = 8
"""Past observations that a track remembers."""
VOTES = 4
"""Classes that a track counts votes for."""

TRACK = np.dtype(
    [
        ("id", np.int64),
        ("status", np.int64),
        ("mean", np.float64, (4, 2)),  # position, velocity a nominal frame of cx, cy, w, h; pixels
        ("covariance", np.float64, (4, 3)),  # of each coordinate: position, mixed, velocity
        ("history", np.float64, (HISTORY, 5)),  # x1 y1 x2 y2 time, a ring, in today's pixels
        ("newest", np.int64),  # row of the ring with the last observation
        ("score", np.float64),
        ("previous_score", np.float64),
        ("born", np.float64),  # seconds
        ("seen", np.float64),  # seconds, last observation
        ("hits", np.int64),
        ("streak", np.int64),  # observations without a miss between them
        ("label", np.int64),  # the class with the most votes
        ("group", np.int64),  # only detections of this group may match
        ("voted_labels", np.int64, VOTES),
        ("votes", np.float64, VOTES),
        ("detection", np.int64),  # row of `Seen` that this update matched, or -1
        ("slot", np.int64),  # row of the appearance stores, or -1
        ("looks", np.int64),  # embeddings that the mean has learned
        ("learned", np.float64),  # seconds, last of them
        ("exemplars", np.int64),  # embeddings in the gallery
        ("stored", np.float64),  # seconds, last of them
        ("rival", np.int64),  # id of the track that it met last, 0 where that is settled
        ("parted", np.float64),  # seconds, last overlap with the rival
        ("glimpses", np.int64),  # embeddings learned since then
    ]
)

STREAM = np.dtype(
    [
        ("count", np.int64),  # rows of the track array in use
        ("last_id", np.int64),
        ("updates", np.int64),
        ("time", np.float64),  # seconds, of the last update
        ("dropped_rows", np.int64),
        ("births", np.int64),
        ("refused_births", np.int64),
        ("deaths", np.int64),
        ("next_slot", np.int64),  # where the search for a free slot begins
    ]
)

PAIR = np.dtype(
    [
        ("detection", np.int64),
        ("overlap", np.float64),  # IoU, or 1 - distance / gate where pairs come from a gate
        ("height_overlap", np.float64),  # IoU of the vertical extents
    ]
)

REPORT = np.dtype(
    [
        ("id", np.int64),
        ("box", np.float32, 4),
        ("score", np.float32),
        ("label", np.int32),
        ("detection", np.int32),
        ("age", np.float32),
        ("hits", np.int32),
    ]
)


class State(NamedTuple):
    """What lasts from update to update."""

    tracks: Records  # TRACK, capacity rows
    stream: Any  # STREAM, one record
    appearance: npt.NDArray[np.float32]  # (slots, 3, D) MEAN, BEFORE, SINCE of each track
    gallery: npt.NDArray[np.float32]  # (slots, G, D) exemplars
    owners: Integers  # (slots,) id of the track that uses a slot, 0 where free, -id where just left


class Seen(NamedTuple):
    """The usable detections of one update, in canonical order."""

    boxes: Floats  # (N, 4) x1 y1 x2 y2
    scores: Floats  # (N,)
    levels: Integers  # (N,) LOW or HIGH
    groups: Integers  # (N,) groups of classes
    labels: Integers  # (N,) classes
    rows: Integers  # (N,) row in the caller's detections
    embeddings: npt.NDArray[np.float32]  # (N, D) of length 1; D = 0 where there are none
    clarity: Floats  # (N,) share that nobody else covers; 0 where there is no embedding
    taken: Bools  # (N,) whether a track has it
