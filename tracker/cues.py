"""What speaks for or against a pair: small pure functions, each switched off by a weight of 0."""

from __future__ import annotations

import math
from typing import Any

from sightline.tracker.compiling import compiled
from sightline.tracker.state import HISTORY, Floats

__all__ = ["confidence_motion", "corner_directions", "direction", "past_observation"]


@compiled
def past_observation(track: Any, window: float) -> Floats:
    """The newest observation that is at least `window` seconds older than the last one."""
    last = track.newest
    result = last
    for step in range(1, min(track.hits, HISTORY)):
        result = (last - step) % HISTORY
        if track.history[last, 4] - track.history[result, 4] >= window - 1e-6:
            break
    return track.history[result]  # type: ignore[no-any-return]


@compiled
def confidence_motion(track: Any, score: float) -> float:
    """Distance of a score from the track's score extrapolated by one step.

    Source: Yang et al., "Hybrid-SORT", AAAI 2024; two-sided as in TrackTrack.
    """
    return float(abs(2 * track.score - track.previous_score - score))


@compiled
def corner_directions(track: Any, box: Floats, window: float) -> float:
    """Mean angle, as a share of π, between each corner's motion and its step to the box.

    Source: Shim et al., "Focusing on Tracks for Online Multi-Object Tracking", CVPR 2025.
    """
    if track.hits < 2:
        return 0.5
    past = past_observation(track, window)
    last = track.history[track.newest]
    total = 0.0
    for x in range(0, 4, 2):
        for y in range(1, 4, 2):
            total += _angle(
                last[x] - past[x], last[y] - past[y], box[x] - last[x], box[y] - last[y]
            )
    return total / 4


@compiled
def direction(track: Any, box: Floats, window: float) -> float:
    """Angle, as a share of π, between the centre's motion and its step to the box.

    Source: Cao et al., "Observation-Centric SORT", CVPR 2023.
    """
    if track.hits < 2:
        return 0.5
    past = past_observation(track, window)
    last = track.history[track.newest]
    centre_x = last[0] + last[2]
    centre_y = last[1] + last[3]
    return _angle(
        centre_x - past[0] - past[2],
        centre_y - past[1] - past[3],
        box[0] + box[2] - centre_x,
        box[1] + box[3] - centre_y,
    )


@compiled
def _angle(x: float, y: float, other_x: float, other_y: float) -> float:
    """Angle between two vectors as a share of π; one half where a vector has no length."""
    if (x == 0 and y == 0) or (other_x == 0 and other_y == 0):
        return 0.5
    return abs(math.atan2(x * other_y - y * other_x, x * other_x + y * other_y)) / math.pi
