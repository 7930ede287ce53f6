"""How many were there, and for how long, in stretches of time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.service.store.presence import Stay

__all__ = ["Presence", "presence_of"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Presence:
    """Who was in a picture or zone during one stretch.

    Args:
        start: UNIX seconds of its beginning.
        stream: Identifier of the stream.
        zone: Identifier of the zone; empty for the picture as a whole.
        came: How many came in it.
        left: How many left in it.
        stayed: Seconds that those who left had stayed, together.
        seconds: Seconds of presence in it, of all together.
        peak: Most who were there at one moment.
    """

    start: float
    stream: str
    zone: str
    came: int
    left: int
    stayed: float
    seconds: float
    peak: int


def presence_of(stays: Iterable[Stay], edges: Floats) -> list[Presence]:
    """Presence in the stretches between `edges`, by time, stream and zone; empty ones left out.

    Args:
        stays: Every stay that touches them.
        edges: (B + 1,) UNIX seconds, ascending.
    """
    places: dict[tuple[str, str], list[Stay]] = defaultdict(list)
    for stay in stays:
        places[stay.stream, stay.zone].append(stay)
    found = [
        one for (stream, zone), here in places.items() for one in _at(stream, zone, here, edges)
    ]
    return sorted(found, key=lambda one: (one.start, one.stream, one.zone))


def _at(stream: str, zone: str, stays: list[Stay], edges: Floats) -> list[Presence]:
    begins = np.array([stay.begin for stay in stays])
    ends = np.array([stay.end for stay in stays])
    over = np.array([stay.over for stay in stays])
    came = np.histogram(begins, _half_open(edges))[0]
    left = np.histogram(ends[over], _half_open(edges))[0]
    stayed = np.histogram(ends[over], _half_open(edges), weights=(ends - begins)[over])[0]
    seconds = np.diff(_elapsed(begins, edges) - _elapsed(ends, edges))
    peaks = _peaks(begins, ends, edges)
    return [
        Presence(
            float(edges[place]),
            stream,
            zone,
            int(came[place]),
            int(left[place]),
            float(stayed[place]),
            float(max(seconds[place], 0.0)),
            int(peaks[place]),
        )
        for place in range(len(edges) - 1)
        if came[place] or left[place] or peaks[place]
    ]


def _half_open(edges: Floats) -> Floats:
    """Edges of which the last stretch leaves out its end, too, as NumPy's histogram does not."""
    return np.append(edges[:-1], np.nextafter(edges[-1], -np.inf))


def _elapsed(times: Floats, moments: Floats) -> Floats:
    """(B + 1,) sum over `times` of the seconds from each to a moment, if it lies before it."""
    ordered = np.sort(times)
    sums = np.concatenate([[0.0], np.cumsum(ordered)])
    before = np.searchsorted(ordered, moments)
    elapsed: Floats = before * moments - sums[before]
    return elapsed


def _peaks(begins: Floats, ends: Floats, edges: Floats) -> Ints:
    """(B,) most who were there at one moment of each stretch; who leaves is gone at that time."""
    times = np.concatenate([ends, begins])
    steps = np.concatenate([np.full(len(ends), -1), np.ones(len(begins), np.int64)])
    order = np.lexsort((_ranks(begins, ends), times))
    times, there = times[order], np.concatenate([[0], np.cumsum(steps[order])])
    lasting = np.sort(ends[ends > begins])
    leaving = np.searchsorted(lasting, edges, "right") - np.searchsorted(lasting, edges)
    first = np.searchsorted(times, edges[:-1]) + leaving[:-1]
    behind = np.searchsorted(times, edges[1:])
    return np.array(
        [there[one : max(one, two) + 1].max() for one, two in zip(first, behind, strict=True)],
        np.int64,
    )


def _ranks(begins: Floats, ends: Floats) -> Ints:
    """(2 R,) order of steps of one time: ends, beginnings, then ends of stays of one moment."""
    return np.concatenate([np.where(ends > begins, 0, 2), np.ones(len(begins), np.int64)])
