"""What the engine remembers: a row of arrays for each track, one row for the whole stream.

The rows are NumPy structured arrays: every field is an array over the tracks
(`tracks["mean"]` is (T, 4, 2)), and the whole crosses into compiled code as one argument.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = [
    "HISTORY",
    "LOST",
    "PAIR",
    "REPORT",
    "STREAM",
    "TENTATIVE",
    "TRACK",
    "TRACKED",
    "VOTES",
    "Records",
]

Records = npt.NDArray[np.void]

TENTATIVE = 0
"""Not yet seen often enough to be reported."""
TRACKED = 1
"""Seen at the last update."""
LOST = 2
"""Confirmed, but not seen at the last update."""

HISTORY = 8
"""Past observations that a track remembers."""
VOTES = 4
"""Classes that a track counts votes for."""

TRACK = np.dtype(
    [
        ("id", np.int64),
        ("status", np.int64),
        ("mean", np.float64, (4, 2)),  # position and velocity of cx, cy, w, h; frames, pixels
        ("covariance", np.float64, (4, 3)),  # of each coordinate: position, mixed, velocity
        ("history", np.float64, (HISTORY, 5)),  # x1 y1 x2 y2 time, a ring, in today's pixels
        ("newest", np.int64),  # row of the ring with the last observation
        ("score", np.float64),
        ("previous_score", np.float64),
        ("born", np.float64),  # seconds
        ("seen", np.float64),  # seconds, last observation
        ("hits", np.int64),
        ("streak", np.int64),  # observations without a miss between them
        ("label", np.int64),
        ("voted_classes", np.int64, VOTES),
        ("votes", np.float64, VOTES),
        ("detection", np.int64),  # row in this update's detections, or -1
        ("slot", np.int64),  # row of the appearance stores
        ("exemplars", np.int64),  # embeddings taken into the gallery so far
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
        ("track", np.int64),
        ("detection", np.int64),
        ("iou", np.float64),
        ("height_overlap", np.float64),
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
