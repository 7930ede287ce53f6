"""What the engine remembers: a row of arrays for each track, one row for the whole stream.

The rows are NumPy structured arrays: every field is an array over the tracks
(`tracks["mean"]` is (T, 4, 2)), and the whole crosses into compiled code as one argument.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = [
    "FORGOTTEN",
    "HISTORY",
    "LOST",
    "PAIR",
    "REPORT",
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
        ("exemplars", np.int64),  # embeddings put into the gallery so far
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
    appearance: npt.NDArray[np.float32]  # (slots, D) running mean of each track's embeddings
    gallery: npt.NDArray[np.float32]  # (slots, G, D) exemplars, a ring
    owners: Integers  # (slots,) id of the track that uses a slot, 0 where free


class Seen(NamedTuple):
    """The usable detections of one update, in canonical order."""

    boxes: Floats  # (N, 4) x1 y1 x2 y2
    scores: Floats  # (N,)
    levels: Integers  # (N,) LOW or HIGH
    groups: Integers  # (N,) groups of classes
    labels: Integers  # (N,) classes
    rows: Integers  # (N,) row in the caller's detections
    embeddings: npt.NDArray[np.float32]  # (N, D); D = 0 where there are none
    taken: Bools  # (N,) whether a track has it
