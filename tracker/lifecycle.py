"""Birth, confirmation, loss and death of tracks, and what is reported of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.tracker.candidates import intersection_over_union
from sightline.tracker.compiling import compiled
from sightline.tracker.kalman import box_of, correct, initiate
from sightline.tracker.state import HISTORY, LOST, TENTATIVE, TRACKED, VOTES, Records

__all__ = ["give_birth", "remove_dead", "remove_duplicates", "report", "settle"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@compiled
def settle(
    tracks: Records, stream: Any, boxes: Floats, scores: Floats, rows: Integers,
    classes: npt.NDArray[np.int32], time: float, p: Any,
) -> None:  # fmt: skip
    """Update the matched tracks and mark the others as lost."""
    for row in range(stream.count):
        track = tracks[row]
        seen = track.detection
        if seen < 0:
            track.streak = 0
            if track.status == TRACKED:
                track.status = LOST
            continue
        correct(track, boxes[seen], scores[seen], p)
        track.hits += 1
        track.streak += 1
        _remember(track, boxes[seen], time)
        track.previous_score = track.score
        track.score = scores[seen]
        track.seen = time
        _vote(track, classes[rows[seen]], scores[seen])
        if track.status != TENTATIVE or track.hits >= p.confirm_hits:
            track.status = TRACKED


@compiled
def give_birth(
    tracks: Records, stream: Any, boxes: Floats, scores: Floats, rows: Integers,
    classes: npt.NDArray[np.int32], taken: npt.NDArray[np.bool_], time: float, p: Any,
) -> None:  # fmt: skip
    """Start a track at each detection that is good enough and belongs to none."""
    for seen in range(len(boxes)):
        if taken[seen] or scores[seen] < p.birth_score:
            continue
        if stream.count == len(tracks):
            stream.refused_births += 1
            continue
        stream.last_id += 1
        stream.births += 1
        track = tracks[stream.count]
        stream.count += 1
        track.id = stream.last_id
        confirmed = p.confirm_hits <= 1 or stream.updates == 0
        track.status = TRACKED if confirmed else TENTATIVE
        initiate(track, boxes[seen], p)
        track.newest = -1
        track.hits = 1
        track.streak = 1
        _remember(track, boxes[seen], time)
        track.score = scores[seen]
        track.previous_score = scores[seen]
        track.born = time
        track.seen = time
        track.votes[:] = 0.0
        _vote(track, classes[rows[seen]], scores[seen])
        track.detection = seen


@compiled
def _remember(track: Any, box: Floats, time: float) -> None:
    track.newest = (track.newest + 1) % HISTORY
    row = track.history[track.newest]
    for edge in range(4):
        row[edge] = box[edge]
    row[4] = time


@compiled
def _vote(track: Any, seen: int, score: float) -> None:
    """Count a class by its score; the least voted one makes room for a new one."""
    least = 0
    place = -1
    for vote in range(VOTES):
        if track.votes[vote] > 0 and track.voted_classes[vote] == seen:
            place = vote
        if track.votes[vote] < track.votes[least]:
            least = vote
    if place < 0:
        place = least
        track.voted_classes[place] = seen
        track.votes[place] = 0.0
    track.votes[place] += score
    best = place
    for vote in range(VOTES):
        if track.votes[vote] > track.votes[best]:
            best = vote
    track.label = track.voted_classes[best]


@compiled
def remove_duplicates(tracks: Records, stream: Any, p: Any) -> None:
    """Of a tracked and a lost track on the same place, end the younger."""
    for row in range(stream.count):
        if tracks[row].status != LOST:
            continue
        box = np.empty(4)
        other_box = np.empty(4)
        box_of(tracks[row], box)
        for other in range(stream.count):
            if tracks[other].status != TRACKED:
                continue
            box_of(tracks[other], other_box)
            if intersection_over_union(box, other_box) > p.duplicate_overlap:
                lost_life = tracks[row].seen - tracks[row].born
                life = tracks[other].seen - tracks[other].born
                tracks[other if lost_life > life else row].seen = -np.inf


@compiled
def remove_dead(tracks: Records, stream: Any, time: float, p: Any) -> None:
    """Forget tracks that were unseen for too long; the others keep their order."""
    kept = 0
    for row in range(stream.count):
        track = tracks[row]
        patience = p.tentative_patience if track.status == TENTATIVE else p.patience
        if time - track.seen > patience + 1e-6:
            stream.deaths += 1
            continue
        if kept != row:
            tracks[kept] = tracks[row]
        kept += 1
    stream.count = kept


@compiled
def report(
    tracks: Records, stream: Any, rows: Integers, boxes: Floats, time: float, p: Any, out: Records
) -> int:
    """Write the tracks that are seen now and confirmed into `out`; returns how many."""
    count = 0
    box = np.empty(4)
    for row in range(stream.count):
        track = tracks[row]
        if track.detection < 0 or track.status != TRACKED:
            continue
        if track.streak < p.report_streak and stream.updates > p.report_streak:
            continue
        box_of(track, box)
        if p.report_box > 0:
            box[:] = boxes[track.detection]
        entry = out[count]
        entry.id = track.id
        for edge in range(4):
            entry.box[edge] = box[edge]
        entry.score = track.score
        entry.label = track.label
        entry.detection = rows[track.detection]
        entry.age = time - track.born
        entry.hits = track.hits
        count += 1
    return count
