"""Birth, confirmation, loss and death of tracks, and what is reported of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.tracker.appearance import free_slot, learn_appearance, take_slot
from sightline.tracker.candidates import intersection_over_union
from sightline.tracker.compiling import compiled
from sightline.tracker.kalman import box_of, correct, initiate, reobserve
from sightline.tracker.state import (
    FORGOTTEN,
    HISTORY,
    LOST,
    TENTATIVE,
    TRACKED,
    VOTES,
    Floats,
    Records,
    Seen,
    State,
)

__all__ = ["give_birth", "remove_dead", "remove_duplicates", "report", "settle"]

_SOON = 1e-6
"""Seconds by which two equal times may differ after sums of frame times."""
_ELSEWHERE = 0.1
"""IoU with the prediction below which a found track starts anew with its motion."""


@compiled
def settle(state: State, seen: Seen, time: float, p: Any) -> None:
    """Let matched tracks learn their detections and mark the others as lost."""
    for row in range(state.stream.count):
        track = state.tracks[row]
        column = track.detection
        if column >= 0:
            box, score = seen.boxes[column], seen.scores[column]
            _learn_motion(track, box, score, time, p)
            _learn_rest(track, box, score, seen.labels[column], time)
            if seen.clarity[column] > 0:
                if track.slot < 0:
                    take_slot(state, track)
                learn_appearance(state, track, seen, column, time, p)
            track.hits += 1
            track.streak += 1
            if track.status != TENTATIVE or track.hits >= p.confirm_hits:
                track.status = TRACKED
        else:
            track.streak = 0
            if track.status == TRACKED:
                track.status = LOST


@compiled
def give_birth(state: State, seen: Seen, time: float, p: Any) -> None:
    """Start a track at each detection that is good enough and belongs to none."""
    stream = state.stream
    for column in range(len(seen.boxes)):
        if seen.taken[column] or seen.scores[column] < p.birth_score:
            continue
        if stream.count == len(state.tracks):
            stream.refused_births += 1
            continue
        track = state.tracks[stream.count]
        stream.count += 1
        stream.births += 1
        stream.last_id += 1
        track.id = stream.last_id
        confirmed = p.confirm_hits <= 1 or stream.updates == 0
        track.status = TRACKED if confirmed else TENTATIVE
        track.born = time
        track.hits = 1
        track.streak = 1
        track.newest = -1
        track.history[:] = 0.0
        track.votes[:] = 0.0
        track.voted_labels[:] = -1
        track.score = seen.scores[column]
        track.group = seen.groups[column]
        track.detection = column
        take_slot(state, track)
        initiate(track, seen.boxes[column], p)
        _learn_rest(track, seen.boxes[column], seen.scores[column], seen.labels[column], time)
        learn_appearance(state, track, seen, column, time, p)


@compiled
def _learn_motion(track: Any, box: Floats, score: float, time: float, p: Any) -> None:
    frames = (time - track.seen) / p.frame_seconds
    if track.exemplars > 0 and _was_found_elsewhere(track, box):
        initiate(track, box, p)
        return
    if p.reobserve > 0 and track.status == LOST and frames > 0:
        reobserve(track, track.history[track.newest], box, frames, p)
    correct(track, box, score, p)


@compiled
def _was_found_elsewhere(track: Any, box: Floats) -> bool:
    """Whether looks found a lost track where its motion did not lead."""
    if track.status != LOST and track.status != FORGOTTEN:
        return False
    predicted = np.empty(4)
    box_of(track, predicted)
    return intersection_over_union(predicted, box) < _ELSEWHERE


@compiled
def _learn_rest(track: Any, box: Floats, score: float, label: int, time: float) -> None:
    """Take over everything but the motion and the appearance from a detection."""
    track.newest = (track.newest + 1) % HISTORY
    row = track.history[track.newest]
    for edge in range(4):
        row[edge] = box[edge]
    row[4] = time
    track.previous_score = track.score
    track.score = score
    track.seen = time
    _vote(track, label, score)


@compiled
def _vote(track: Any, label: int, score: float) -> None:
    """Count a class by its score; where there is no room, it replaces the least voted one."""
    place = -1
    least = 0
    for vote in range(VOTES):
        if track.voted_labels[vote] == label:
            place = vote
        if track.votes[vote] < track.votes[least]:
            least = vote
    if place < 0:
        place = least
        track.voted_labels[place] = label
        track.votes[place] = 0.0
    track.votes[place] += score
    best = 0
    for vote in range(VOTES):
        if track.votes[vote] > track.votes[best]:
            best = vote
    track.label = track.voted_labels[best]


@compiled
def remove_duplicates(state: State, p: Any) -> None:
    """Where a lost track lies on a tracked one of its group, end the one that lived shorter."""
    if p.duplicate_overlap >= 1:
        return
    tracks = state.tracks
    count = state.stream.count
    boxes = np.empty((count, 4))
    for row in range(count):
        box_of(tracks[row], boxes[row])
    for row in range(count):
        if tracks[row].status != LOST:
            continue
        for other in range(count):
            if boxes[other, 0] >= boxes[row, 2] or boxes[row, 0] >= boxes[other, 2]:
                continue
            if tracks[other].status != TRACKED or tracks[other].group != tracks[row].group:
                continue
            if intersection_over_union(boxes[row], boxes[other]) > p.duplicate_overlap:
                is_older = _life(tracks[row]) > _life(tracks[other])
                tracks[other if is_older else row].seen = -np.inf


@compiled
def _life(track: Any) -> float:
    return float(track.seen - track.born)


@compiled
def remove_dead(state: State, time: float, p: Any) -> None:
    """End tracks that were unseen for too long; the others keep their order."""
    forgotten = 0
    for row in range(state.stream.count):
        track = state.tracks[row]
        unseen = time - track.seen - _SOON
        if unseen > (p.tentative_patience if track.status == TENTATIVE else p.patience):
            is_known = p.reidentify_limit > 0 and track.exemplars > 0
            if track.status == TENTATIVE or not is_known or unseen > p.reidentify_patience:
                track.seen = -np.inf
            else:
                track.status = FORGOTTEN
                forgotten += 1
    while forgotten > p.reidentify_tracks:
        _end_oldest_forgotten(state)
        forgotten -= 1
    kept = 0
    for row in range(state.stream.count):
        track = state.tracks[row]
        if track.seen == -np.inf:
            free_slot(state, track)
            state.stream.deaths += 1
            continue
        if kept != row:
            state.tracks[kept] = track
        kept += 1
    state.stream.count = kept


@compiled
def _end_oldest_forgotten(state: State) -> None:
    oldest = -1
    for row in range(state.stream.count):
        track = state.tracks[row]
        is_older = oldest < 0 or track.seen < state.tracks[oldest].seen
        if track.status == FORGOTTEN and track.seen > -np.inf and is_older:
            oldest = row
    state.tracks[oldest].seen = -np.inf


@compiled
def report(state: State, seen: Seen, time: float, p: Any, out: Records) -> int:
    """Write the confirmed tracks that are seen, or were a moment ago, into `out`."""
    count = 0
    box = np.empty(4)
    for row in range(state.stream.count):
        track = state.tracks[row]
        if not _is_reported(track, state.stream, time, p):
            continue
        box_of(track, box)
        if p.report_box > 0 and track.detection >= 0:
            for edge in range(4):
                box[edge] = seen.boxes[track.detection, edge]
        entry = out[count]
        entry.id = track.id
        for edge in range(4):
            entry.box[edge] = box[edge]
        entry.score = track.score
        entry.label = track.label
        entry.detection = seen.rows[track.detection] if track.detection >= 0 else -1
        entry.age = time - track.born
        entry.hits = track.hits
        count += 1
    return count


@compiled
def _is_reported(track: Any, stream: Any, time: float, p: Any) -> bool:
    if track.status == TRACKED:
        return bool(track.streak >= p.report_streak or stream.updates <= p.report_streak)
    coasts = track.hits >= p.coast_hits and time - track.seen <= p.coast_patience + _SOON
    return bool(track.status == LOST and p.coast_patience > 0 and coasts)
