"""A track's gallery: a few exemplars that differ from each other as much as they can.

A person from the front, from behind and from the side are three crops far apart; a ring of the
latest ones would hold ten crops of the last second. An exemplar is added only if none of the kept
ones is near; where there is no room, one of the two that are nearest to each other gives way.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.tracker.compiling import compiled, compiled_sum
from sightline.tracker.state import MEAN, State

__all__ = ["cosine_distance", "keep_exemplar", "nearest_exemplar"]

_INTERVAL = 0.2
"""Seconds between two exemplars; neighbouring frames show the same."""
_OUTLIER = 1.5
"""Times the appearance limit that an exemplar may be from the mean; farther is a wrong crop."""


@compiled_sum
def cosine_distance(first: Any, second: Any) -> float:
    """1 - cosine of the angle between two vectors of length 1."""
    product = np.float32(0)
    for entry in range(len(first)):
        product += first[entry] * second[entry]
    return float(1 - product)


@compiled
def nearest_exemplar(state: State, track: Any, vector: Any) -> float:
    """Cosine distance of a vector from the nearest exemplar of the track; 2 where it has none."""
    nearest = 2.0
    for exemplar in range(track.exemplars):
        nearest = min(nearest, cosine_distance(state.gallery[track.slot, exemplar], vector))
    return nearest


@compiled
def keep_exemplar(state: State, track: Any, vector: Any, time: float, p: Any) -> None:
    """Add an embedding to the gallery if it shows something new."""
    room = state.gallery.shape[1]
    own = state.gallery[track.slot]
    if track.exemplars > 0:
        if time - track.stored < _INTERVAL:
            return
        distance = nearest_exemplar(state, track, vector)
        is_known = distance < p.gallery_spacing * p.appearance_limit
        off = cosine_distance(state.appearance[track.slot, MEAN], vector)
        if is_known or off > _OUTLIER * p.appearance_limit:
            return
        track.stored = time
        if track.exemplars == room:
            place = _most_doubled(own, distance)
            if place >= 0:
                own[place] = vector
            return
    track.stored = time
    own[track.exemplars] = vector
    track.exemplars += 1


@compiled
def _most_doubled(exemplars: Any, least: float) -> int:
    """One of the two exemplars nearest to each other, or -1 where all are `least` apart."""
    place = -1
    for first in range(len(exemplars)):
        for second in range(first):
            distance = cosine_distance(exemplars[first], exemplars[second])
            if distance < least:
                least = distance
                place = second
    return place
