"""Tracks of overlapping segments made one by the boxes that they share in the overlap.

Looks have their say before: the earlier segment is tracked on behind the seam for as long as its
tracker takes anybody back, so that it is the tracker, with all that it knows, who decides whether
somebody is the person who was lost before the seam.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.geometry import iou_matrix
from sightline.pipeline import Summary
from sightline.recording.offline import Tracked
from sightline.tracker.offline import Looks, Timeline, TrackTable
from sightline.tracker.offline.linking import assign_exactly

__all__ = ["stitch"]

_SAME_BOX = 0.7
"""IoU from which the boxes of two segments in one frame are of one object: both were made from the
same detections, and differ by what their trackers knew before."""

Ids = Mapping[int, int]


def stitch(parts: Sequence[Tracked], seams: Sequence[float]) -> Tracked:
    """Join the segments of a recording.

    Each frame's tracks come from the segment in whose stretch it lies. A later segment's track
    takes the id of the earlier one's with which it shares boxes in the overlap, most of all near
    the seam; which takes whose is solved exactly. What is left over joins an id whose boxes it
    shares as well, if it is never seen beside it. All others get new ids.

    Args:
        parts: The segments in order, each beginning before its seam and ending after the next.
        seams: (len(parts) - 1) seconds of stream time.

    Raises:
        StateError: Two segments do not see the same frames where they overlap.
    """
    pairs = zip(pairwise(parts), seams, strict=True)
    cuts = [_cut(before, after, seam) for (before, after), seam in pairs]
    ends = [*cuts, None]
    previous = parts[0].table
    kept = [_between(previous, 0, ends[0])]
    looks = [] if previous.looks is None else [previous.looks]
    known = int(previous.ids.max(initial=0))
    for place, part in enumerate(parts[1:], start=1):
        cut = cuts[place - 1]
        ids = _same_boxes(previous, part, cut, seams[place - 1])
        for own in np.unique(part.table.ids[part.table.frames >= cut]).tolist():
            if own not in ids:
                known += 1
                ids[own] = known
        previous = _renamed(part.table, ids)
        kept.append(_between(previous, cut, ends[place]))
        if previous.looks is not None:
            looks.append(previous.looks)
    table = replace(TrackTable.concatenate(kept), looks=Looks.merged(looks))
    timeline = _timeline(parts, cuts)
    return Tracked(table, timeline, _summary(parts, table, timeline))


def _cut(before: Tracked, after: Tracked, seam: float) -> int:
    """The first frame that is the later segment's; both have to have seen the same ones around."""
    first, last = after.timeline.frames[:1], before.timeline.frames[-1:]
    if not len(first) or not len(last) or first[0] > last[0]:
        raise StateError("two segments of the video do not overlap")
    earlier, later = before.timeline.frames >= first[0], after.timeline.frames <= last[0]
    same = np.array_equal(before.timeline.frames[earlier], after.timeline.frames[later])
    if not same or not np.array_equal(before.timeline.times[earlier], after.timeline.times[later]):
        raise StateError("two segments of the video number its frames differently")
    place = int(np.searchsorted(after.timeline.times, seam))
    return int(after.timeline.frames[min(place, int(later.sum()) - 1)])


def _same_boxes(before: TrackTable, after: Tracked, cut: int, seam: float) -> dict[int, int]:
    """Ids of the earlier segment by those of the later one that share boxes with them."""
    table = after.table
    shared = before.frames >= after.timeline.frames[0]
    earlier = _having(before, shared, before.frames < cut)
    later = _having(table, table.frames <= before.frames.max(initial=-1), table.frames >= cut)
    agreement: dict[tuple[int, int], float] = {}
    for frame in np.intersect1d(earlier.frames, later.frames).tolist():
        one, other = _between(earlier, frame, frame + 1), _between(later, frame, frame + 1)
        weight = 1 / (1 + abs(float(one.times[0]) - seam))
        for i, j in np.argwhere(iou_matrix(one.boxes, other.boxes) >= _SAME_BOX).tolist():
            pair = (int(one.ids[i]), int(other.ids[j]))
            agreement[pair] = agreement.get(pair, 0.0) + weight
    if not agreement:
        return {}
    first, second = np.array(list(agreement), np.int64).T
    votes = np.array(list(agreement.values()))
    rows, columns = (np.unique(ids, return_inverse=True)[1] for ids in (first, second))
    chosen = assign_exactly(
        rows.astype(np.int64), columns.astype(np.int64), 1 - votes / (votes.max() + 1)
    )
    same = dict(zip(second[chosen].tolist(), first[chosen].tolist(), strict=True))
    for pair in np.argsort(-votes, kind="stable").tolist():
        track, own = int(first[pair]), int(second[pair])
        beside = [known for known, its in same.items() if its == track]
        if own not in same and not _seen_together(table, own, beside):
            same[own] = track
    return same


def _seen_together(table: TrackTable, track: int, others: Sequence[int]) -> bool:
    own = table.frames[table.ids == track]
    theirs = table.frames[np.isin(table.ids, others)]
    return bool(np.isin(own, theirs).any())


def _having(
    table: TrackTable, wanted: npt.NDArray[np.bool_], needed: npt.NDArray[np.bool_]
) -> TrackTable:
    """Some rows of a table, of the tracks that have certain others."""
    return table[wanted & np.isin(table.ids, table.ids[needed])]


def _between(table: TrackTable, first: int, end: int | None) -> TrackTable:
    low = int(np.searchsorted(table.frames, first))
    high = len(table) if end is None else int(np.searchsorted(table.frames, end))
    return table[low:high]


def _renamed(table: TrackTable, ids: Ids) -> TrackTable:
    """With the ids of the whole; tracks that ended before the cut are left out."""
    table = table[np.isin(table.ids, list(ids))]
    looks = table.looks
    if looks is not None:
        own = {track: vectors for track, vectors in looks.exemplars.items() if track in ids}
        looks = replace(looks, exemplars=own).renamed(ids)
    renamed = np.array([ids[track] for track in table.ids.tolist()], np.int64)
    return replace(table, ids=renamed, looks=looks)


def _timeline(parts: Sequence[Tracked], cuts: Sequence[int]) -> Timeline:
    frames, times, motions = [], [], []
    firsts, ends = [None, *cuts], [*cuts, None]
    for part, first, end in zip(parts, firsts, ends, strict=True):
        own = part.timeline
        low = 0 if first is None else int(np.searchsorted(own.frames, first))
        high = len(own.frames) if end is None else int(np.searchsorted(own.frames, end))
        frames.append(own.frames[low:high])
        times.append(own.times[low:high])
        if own.camera_motion is not None:
            motions.append(own.camera_motion[low:high])
    return Timeline(
        np.concatenate(frames),
        np.concatenate(times),
        np.concatenate(motions) if motions else None,
    )


def _summary(parts: Sequence[Tracked], table: TrackTable, timeline: Timeline) -> Summary:
    summaries = [part.summary for part in parts]
    timings: dict[str, float] = {}
    for own in summaries:
        for stage, seconds in own.stage_seconds.items():
            timings[stage] = timings.get(stage, 0.0) + seconds
    return Summary(
        frames=len(timeline.frames),
        skipped=sum(own.skipped for own in summaries),
        tracks=len(np.unique(table.ids)),
        seconds=sum(own.seconds for own in summaries),
        stage_seconds=timings,
        warnings=list(dict.fromkeys(text for own in summaries for text in own.warnings)),
    )
