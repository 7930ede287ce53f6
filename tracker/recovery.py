"""Lost people who come back: found by their looks, where they can have walked to.

At the first detection of somebody who returns, one crop decides, and only if a single lost track
fits. Where that is not clear, a new track begins, and its mean over several crops is compared
once more while it is young: the old identity then takes over its body.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.tracker.appearance import blend
from sightline.tracker.candidates import with_room
from sightline.tracker.compiling import compiled
from sightline.tracker.gallery import cosine_distance, nearest_exemplar
from sightline.tracker.identity import exchange_bodies
from sightline.tracker.state import (
    FORGOTTEN,
    LOST,
    MEAN,
    PAIR,
    TENTATIVE,
    TRACKED,
    Floats,
    Integers,
    Records,
    Seen,
    State,
)

__all__ = ["adopt_returned", "remembered_pairs"]

_FEWEST_LOOKS = 3
"""Embeddings of a young track whose mean can be compared."""
_GROWTH = 1.8
"""Ratio of heights up to which two boxes can be of one person."""


@compiled
def remembered_pairs(
    state: State, takes_part: Any, seen: Seen, time: float, level: int, p: Any
) -> tuple[Records, Integers]:
    """Lost tracks and free detections near enough to be reached, by appearance.

    Args:
        state: The tracks, predicted to the time of the detections.
        takes_part: (T,) whether a track is lost and has no detection.
        seen: The detections.
        time: Now, in seconds.
        level: Level of the detections.
        p: The parameters.

    Returns:
        Pairs grouped by track, and (T + 1,) where each track's pairs begin; a pair's overlap is
        1 - cost. Detections that fit two tracks about as well have no pairs.
    """
    best = np.full(len(seen.boxes), np.inf)
    second = np.full(len(seen.boxes), np.inf)
    pairs = np.empty(16, PAIR)
    starts = np.zeros(len(takes_part) + 1, np.int64)
    count = 0
    for row in range(len(takes_part)):
        track = state.tracks[row]
        if takes_part[row] and track.exemplars > 0:
            for column in range(len(seen.boxes)):
                is_free = not seen.taken[column] and seen.levels[column] == level
                is_free = is_free and seen.groups[column] == track.group
                is_clear = seen.clarity[column] >= 1 - p.appearance_overlap
                if not (is_free and is_clear) or not _reaches(track, seen.boxes[column], time, p):
                    continue
                cost = _unlikeness(state, track, seen.embeddings[column], time, p)
                if cost < best[column]:
                    second[column] = best[column]
                    best[column] = cost
                else:
                    second[column] = min(second[column], cost)
                pairs = with_room(pairs, count)
                pairs[count].detection = column
                pairs[count].overlap = 1 - cost
                pairs[count].height_overlap = 1.0
                count += 1
        starts[row + 1] = count
    for number in range(count):
        column = pairs[number].detection
        if second[column] - best[column] < p.reidentify_margin:
            pairs[number].overlap = -np.inf
    return pairs[:count], starts


@compiled
def adopt_returned(state: State, time: float, p: Any) -> None:
    """Give young tracks that look like a lost one, and like no other, its identity."""
    for row in range(state.stream.count):
        track = state.tracks[row]
        is_young = time - track.born <= p.adoption_patience and track.detection >= 0
        if not is_young or track.slot < 0 or track.looks < _FEWEST_LOOKS:
            continue
        best = p.reidentify_limit
        second = np.inf
        parent = -1
        look = state.appearance[track.slot, MEAN]
        for other in range(state.stream.count):
            lost = state.tracks[other]
            is_lost = lost.status == LOST or lost.status == FORGOTTEN
            if not is_lost or lost.exemplars == 0 or lost.group != track.group:
                continue
            if lost.seen >= track.born or not _reaches(lost, track.history[track.newest], time, p):
                continue
            cost = _unlikeness(state, lost, look, time, p)
            if cost < best:
                second = best if parent >= 0 else second
                best = cost
                parent = other
            else:
                second = min(second, cost)
        if parent >= 0 and second - best >= p.reidentify_margin:
            _adopt(state, parent, row)


@compiled
def _adopt(state: State, parent: int, child: int) -> None:
    """Let a lost identity go on with the body of a young one, which ends."""
    lost, young = state.tracks[parent], state.tracks[child]
    exchange_bodies(state, parent, child)
    lost.status = TRACKED
    lost.hits += young.hits
    lost.learned = young.learned
    mean = state.appearance[lost.slot, MEAN]
    blend(mean, state.appearance[young.slot, MEAN], 0.5)
    young.seen = -np.inf
    young.status = TENTATIVE
    young.exemplars = 0


@compiled
def _unlikeness(state: State, track: Any, vector: Any, time: float, p: Any) -> float:
    """Distance of a look from the nearest exemplar and from the mean, in appearance limits.

    It counts more the longer ago the track was seen: others come by in the meantime.
    """
    nearest = nearest_exemplar(state, track, vector)
    mean = cosine_distance(state.appearance[track.slot, MEAN], vector)
    doubt = 1 + (time - track.seen) / p.reidentify_fade
    return float((nearest + mean) / 2 / p.appearance_limit * doubt)


@compiled
def _reaches(track: Any, box: Floats, time: float, p: Any) -> bool:
    """Whether a lost person can have walked into a box, and is as tall."""
    last = track.history[track.newest]
    height, other = last[3] - last[1], box[3] - box[1]
    if max(height, other) > _GROWTH * min(height, other):
        return False
    far = max(height, other) * (1 + p.reidentify_speed * (time - track.seen))
    across = (box[0] + box[2] - last[0] - last[2]) / 2
    down = (box[1] + box[3] - last[1] - last[3]) / 2
    return bool(across**2 + down**2 <= far**2)
