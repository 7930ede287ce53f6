"""Embeddings as a cue: a running mean and a bounded gallery for each track.

Both live in arrays of slots; a track takes a free slot when it is born and gives it back when it
ends, so memory is bounded by the number of tracks. The mean moves with the detection's score and
neither learns from a detection that overlaps another, because such a crop shows two people
(Aharon et al., "BoT-SORT", 2022; Maggiolino et al., "Deep OC-SORT", 2023).
"""

from __future__ import annotations

import math
from typing import Any

from sightline.tracker.candidates import intersection_over_union
from sightline.tracker.compiling import compiled
from sightline.tracker.state import Seen, State

__all__ = [
    "appearance_distance",
    "free_slot",
    "gallery_distance",
    "is_overlapped",
    "learn_appearance",
    "take_slot",
]


@compiled
def appearance_distance(state: State, track: Any, seen: Seen, column: int) -> float:
    """Cosine distance of a detection from the track's running mean."""
    product = 0.0
    for entry in range(seen.embeddings.shape[1]):
        product += state.appearance[track.slot, entry] * seen.embeddings[column, entry]
    return 1 - product


@compiled
def gallery_distance(state: State, track: Any, seen: Seen, column: int) -> float:
    """Cosine distance of a detection from the nearest exemplar of the track."""
    nearest = 2.0
    for exemplar in range(min(track.exemplars, state.gallery.shape[1])):
        product = 0.0
        for entry in range(seen.embeddings.shape[1]):
            product += state.gallery[track.slot, exemplar, entry] * seen.embeddings[column, entry]
        nearest = min(nearest, 1 - product)
    return nearest


@compiled
def is_overlapped(seen: Seen, column: int, limit: float) -> bool:
    """Whether another detection covers this one by more than `limit` IoU."""
    for other in range(len(seen.boxes)):
        if (
            other != column
            and intersection_over_union(seen.boxes[column], seen.boxes[other]) > limit
        ):
            return True
    return False


@compiled
def take_slot(state: State, track: Any) -> None:
    """Give a new track a free slot of the stores."""
    track.slot = -1
    track.exemplars = 0
    for slot in range(len(state.owners)):
        if state.owners[slot] == 0:
            state.owners[slot] = track.id
            track.slot = slot
            state.appearance[slot] = 0
            break


@compiled
def free_slot(state: State, track: Any) -> None:
    """Take back the slot of a track that ends."""
    if track.slot >= 0 and track.slot < len(state.owners):
        state.owners[track.slot] = 0


@compiled
def learn_appearance(state: State, track: Any, seen: Seen, column: int, p: Any) -> None:
    """Let the mean and the gallery learn a detection's embedding."""
    if track.exemplars > 0 and is_overlapped(seen, column, p.appearance_overlap):
        return
    size = seen.embeddings.shape[1]
    mean = state.appearance[track.slot]
    weight = (1 - p.appearance_momentum) * seen.scores[column]
    if track.exemplars == 0:
        weight = 1.0
    norm = 0.0
    for entry in range(size):
        mean[entry] += weight * (seen.embeddings[column, entry] - mean[entry])
        norm += mean[entry] * mean[entry]
    for entry in range(size):
        mean[entry] /= max(math.sqrt(norm), 1e-12)
    place = track.exemplars % state.gallery.shape[1]
    state.gallery[track.slot, place] = seen.embeddings[column]
    track.exemplars += 1
