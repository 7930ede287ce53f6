"""Tracklets of one object joined: the end of one to the start of a later one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from sightline.geometry import xyxy_to_cxcywh
from sightline.tracker.offline.camera import compose, invert, warp
from sightline.tracker.offline.table import Timeline, TrackTable

__all__ = ["assign_exactly", "link_tracklets"]

# The velocity at an end is fitted over this time; a shorter tracklet has none of its own.
_VELOCITY_WINDOW = 0.5
_VELOCITY_SPAN = 0.1
# People stop and turn: an extrapolated velocity fades with this time constant.
_VELOCITY_FADE = 1.0


def link_tracklets(
    table: TrackTable,
    timeline: Timeline,
    *,
    max_gap: float,
    max_shift: float,
    max_growth: float,
    max_appearance_gap: float,
    max_appearance_distance: float,
    max_speed: float,
) -> TrackTable:
    """Give tracklets that belong together the id of the earliest.

    A pair is a candidate when the later tracklet starts after the earlier one has ended, its box
    is where the motion of both predicts it, and its size agrees; with looks also when it
    looks alike, and then after longer gaps and from further away. Of all sets of pairs in which
    every end and every start occurs at most once, the one with the smallest total cost is taken,
    an end that stays open costing 1.

    Args:
        table: Finished tracks; its looks are used where both tracklets have some.
        timeline: The frames that they were made from.
        max_gap: Gap in seconds from which motion alone bridges nothing.
        max_shift: Largest distance from the predicted centre, in heights, for the shortest gap;
            it falls to 0 at `max_gap`.
        max_growth: Largest ratio between the heights (and widths) of the two ends.
        max_appearance_gap: Longest gap in seconds that appearance bridges.
        max_appearance_distance: Largest distance of the looks, in limits.
        max_speed: What is added to `max_shift` for each second of a gap that appearance bridges,
            in heights a second.

    Returns:
        The same rows, ordered by frame; only ids differ.
    """
    table = table.by_track()
    ends = _describe(table, timeline)
    longest = max_gap if table.looks is None else max(max_gap, max_appearance_gap)
    earlier, later = _following(ends, longest)
    gaps = ends.start_times[later] - ends.stop_times[earlier]
    shifts, growths = _motion_errors(ends, timeline, earlier, later, gaps)
    own = table.ids[ends.rows[:-1]]
    distances = np.full(len(gaps), np.nan)
    if table.looks is not None:
        distances = table.looks.distances(own[earlier], own[later])
    known = np.isfinite(distances)
    # The longer the gap, the more others could have come to that place: motion alone has to be
    # more exact, and is nothing after max_gap. A look leaves people time to walk.
    tolerances = np.where(known, max_shift + max_speed * gaps, max_shift * (1 - gaps / max_gap))
    allowed = (growths <= max_growth) & (ends.classes[earlier] == ends.classes[later])
    allowed &= (gaps < np.where(known, max_appearance_gap, max_gap)) & (shifts < tolerances)
    allowed &= ~known | (distances < max_appearance_distance)
    costs = np.full(len(gaps), np.inf)
    np.divide(shifts, tolerances, out=costs, where=allowed)
    costs[known] = (costs[known] + distances[known] / max_appearance_distance) / 2
    pairs = np.flatnonzero(allowed)
    chosen = pairs[assign_exactly(earlier[pairs], later[pairs], costs[pairs])]
    merged = _merged_ids(ends, own, earlier[chosen], later[chosen])
    looks = table.looks and table.looks.renamed(
        dict(zip(own.tolist(), merged.tolist(), strict=True))
    )
    ids = np.repeat(merged, np.diff(ends.rows))
    return replace(table, ids=ids, looks=looks).by_frame()


def assign_exactly(
    rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], costs: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """The pairs of the cheapest assignment in which a row that stays alone costs 1.

    Args:
        rows: (P,) row of each allowed pair.
        columns: (P,) column of each allowed pair.
        costs: (P,) cost of each, below 1.

    Returns:
        Indices of the pairs that are taken, increasing; each row and column at most once.

    Example:
        >>> assign_exactly(np.array([0, 0, 1]), np.array([0, 1, 0]), np.array([0.1, 0.3, 0.2]))
        array([1, 2])
    """
    if not len(rows):
        return np.empty(0, np.int64)
    height, width = int(rows.max()) + 1, int(columns.max()) + 1
    graph = coo_array((np.ones(len(rows)), (rows, height + columns)), shape=(height + width,) * 2)
    labels = connected_components(graph, directed=False)[1][rows]
    order = np.argsort(labels, kind="stable")
    taken = []
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        own_rows, row_of = np.unique(rows[members], return_inverse=True)
        own_columns, column_of = np.unique(columns[members], return_inverse=True)
        gains = np.zeros((len(own_rows), len(own_columns)))
        index = np.full(gains.shape, -1)
        gains[row_of, column_of] = 1 - costs[members]
        index[row_of, column_of] = members
        taken.append(index[linear_sum_assignment(gains, maximize=True)])
    pairs = np.concatenate(taken)
    return np.sort(pairs[pairs >= 0])


@dataclass(frozen=True, slots=True, eq=False)
class _Ends:
    """Both ends of each of K tracklets.

    Args:
        rows: (K + 1,) first row of each tracklet.
        start_times: (K,) seconds.
        stop_times: (K,) seconds.
        start_places: (K,) place of the first frame in the timeline.
        stop_places: (K,) place of the last frame.
        starts: (K, 4) centre and size of the first box.
        stops: (K, 4) of the last box.
        start_velocities: (K, 2) pixels a second of the centre; NaN where too short to tell.
        stop_velocities: (K, 2).
        classes: (K,) the class that most rows have.
    """

    rows: npt.NDArray[np.int64]
    start_times: npt.NDArray[np.float64]
    stop_times: npt.NDArray[np.float64]
    start_places: npt.NDArray[np.int64]
    stop_places: npt.NDArray[np.int64]
    starts: npt.NDArray[np.float64]
    stops: npt.NDArray[np.float64]
    start_velocities: npt.NDArray[np.float64]
    stop_velocities: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]


def _describe(table: TrackTable, timeline: Timeline) -> _Ends:
    places = timeline.positions(table)
    rows = table.track_starts()
    first, last = rows[:-1], rows[1:] - 1
    states = xyxy_to_cxcywh(table.boxes)
    count = len(first)
    start_velocities, stop_velocities = np.empty((count, 2)), np.empty((count, 2))
    classes = np.empty(count, np.int64)
    for k, (start, stop) in enumerate(zip(first.tolist(), rows[1:].tolist(), strict=True)):
        times = table.times[start:stop]
        head = slice(
            start, start + int(np.searchsorted(times, times[0] + _VELOCITY_WINDOW, "right"))
        )
        tail = slice(start + int(np.searchsorted(times, times[-1] - _VELOCITY_WINDOW)), stop)
        start_velocities[k] = _velocity(states, table.times, places, timeline, head, start)
        stop_velocities[k] = _velocity(states, table.times, places, timeline, tail, stop - 1)
        classes[k] = np.bincount(np.maximum(table.classes[start:stop], 0)).argmax()
    return _Ends(
        rows,
        table.times[first],
        table.times[last],
        places[first],
        places[last],
        states[first],
        states[last],
        start_velocities,
        stop_velocities,
        classes,
    )


def _velocity(
    states: npt.NDArray[np.float64],
    times: npt.NDArray[np.float64],
    places: npt.NDArray[np.int64],
    timeline: Timeline,
    rows: slice,
    seen_from: int,
) -> npt.NDArray[np.float64]:
    """Least-squares velocity of the centre over some rows, in the view of the frame of one."""
    span, clock = places[rows], times[rows]
    if clock[-1] - clock[0] < _VELOCITY_SPAN:
        return np.full(2, np.nan)
    motion = compose(timeline.camera_motion, int(span[0]), int(span[-1]))
    centres = warp(
        warp(states[rows], invert(motion[span - span[0]])), motion[places[seen_from] - span[0]]
    )
    clock = clock - clock.mean()
    velocity: npt.NDArray[np.float64] = clock @ centres[:, :2] / (clock @ clock)
    return velocity


def _following(ends: _Ends, max_gap: float) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Pairs of tracklets of which the second starts within some seconds after the first's end."""
    order = np.argsort(ends.start_times, kind="stable")
    sorted_starts = ends.start_times[order]
    low = np.searchsorted(sorted_starts, ends.stop_times, "right")
    high = np.searchsorted(sorted_starts, ends.stop_times + max_gap, "right")
    earlier = np.repeat(np.arange(len(order)), high - low)
    later = [order[a:b] for a, b in zip(low.tolist(), high.tolist(), strict=True)]
    return earlier, np.concatenate([np.empty(0, np.int64), *later])


def _motion_errors(
    ends: _Ends,
    timeline: Timeline,
    earlier: npt.NDArray[np.int64],
    later: npt.NDArray[np.int64],
    gaps: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """How far motion misses, in heights (mean of forwards and backwards), and the sizes' ratio."""
    view = np.zeros((len(earlier), 2, 3))
    for k, (i, j) in enumerate(zip(earlier.tolist(), later.tolist(), strict=True)):
        first, last = int(ends.stop_places[i]), int(ends.start_places[j])
        view[k] = compose(timeline.camera_motion, first, last)[-1]
    stops = warp(ends.stops[earlier], view)
    starts = ends.starts[later]
    before = np.einsum("nij,nj->ni", view[..., :2], ends.stop_velocities[earlier])
    after = ends.start_velocities[later]
    before, after = (
        np.nan_to_num(np.where(np.isnan(own), other, own))
        for own, other in ((before, after), (after, before))
    )
    reach = _VELOCITY_FADE * (1 - np.exp(-gaps / _VELOCITY_FADE))[:, None]
    moved = starts[:, :2] - stops[:, :2]
    errors = [np.linalg.norm(moved - velocity * reach, axis=1) for velocity in (before, after)]
    heights = np.sqrt(np.maximum(starts[:, 3] * stops[:, 3], 1e-9))
    ratios = np.maximum(starts[:, 2:], 1e-6) / np.maximum(stops[:, 2:], 1e-6)
    growth = np.exp(np.abs(np.log(ratios)).max(axis=1, initial=0))
    return (errors[0] + errors[1]) / 2 / heights, growth


def _merged_ids(
    ends: _Ends,
    ids: npt.NDArray[np.int64],
    earlier: npt.NDArray[np.int64],
    later: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """The id of each tracklet when every linked one takes the id of the one before it."""
    own = ids.copy()
    # In order of time, so that an id passes along a chain of links.
    for pair in np.argsort(ends.start_times[later], kind="stable").tolist():
        own[later[pair]] = own[earlier[pair]]
    return own
