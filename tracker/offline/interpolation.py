"""Gaps inside tracks filled by straight lines."""

from __future__ import annotations

import numpy as np

from sightline.geometry import cxcywh_to_xyxy, xyxy_to_cxcywh
from sightline.tracker.offline.camera import compose, invert, warp
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = ["interpolate_gaps"]


def interpolate_gaps(table: TrackTable, timeline: Timeline, *, max_gap: float) -> TrackTable:
    """Add the rows that are missing between two rows of a track.

    Both ends of a gap are mapped into the missing frame by the camera's motion; the box is their
    mean, weighted by nearness in time. This is what ByteTrack (Zhang et al. 2022) and later
    trackers do before they submit, with the gap in seconds and the camera taken into account.

    Args:
        table: Finished tracks.
        timeline: The frames that there are; only frames in it are filled.
        max_gap: Longest time in seconds between a gap's two ends; longer ones stay open.

    Returns:
        The rows that came and the new ones, ordered by frame. New rows have `observed` False,
        scores between those of the two ends, the class of the earlier end and no embedding.
    """
    table = table.by_track()
    places = timeline.positions(table)
    missing = np.diff(places) > 1
    near = np.diff(table.times) <= max_gap
    gaps = np.flatnonzero(missing & near & (np.diff(table.ids) == 0))
    parts = [table]
    states = xyxy_to_cxcywh(table.boxes)
    for row in gaps.tolist():
        first, last = int(places[row]), int(places[row + 1])
        forward = compose(timeline.camera_motion, first, last)
        late = warp(states[row + 1], invert(forward[-1]))
        inside = slice(first + 1, last)
        times = timeline.times[inside]
        share = (times - table.times[row]) / (table.times[row + 1] - table.times[row])
        filled = (1 - share[:, None]) * warp(states[row], forward[1:-1])
        filled += share[:, None] * warp(late, forward[1:-1])
        scores = (1 - share) * table.scores[row] + share * table.scores[row + 1]
        count = len(times)
        parts.append(
            TrackTable(
                timeline.frames[inside],
                times,
                np.full(count, table.ids[row]),
                cxcywh_to_xyxy(filled),
                scores,
                np.full(count, table.classes[row]),
                np.zeros(count),
            )
        )
    return TrackTable.concatenate(parts).by_frame()
