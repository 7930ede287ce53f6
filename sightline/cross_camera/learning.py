"""The transit graph learnt from what was stored, without anybody's labels.

If a way leads from one camera to another, the times between those who leave there and those who
look like them and come here pile up at what the walk takes, while for strangers they are spread
evenly (Makris, Ellis and Black, "Bridging the gaps between cameras", 2004). Looks are calibrated
by surely different people: those who are seen by two cameras at once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sightline.cross_camera.association import Link, associate, candidates
from sightline.cross_camera.evidence import Evidence
from sightline.cross_camera.passages import Area, Passage, Passages
from sightline.cross_camera.sightings import Key, Place, Sighting
from sightline.errors import InputError
from sightline.reid.matching import match_score

__all__ = ["SAME_LIKENESS", "Learning", "Learnt", "calibrate_looks", "learn_passages"]

_GATE = 5.0
"""Mean deviations from the typical time that a passage admits: 99.3 % of a Laplace distribution."""
_LEAST_DEVIATION = 0.25
_STRANGERS = 50
_LEAST_WIDTH = 0.05
SAME_LIKENESS = 0.64
"""Likeness of a person's tracks at two cameras by `sightline-reid`: the median of 44 crossings in
five unlabelled clips, each cut into two views in several ways."""

_CHANCE = 3.0
"""How many times more pairs than by chance make a way."""


@dataclass(frozen=True, slots=True)
class Learning:
    """What is searched for.

    Args:
        shortest: Least seconds between two cameras; below 0 where pictures overlap.
        longest: Most seconds.
        least_links: People who have to have gone a way before it is believed.
        margin: How far beyond the places that were seen an area reaches, in 0…1.
        rounds: How often the ways that were found are used to find who went them.

    Raises:
        InputError: The times are not in order, or a number is out of its range.
    """

    shortest: float = 0.0
    longest: float = 120.0
    least_links: int = 5
    margin: float = 0.1
    rounds: int = 3

    def __post_init__(self) -> None:
        if not self.shortest < self.longest:
            raise InputError(
                f"learning: expected shortest < longest, got {self.shortest} and {self.longest} s"
            )
        if self.least_links < 2 or self.rounds < 1 or not 0 <= self.margin <= 1:
            raise InputError("learning: at least 2 links and 1 round, and a margin in 0…1")


@dataclass(frozen=True, slots=True)
class Learnt:
    """A way that was found.

    Args:
        passage: The way.
        links: People who went it, as far as was seen.
        chance: Pairs that would have been found there if nobody went that way.
    """

    passage: Passage
    links: int
    chance: float


def learn_passages(
    sightings: Collection[Sighting], evidence: Evidence, learning: Learning | None = None
) -> list[Learnt]:
    """Find which camera leads to which, in what time and from where to where.

    Args:
        sightings: Tracks of all cameras.
        evidence: How pairs are weighed; its threshold tells who looks alike.
        learning: What is searched for.

    Returns:
        Ways by source and target.
    """
    how = learning or Learning()
    ordered = sorted(sightings, key=lambda sighting: (sighting.begin, sighting.key))
    cameras = sorted({sighting.camera for sighting in ordered})
    chances: dict[tuple[str, str], float] = {}
    ways = []
    for source in cameras:
        for target in cameras:
            if source == target:
                continue
            wide = Passage(source, target, how.shortest, how.longest)
            alike = _mutual_best(ordered, wide, evidence)
            if len(alike) < how.least_links:
                continue
            before = Passage(source, target, how.shortest - how.longest, how.shortest)
            strangers = len(_mutual_best(ordered, before, evidence, reverse=True))
            chances[source, target] = strangers / (how.longest - how.shortest)
            ways.append(_timed(wide, _densest_half([link.seconds for link in alike]), how))
    found: dict[tuple[str, str], list[Link]] = {}
    for _ in range(how.rounds):
        links = associate(ordered, Passages(ways), evidence)
        found = {(way.source, way.target): [] for way in ways}
        for link in links:
            found[link.earlier[0], link.later[0]].append(link)
        by_key = {sighting.key: sighting for sighting in ordered}
        ways = [
            _refined(way, found[way.source, way.target], by_key, how)
            for way in ways
            if len(found[way.source, way.target]) >= how.least_links
        ]
    learnt = [
        Learnt(
            way,
            len(found[way.source, way.target]),
            chances[way.source, way.target] * (way.longest - way.shortest),
        )
        for way in ways
    ]
    return [way for way in learnt if way.links > _CHANCE * way.chance]


def calibrate_looks(
    sightings: Collection[Sighting],
    *,
    likeness: float = SAME_LIKENESS,
    overlapping: bool = False,
) -> Evidence | None:
    """What likeness means at these cameras, told by people who are surely different.

    Different are tracks that are seen at the same time by two cameras, or, where pictures
    overlap, by one camera. Their likeness differs from place to place: seen from above, all look
    much alike. With normal distributions of one width for strangers and for one person, the log
    likelihood ratio is a straight line (linear discriminant), 0 half way between both means.

    Args:
        sightings: Tracks of all cameras.
        likeness: Mean likeness of two tracks of one person.
        overlapping: Whether one person may be seen by two cameras at once.

    Returns:
        Threshold and steepness, or None where there are fewer than 50 such pairs, or strangers are
        as alike as one person's tracks.
    """
    ordered = sorted(sightings, key=lambda sighting: (sighting.begin, sighting.key))
    scores = np.array(
        [
            match_score(one.vectors, other.vectors)
            for one, other in _together(ordered)
            if (one.camera == other.camera) == overlapping
            and one.vectors is not None
            and other.vectors is not None
            and one.network == other.network
            and one.class_name == other.class_name
        ]
    )
    if len(scores) < _STRANGERS or not likeness > scores.mean():
        return None
    width = max(float(scores.std()), _LEAST_WIDTH)
    apart = likeness - float(scores.mean())
    return Evidence(likeness - apart / 2, steepness=apart / width**2 / 10)


def _together(ordered: Sequence[Sighting]) -> Iterator[tuple[Sighting, Sighting]]:
    """Pairs of tracks that were seen at the same time, each once."""
    present: list[Sighting] = []
    for sighting in ordered:
        present = [other for other in present if other.end > sighting.begin]
        for other in present:
            yield other, sighting
        present.append(sighting)


def _mutual_best(
    ordered: Sequence[Sighting], wide: Passage, evidence: Evidence, *, reverse: bool = False
) -> list[Link]:
    """Pairs of a wide gate that look alike, each the other's nearest.

    With `reverse`, times before leaving are asked for: those pairs are of strangers, or of people
    who went the other way round.
    """
    looks = replace(evidence, time=0.0, bias=0.0)
    best: dict[Key, Link] = {}
    nearest: dict[Key, Link] = {}
    pairs = _arrivals_before(ordered, wide) if reverse else candidates(ordered, Passages([wide]))
    for row, column, passage in pairs:
        earlier, later = ordered[row], ordered[column]
        worth = looks.weigh(earlier, later, passage, 1.0)
        if worth <= 0:
            continue
        link = Link(earlier.key, later.key, passage, later.begin - earlier.end, worth)
        for key, table in ((link.earlier, best), (link.later, nearest)):
            if key not in table or worth > table[key].evidence:
                table[key] = link
    return [link for link in best.values() if nearest[link.later] is link]


def _arrivals_before(
    ordered: Sequence[Sighting], wide: Passage
) -> Iterator[tuple[int, int, Passage]]:
    """Pairs in which the later camera was entered before the first was left."""
    sources = [row for row, one in enumerate(ordered) if one.camera == wide.source and one.over]
    targets = [row for row, one in enumerate(ordered) if one.camera == wide.target]
    begins = np.array([ordered[row].begin for row in targets])
    for row in sources:
        end = ordered[row].end
        first = int(np.searchsorted(begins, end + wide.shortest))
        last = int(np.searchsorted(begins, end + wide.longest))
        for column in targets[first:last]:
            yield row, column, wide


def _densest_half(seconds: Sequence[float]) -> npt.NDArray[np.float64]:
    """The shortest stretch that holds half of the times (the shorth)."""
    values = np.sort(np.array(seconds))
    count = len(values) // 2 + 1
    spans = values[count - 1 :] - values[: len(values) - count + 1]
    start = int(spans.argmin())
    return values[start : start + count]


def _timed(wide: Passage, middle: npt.NDArray[np.float64], how: Learning) -> Passage:
    """A way whose time is told by its middle half: half of a Laplace lies within b·ln 2."""
    deviation = max(float(middle[-1] - middle[0]) / (2 * math.log(2)), _LEAST_DEVIATION)
    return _gated(wide, float(np.median(middle)), deviation, how)


def _refined(
    way: Passage, links: Sequence[Link], by_key: dict[Key, Sighting], how: Learning
) -> Passage:
    seconds = np.array([link.seconds for link in links])
    typical = float(np.median(seconds))
    deviation = max(float(np.abs(seconds - typical).mean()), _LEAST_DEVIATION)
    exits = [by_key[link.earlier].exit for link in links]
    entries = [by_key[link.later].entry for link in links]
    areas = replace(way, exit=_around(exits, how.margin), entry=_around(entries, how.margin))
    return _gated(areas, typical, deviation, how)


def _gated(way: Passage, typical: float, deviation: float, how: Learning) -> Passage:
    return replace(
        way,
        shortest=max(typical - _GATE * deviation, how.shortest),
        longest=min(typical + _GATE * deviation, how.longest),
        typical=typical,
        deviation=deviation,
    )


def _around(places: Sequence[Place], margin: float) -> Area:
    """The rectangle around places, wider by a margin and inside the picture."""
    points = np.array(places)
    left, top = np.clip(points.min(axis=0) - margin, 0, 1).round(3).tolist()
    right, bottom = np.clip(points.max(axis=0) + margin, 0, 1).round(3).tolist()
    return ((left, top), (right, top), (right, bottom), (left, bottom))
