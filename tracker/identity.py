"""Which identity a body carries can turn out to be wrong: two tracks then exchange their bodies.

A row of the track array is one identity: id, birth, class votes, looks. What it is following (the
motion, the last observations, whether it is seen) is its body. Rows stay in the order of their ids
when bodies are exchanged.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.tracker.compiling import compiled
from sightline.tracker.state import TRACK, State

__all__ = ["exchange_bodies", "row_of"]


@compiled
def exchange_bodies(state: State, first: int, second: int) -> None:
    """Let two rows change what they follow."""
    spare = np.empty(1, TRACK)
    spare[0] = state.tracks[first]
    _take_body(state.tracks[first], state.tracks[second])
    _take_body(state.tracks[second], spare[0])


@compiled
def _take_body(track: Any, other: Any) -> None:
    track.status = other.status
    track.mean[:] = other.mean
    track.covariance[:] = other.covariance
    track.history[:] = other.history
    track.newest = other.newest
    track.score = other.score
    track.previous_score = other.previous_score
    track.seen = other.seen
    track.streak = other.streak
    track.detection = other.detection


@compiled
def row_of(state: State, identity: int) -> int:
    """Row of the track with an id, -1 where there is none; rows are in the order of their ids."""
    low = 0
    high = state.stream.count
    while low < high:
        middle = (low + high) // 2
        if state.tracks[middle].id < identity:
            low = middle + 1
        else:
            high = middle
    if low < state.stream.count and state.tracks[low].id == identity:
        return low
    return -1
