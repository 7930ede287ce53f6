"""Which track goes on as which: the best one-to-one assignment of exits to entries.

An open set: whoever leaves may never come, and whoever comes may never have been seen. A pair is
taken only where the evidence is above 0, and of all sets of pairs in which every end and every
beginning occurs at most once the one with the most evidence is taken.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from sightline.cross_camera.evidence import Evidence
from sightline.cross_camera.passages import Passage, Passages
from sightline.cross_camera.sightings import Key, Sighting
from sightline.errors import InputError
from sightline.tracker.offline.linking import assign_exactly

__all__ = ["Link", "arrival_rates", "associate", "candidates"]


@dataclass(frozen=True, slots=True)
class Link:
    """A track that goes on as another.

    Args:
        earlier: Camera and number of the track that ended.
        later: Of the one that began.
        passage: The way between them.
        seconds: Time between the end and the beginning.
        evidence: Log odds that they are of one person.
    """

    earlier: Key
    later: Key
    passage: Passage
    seconds: float
    evidence: float


def associate(
    sightings: Collection[Sighting],
    passages: Passages,
    evidence: Evidence,
    *,
    left: Collection[Key] = (),
    entered: Collection[Key] = (),
) -> list[Link]:
    """Join tracks of different cameras.

    The result does not depend on the order in which the sightings are given.

    Args:
        sightings: Tracks of all cameras, those of a time that holds the longest passage.
        passages: Which camera leads to which.
        evidence: How pairs are weighed.
        left: Tracks whose end is joined already.
        entered: Tracks whose beginning is joined already.

    Returns:
        Links by the time of entry. Every track is at most once the earlier and once the later.

    Raises:
        InputError: Two sightings have the same camera and number, or two vectors of one network
            have different lengths.
    """
    ordered = sorted(sightings, key=lambda sighting: (sighting.begin, sighting.key))
    keys = [sighting.key for sighting in ordered]
    if len(set(keys)) < len(keys):
        double = next(key for key in keys if keys.count(key) > 1)
        raise InputError(f"{double[0]}:{double[1]} is there twice; a track is one sighting")
    taken, given = set(left), set(entered)
    arrivals = arrival_rates(ordered, passages)
    rows, columns, links = [], [], []
    for row, column, passage in candidates(ordered, passages):
        earlier, later = ordered[row], ordered[column]
        if earlier.key in taken or later.key in given:
            continue
        worth = evidence.weigh(earlier, later, passage, arrivals[passage])
        if worth > 0:
            rows.append(row)
            columns.append(column)
            seconds = later.begin - earlier.end
            links.append(Link(earlier.key, later.key, passage, seconds, worth))
    gains = np.array([link.evidence for link in links])
    chosen = assign_exactly(np.array(rows, np.int64), np.array(columns, np.int64), 1 - gains)
    place = {key: number for number, key in enumerate(keys)}
    return sorted((links[index] for index in chosen), key=lambda link: place[link.later])


def arrival_rates(ordered: Sequence[Sighting], passages: Passages) -> dict[Passage, float]:
    """How many strangers come a second where each way ends: people who did not go it.

    Counted are arrivals at times at which nobody can be under way, drawn towards the rate of all
    arrivals where such times are short.

    Args:
        ordered: Sightings by the time at which they begin.
        passages: The ways.
    """
    if not ordered:
        return dict.fromkeys(passages, 1 / _LEAST_SPAN)
    first = ordered[0].begin
    last = max(max(one.end for one in ordered), first + _LEAST_SPAN)
    by_camera: dict[str, list[Sighting]] = {}
    for one in ordered:
        by_camera.setdefault(one.camera, []).append(one)
    rates = {}
    for way in passages:
        under_way = _merged(
            [
                (max(one.end + way.shortest, first), min(one.end + way.longest, last))
                for one in by_camera.get(way.source, ())
                if one.over and way.is_left_by(one)
            ]
        )
        arrived = by_camera.get(way.target, ())
        times = [one.begin for one in arrived if way.is_entered_by(one)]
        starts = [start for start, _ in under_way]
        strangers = sum(not _covers(under_way, starts, time) for time in times)
        quiet = last - first - sum(stop - start for start, stop in under_way)
        rates[way] = (strangers + 1) / (max(quiet, 0.0) + (last - first) / max(len(times), 1))
    return rates


def candidates(
    ordered: Sequence[Sighting], passages: Passages
) -> Iterator[tuple[int, int, Passage]]:
    """Pairs of tracks that a passage admits: places of the earlier and the later, and the way.

    Where several ways between two cameras admit a pair, the first of them is named.

    Args:
        ordered: Sightings by the time at which they begin.
        passages: Which camera leads to which.
    """
    exits: dict[str, list[int]] = {}
    for place in sorted(range(len(ordered)), key=lambda index: ordered[index].end):
        exits.setdefault(ordered[place].camera, []).append(place)
    ends = {camera: [ordered[place].end for place in own] for camera, own in exits.items()}
    for column, later in enumerate(ordered):
        seen: set[int] = set()
        for passage in passages.to(later.camera):
            times = ends.get(passage.source, [])
            first = bisect_left(times, later.begin - passage.longest - _ROUNDING)
            last = bisect_right(times, later.begin - passage.shortest + _ROUNDING)
            for row in exits.get(passage.source, [])[first:last]:
                if row not in seen and passage.admits(ordered[row], later):
                    seen.add(row)
                    yield row, column, passage


def _merged(spans: Collection[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches of time without overlaps, in order; empty ones are left out."""
    merged: list[tuple[float, float]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        elif start < stop:
            merged.append((start, stop))
    return merged


def _covers(spans: Sequence[tuple[float, float]], starts: Sequence[float], time: float) -> bool:
    place = bisect_right(starts, time) - 1
    return place >= 0 and time <= spans[place][1]


_LEAST_SPAN = 30.0
"""Seconds over which arrivals are counted, at least."""

_ROUNDING = 1e-6
"""Seconds by which the search is wider than the gate, which `Passage.admits` alone decides."""
