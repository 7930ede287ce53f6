"""Embeddings as a cue: what a track remembers of its looks, and how far a detection is from it.

All memory lies in arrays of slots; a track takes a free slot when it is born and gives it back
when it ends, so memory is bounded by the number of tracks. A mean follows the looks with a time
constant, faster for sure and uncovered crops; crops that others cover teach nothing, because they
show two people (Aharon et al., "BoT-SORT", 2022; Maggiolino et al., "Deep OC-SORT", 2023).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sightline.tracker.compiling import compiled
from sightline.tracker.gallery import keep_exemplar
from sightline.tracker.state import MEAN, SINCE, Seen, State

__all__ = [
    "blend",
    "free_slot",
    "judge_crops",
    "learn_appearance",
    "take_slot",
]

_BEHIND = 0.5
"""How much a person behind spoils a crop, where one in front counts 1."""


@compiled
def judge_crops(seen: Seen) -> None:
    """Write the share of each detection that others leave uncovered into `seen.clarity`.

    Detections without an embedding keep 0. Who stands lower in the picture is in front; somebody
    less sure than the covered one counts less, since it may be a double of the same person.
    """
    boxes, scores, clarity = seen.boxes, seen.scores, seen.clarity
    count = len(boxes)
    for first in range(count):
        # Canonical order is by left edge.
        for second in range(first + 1, count):
            width = min(boxes[first, 2], boxes[second, 2]) - boxes[second, 0]
            if width <= 0:
                if boxes[second, 0] >= boxes[first, 2]:
                    break
                continue
            height = min(boxes[first, 3], boxes[second, 3])
            height -= max(boxes[first, 1], boxes[second, 1])
            if height <= 0:
                continue
            for own, other in ((first, second), (second, first)):
                box = boxes[own]
                share = width * height / ((box[2] - box[0]) * (box[3] - box[1]))
                if boxes[other, 3] < box[3]:
                    share *= _BEHIND
                share *= min(1.0, scores[other] / max(scores[own], 1e-6))
                if clarity[own] > 0:
                    clarity[own] = min(clarity[own], max(1e-6, 1 - share))


@compiled
def take_slot(state: State, track: Any) -> None:
    """Give a new track the slot that has been free for longest."""
    track.slot = -1
    track.looks = 0
    track.exemplars = 0
    track.rival = 0
    track.glimpses = 0
    slots = len(state.owners)
    for step in range(slots):
        slot = (state.stream.next_slot + step) % slots
        if state.owners[slot] == 0:
            state.owners[slot] = track.id
            state.stream.next_slot = (slot + 1) % slots
            state.appearance[slot] = 0
            track.slot = slot
            break


@compiled
def free_slot(state: State, track: Any) -> None:
    """Take back the slot of a track that ends; what it holds can be read until the next update."""
    if track.slot >= 0:
        state.owners[track.slot] = -track.id if track.exemplars > 0 else 0
        state.gallery[track.slot, track.exemplars :] = 0


@compiled
def learn_appearance(
    state: State, track: Any, seen: Seen, column: int, time: float, p: Any
) -> None:
    """Let the mean and the gallery learn a detection's embedding."""
    clarity = seen.clarity[column]
    if track.slot < 0 or clarity <= 0:
        return
    is_clear = clarity >= 1 - p.appearance_overlap
    if track.looks > 0 and not is_clear:
        return
    vector = seen.embeddings[column]
    trust = seen.scores[column] * clarity
    if track.rival != 0 and time > track.parted:
        weight = trust / (track.glimpses + 1) if track.glimpses > 0 else 1.0
        blend(state.appearance[track.slot, SINCE], vector, weight)
        track.glimpses += 1
    elapsed = max(time - track.learned, p.frame_seconds)
    share = max(1 - math.exp(-elapsed / p.appearance_memory), 1 / (track.looks + 1))
    blend(state.appearance[track.slot, MEAN], vector, share * trust if track.looks > 0 else 1.0)
    track.looks += 1
    track.learned = time
    # Whose crop it is stays open until a meeting is settled.
    if track.rival == 0 and (is_clear or track.exemplars == 0):
        keep_exemplar(state, track, vector, time, p)


@compiled
def blend(mean: Any, vector: Any, weight: float) -> None:
    """Move a mean towards a vector and back to length 1."""
    norm = 0.0
    for entry in range(len(mean)):
        mean[entry] += np.float32(weight) * (vector[entry] - mean[entry])
        norm += mean[entry] * mean[entry]
    scale = np.float32(1 / max(math.sqrt(norm), 1e-12))
    for entry in range(len(mean)):
        mean[entry] *= scale
