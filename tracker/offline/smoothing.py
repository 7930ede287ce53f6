"""What the smoothers share: each track in the view of its first frame, smoothed, and back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from sightline.geometry import cxcywh_to_xyxy, xyxy_to_cxcywh
from sightline.tracker.offline.camera import compose, invert, warp
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = ["Smoother", "smooth_tracks"]

Smoother = Callable[
    [npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.float64]],
    npt.NDArray[np.float64],
]
"""(n, 4) centre x, centre y, width, height of a track; (n,) observed; (n,) seconds; to (n, 4)."""


def smooth_tracks(table: TrackTable, timeline: Timeline, smoother: Smoother) -> TrackTable:
    """Replace the boxes of every track by smoothed ones; nothing else changes.

    A moving camera is taken out first: the smoother sees the track from the camera's pose at its
    first frame.

    Args:
        table: Finished tracks.
        timeline: The frames that they were made from.
        smoother: Smooths one track of at least two rows.

    Returns:
        The same rows, ordered by frame.
    """
    table = table.by_track()
    places = timeline.positions(table)
    starts = table.track_starts()
    states = xyxy_to_cxcywh(table.boxes)
    for start, stop in zip(starts[:-1].tolist(), starts[1:].tolist(), strict=True):
        if stop - start < 2:
            continue
        span = places[start:stop]
        motion = compose(timeline.camera_motion, int(span[0]), int(span[-1]))[span - span[0]]
        smoothed = smoother(
            warp(states[start:stop], invert(motion)),
            table.observed[start:stop],
            table.times[start:stop],
        )
        smoothed[:, 2:] = np.maximum(smoothed[:, 2:], 0)
        states[start:stop] = warp(smoothed, motion)
    return replace(table, boxes=cxcywh_to_xyxy(states)).by_frame()
