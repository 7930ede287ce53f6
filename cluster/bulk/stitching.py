"""Tracks of overlapping segments made one: by where they overlap, then by what they look like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.geometry import iou_matrix, xyxy_to_cxcywh
from sightline.pipeline import Summary
from sightline.recording.offline import Tracked
from sightline.tracker.offline import Looks, Timeline, TrackTable
from sightline.tracker.offline.linking import assign_exactly

__all__ = ["stitch"]

_SAME_BOX = 0.7
"""IoU from which the boxes of two segments in one frame are of one object: both were made from the
same detections, and differ by what their trackers knew before."""

# As `link_tracklets` bridges a gap by looks.
_LARGEST_DISTANCE = 0.7
_LARGEST_SHIFT = 0.2
_LARGEST_SPEED = 0.8

Ids = Mapping[int, int]


def stitch(parts: Sequence[Tracked], seams: Sequence[float], *, patience: float) -> Tracked:
    """Join the segments of a recording.

    Each frame's tracks come from the segment in whose stretch it lies. A later segment's track
    takes the id of the earlier one's whose boxes it shares in the overlap, most of all near the
    seam; of those that share none, people who were lost before the seam and seen after it are known
    by their looks. Both are solved exactly. All others get new ids.

    Args:
        parts: The segments in order, each beginning before its seam and ending after the next.
        seams: (len(parts) - 1) seconds of stream time.
        patience: Seconds after which nobody is taken back by looks.

    Raises:
        StateError: Two segments do not see the same frames where they overlap.
    """
    pairs = zip(pairwise(parts), seams, strict=True)
    cuts = [_cut(before, after, seam) for (before, after), seam in pairs]
    previous = parts[0].table
    ends = [*cuts, None]
    kept = [_between(previous, 0, ends[0])]
    looks = [] if previous.looks is None else [previous.looks]
    known = int(previous.ids.max(initial=0))
    for place, part in enumerate(parts[1:], start=1):
        cut = cuts[place - 1]
        ids = _same_boxes(previous, part, cut, seams[place - 1])
        ids |= _same_looks(previous, part.table, cut, ids, patience)
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
    return _assigned(first, second, 1 - votes / (votes.max() + 1))


def _same_looks(
    before: TrackTable, after: TrackTable, cut: int, known: Ids, patience: float
) -> dict[int, int]:
    """The same for those who were lost before the cut and came back after it."""
    if before.looks is None or after.looks is None:
        return {}
    lost, found = _ends(before, -1), _ends(after, 0)
    missed = np.isin(lost.ids, before.ids[before.frames < cut])
    lost = lost[missed & ~np.isin(lost.ids, list(known.values()))]
    new = np.isin(found.ids, after.ids[after.frames >= cut])
    found = found[new & ~np.isin(found.ids, list(known))]
    first, second = np.nonzero(
        (lost.times[:, None] < found.times) & (found.times < lost.times[:, None] + patience)
    )
    gaps = found.times[second] - lost.times[first]
    shifts = np.linalg.norm(found.states[second, :2] - lost.states[first, :2], axis=1)
    heights = np.sqrt(np.maximum(found.states[second, 3] * lost.states[first, 3], 1e-9))
    allowance = _LARGEST_SHIFT + _LARGEST_SPEED * gaps
    near = shifts / heights < allowance
    distances = np.full(len(near), np.nan)
    # The two segments number their tracks independently.
    away = int(before.ids.max(initial=0)) + 1
    theirs = after.looks.renamed({track: track + away for track in after.looks.exemplars})
    both = Looks.merged([before.looks, theirs])
    assert both is not None
    distances[near] = both.distances(lost.ids[first[near]], found.ids[second[near]] + away)
    near &= distances < _LARGEST_DISTANCE  # False where one has no exemplar
    costs = (shifts / heights / allowance + distances / _LARGEST_DISTANCE) / 2
    return _assigned(lost.ids[first[near]], found.ids[second[near]], costs[near])


def _assigned(
    first: npt.NDArray[np.int64], second: npt.NDArray[np.int64], costs: npt.NDArray[np.float64]
) -> dict[int, int]:
    rows, columns = (np.unique(ids, return_inverse=True)[1] for ids in (first, second))
    chosen = assign_exactly(rows.astype(np.int64), columns.astype(np.int64), costs)
    return dict(zip(second[chosen].tolist(), first[chosen].tolist(), strict=True))


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """One row of each of K tracks: (K,) ids and times, (K, 4) centres and sizes."""

    ids: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    states: npt.NDArray[np.float64]

    def __getitem__(self, rows: npt.NDArray[np.bool_]) -> _Ends:
        return _Ends(self.ids[rows], self.times[rows], self.states[rows])


def _ends(table: TrackTable, place: int) -> _Ends:
    """The first (0) or last (-1) row of each track."""
    ordered = table.by_track()
    starts = ordered.track_starts()
    rows = starts[:-1] if place == 0 else starts[1:] - 1
    return _Ends(ordered.ids[rows], ordered.times[rows], xyxy_to_cxcywh(ordered.boxes[rows]))


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
