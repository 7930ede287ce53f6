"""Two people who meet and part: whether the tracks left with the bodies that they came with.

While boxes overlap heavily, a track may go over to the other person. What both looked like before
they met is kept aside; when they have parted, what is seen of each since then is compared with
both memories. If the exchange fits clearly better, the tracks exchange their bodies, so that each
person has the old id again. Once settled, nothing changes until they meet again.
"""

from __future__ import annotations

from typing import Any

from sightline.tracker.appearance import blend
from sightline.tracker.compiling import compiled
from sightline.tracker.gallery import cosine_distance
from sightline.tracker.identity import exchange_bodies, row_of
from sightline.tracker.kalman import box_of
from sightline.tracker.state import BEFORE, LOST, MEAN, SINCE, TRACKED, Floats, State

__all__ = ["note_meetings", "settle_meetings"]

_KNOWN_LOOKS = 3
"""Embeddings that a track must have learned before its looks can be told from another's."""
_GLIMPSES = 3
"""Embeddings since the parting that are needed for a decision."""
_MOST_GLIMPSES = 15
"""Embeddings after which an undecided meeting is left as it is."""
_PATIENCE = 5.0
"""Seconds after the parting for which a meeting stays open."""
_JUST_LOST = 0.5
"""Seconds for which the predicted box of a lost track counts as somebody who is there."""


@compiled
def note_meetings(state: State, time: float, p: Any, boxes: Floats) -> None:
    """Open a meeting for every two tracks of a group that overlap heavily now.

    Args:
        state: The tracks after they learned this update's detections.
        time: Now, in seconds.
        p: The parameters.
        boxes: (T, 4) room for the boxes of all tracks.
    """
    count = state.stream.count
    for row in range(count):
        box_of(state.tracks[row], boxes[row])
    for row in range(count):
        if not _is_there(state.tracks[row], time):
            continue
        for other in range(row):
            if state.tracks[other].group != state.tracks[row].group:
                continue
            is_there = _is_there(state.tracks[other], time)
            if is_there and _share(boxes, row, other) > p.meeting_overlap:
                _meet(state, row, other, time)
                _meet(state, other, row, time)


@compiled
def _is_there(track: Any, time: float) -> bool:
    is_known = track.slot >= 0 and track.looks >= _KNOWN_LOOKS
    is_lost = track.status == LOST and time - track.seen <= _JUST_LOST
    return bool(is_known and (track.status == TRACKED or is_lost))


@compiled
def _share(boxes: Floats, row: int, other: int) -> float:
    """Overlap of two boxes as a share of the smaller one."""
    first, second = boxes[row], boxes[other]
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = (first[2] - first[0]) * (first[3] - first[1])
    other_area = (second[2] - second[0]) * (second[3] - second[1])
    return float(width * height / min(area, other_area))


@compiled
def _meet(state: State, row: int, other: int, time: float) -> None:
    track = state.tracks[row]
    if track.rival == 0:
        state.appearance[track.slot, BEFORE] = state.appearance[track.slot, MEAN]
    track.rival = state.tracks[other].id
    track.parted = time
    track.glimpses = 0


@compiled
def settle_meetings(state: State, time: float, p: Any) -> None:
    """Exchange the bodies of those that parted the wrong way, and close what is decided."""
    for row in range(state.stream.count):
        track = state.tracks[row]
        if track.rival == 0 or track.parted >= time:
            continue
        other = row_of(state, track.rival)
        if other < 0 or state.tracks[other].slot < 0 or time - track.parted > _PATIENCE:
            track.rival = 0
        elif track.status == TRACKED and track.glimpses >= _GLIMPSES:
            _settle(state, row, other, p)


@compiled
def _settle(state: State, row: int, other: int, p: Any) -> None:
    track, rival = state.tracks[row], state.tracks[other]
    kept, exchanged = _misfit(state, track, rival)
    is_mutual = rival.rival == track.id
    if rival.status == TRACKED:
        if not is_mutual or rival.glimpses < _GLIMPSES:
            return
        kept_too, exchanged_too = _misfit(state, rival, track)
        kept = (kept + kept_too) / 2
        exchanged = (exchanged + exchanged_too) / 2
    elif not is_mutual:
        # Without a look of its own from before they met there is nothing to compare with.
        track.rival = 0
        return
    margin = p.meeting_margin * p.appearance_limit
    is_decided = track.glimpses >= _MOST_GLIMPSES or kept <= exchanged - margin
    if exchanged <= kept - margin and exchanged <= p.appearance_limit:
        exchange_bodies(state, row, other)
        _remember_both(state, track, rival)
        is_decided = True
    if is_decided:
        track.rival = 0
        rival.rival = 0


@compiled
def _misfit(state: State, track: Any, rival: Any) -> tuple[float, float]:
    """Distance of what a track shows now from its own former looks and from its rival's."""
    now = state.appearance[track.slot, SINCE]
    return (
        cosine_distance(state.appearance[track.slot, BEFORE], now),
        cosine_distance(state.appearance[rival.slot, BEFORE], now),
    )


@compiled
def _remember_both(state: State, track: Any, rival: Any) -> None:
    """Set the means to what both looked like before and, of the right body, since."""
    for own, other in ((track, rival), (rival, track)):
        mean = state.appearance[own.slot, MEAN]
        mean[:] = state.appearance[own.slot, BEFORE]
        if other.glimpses >= _GLIMPSES:
            blend(mean, state.appearance[other.slot, SINCE], 0.5)
