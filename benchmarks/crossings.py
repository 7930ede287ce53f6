"""Who really walked from one view to the other, and which joins say so.

The truth is a set of boxes of the whole picture with identities: a ground truth, or tracks of the
uncut clip. A crossing is an identity whose boxes leave one view for the gap and come out of it
in the other one. A join is right if the track that left was that identity's at its end and the
track that came at its beginning.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from split_views import LEFT, RIGHT, Watched, view_span

from sightline.cross_camera import Link, Passages, Sighting
from sightline.cross_camera.sightings import Key
from sightline.formats.mot import MotRows
from sightline.geometry import iou_matrix, ltwh_to_xyxy

__all__ = ["Crossing", "Judgement", "Owners", "find_crossings", "judge", "owners_of"]

_MATCH = 0.5
_SECONDS = 2.0
"""How long before an exit, and after an entry, it is asked who a track shows."""
_LEAST_SEEN = 1.0
"""Seconds that somebody is seen on each side, at least, to count as having crossed."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Somebody who walked from one view into the other.

    Args:
        identity: Who.
        source: View that was left.
        target: View that was entered.
        left: Last frame in the source.
        came: First frame in the target.
    """

    identity: int
    source: str
    target: str
    left: int
    came: int


@dataclass(frozen=True, slots=True)
class Owners:
    """Whom the tracks of both views show.

    Args:
        at_end: By track, the identity of its last seconds; none where it shows nobody.
        at_begin: By track, the identity of its first seconds.
        rows: By view, frame, identity of the truth: the track that shows it there.
    """

    at_end: dict[Key, int]
    at_begin: dict[Key, int]
    rows: dict[tuple[str, int, int], int]


@dataclass(frozen=True, slots=True)
class Judgement:
    """How good joins are.

    Args:
        crossings: People who crossed.
        followed: Crossings with a track on both sides.
        possible: Crossings whose two tracks a passage admits.
        joined: Crossings whose two tracks were joined.
        links: Joins that were made.
        wrong: Joins of two people, or of nobody.
    """

    crossings: int
    followed: int
    possible: int
    joined: int
    links: int
    wrong: int


def find_crossings(truth: MotRows, width: int, rate: float, gap: float) -> list[Crossing]:
    """Everybody who crossed, in the order of identities.

    Somebody is in a view while the middle of the box is.
    """
    (_, inner), (outer, _) = view_span(LEFT, width, gap), view_span(RIGHT, width, gap)
    found = []
    for identity in np.unique(truth.ids).tolist():
        own = truth[truth.ids == identity]
        own = own[np.argsort(own.frames, kind="stable")]
        middle = own.ltwh[:, 0] - 1 + own.ltwh[:, 2] / 2
        sides = np.where(middle < inner, -1, np.where(middle >= outer, 1, 0))
        frames, sides = own.frames[sides != 0], sides[sides != 0]
        changes = np.flatnonzero(np.diff(sides)) + 1
        stays = np.split(np.arange(len(sides)), changes)
        for before, after in pairwise(stays):
            if min(len(before), len(after)) >= _LEAST_SEEN * rate:
                views = (LEFT, RIGHT) if sides[before[0]] < 0 else (RIGHT, LEFT)
                left, came = int(frames[before[-1]]), int(frames[after[0]])
                found.append(Crossing(int(identity), *views, left, came))
    return found


def owners_of(truth: MotRows, views: dict[str, Watched], gap: float) -> Owners:
    """Whom every track of the views shows, by a one-to-one matching of each frame's boxes."""
    at_end: dict[Key, int] = {}
    at_begin: dict[Key, int] = {}
    rows: dict[tuple[str, int, int], int] = {}
    for view, watched in views.items():
        first, last = view_span(view, watched.size[0], gap)
        shown: dict[int, list[tuple[int, int]]] = {}
        for frame in np.unique(watched.rows.frames).tolist():
            own = np.flatnonzero(truth.frames == frame)
            seen = np.flatnonzero(watched.rows.frames == frame)
            corners = _corners(truth, own)
            corners[:, [0, 2]] = np.clip(corners[:, [0, 2]], first, last)
            overlaps = iou_matrix(corners, _corners(watched.rows, seen))
            for row, column in zip(*linear_sum_assignment(overlaps, maximize=True), strict=True):
                if overlaps[row, column] >= _MATCH:
                    identity = int(truth.ids[own[row]])
                    track = int(watched.rows.ids[seen[column]])
                    rows[view, frame, identity] = track
                    shown.setdefault(track, []).append((frame, identity))
        length = round(_SECONDS * watched.rate)
        for track, pairs in shown.items():
            own_frames = watched.rows.frames[watched.rows.ids == track]
            late = [who for frame, who in pairs if frame > own_frames.max() - length]
            early = [who for frame, who in pairs if frame < own_frames.min() + length]
            for place, who in ((at_end, late), (at_begin, early)):
                if who:
                    place[view, track] = Counter(who).most_common(1)[0][0]
    return Owners(at_end, at_begin, rows)


def judge(
    crossings: Sequence[Crossing],
    owners: Owners,
    links: Sequence[Link],
    rate: float,
    sightings: Sequence[Sighting],
    passages: Passages,
) -> Judgement:
    """How many crossings the links join, and how many links are wrong."""
    wrong = 0
    made = set()
    for link in links:
        left, came = owners.at_end.get(link.earlier), owners.at_begin.get(link.later)
        wrong += left is None or left != came
        made.add((link.earlier, link.later))
    by_key = {sighting.key: sighting for sighting in sightings}
    followed = possible = joined = 0
    length = round(_SECONDS * rate)
    for crossing in crossings:
        leaving = range(crossing.left, crossing.left - length, -1)
        coming = range(crossing.came, crossing.came + length)
        before = _track(owners, crossing.source, crossing.identity, leaving)
        after = _track(owners, crossing.target, crossing.identity, coming)
        if before is None or after is None:
            continue
        followed += 1
        possible += any(way.admits(by_key[before], by_key[after]) for way in passages)
        joined += (before, after) in made
    return Judgement(len(crossings), followed, possible, joined, len(links), wrong)


def _track(owners: Owners, view: str, identity: int, frames: range) -> Key | None:
    """The track that shows somebody, in the first of some frames in which one does."""
    for frame in frames:
        if (view, frame, identity) in owners.rows:
            return view, owners.rows[view, frame, identity]
    return None


def _corners(rows: MotRows, chosen: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    boxes: npt.NDArray[np.float64] = ltwh_to_xyxy(rows.ltwh[chosen])
    return boxes - 1
