"""A scene in arrays: places side by side, scaled to the picture, with the room around them.

Everything is measured in heights of the picture. Columns are the scene's lines, then its zones.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from sightline.service.rules.polygons import (
    Edges,
    area,
    clip_polygon,
    depths,
    line_distances,
    line_shares,
)
from sightline.service.rules.scene import Anchor, Line, Point, Scene, Zone

__all__ = ["Layout", "NeverFiring", "find_never_firing", "never_firing"]

Array = npt.NDArray[np.float64]

# Who draws up to the border means up to the border.
_SNAP = 0.005
# Anchors are held this far inside the picture, so that its border is inside a zone that ends there.
_INSIDE = 1e-6
# A person this small is found by no detector: share of the picture's width and height.
_SMALLEST = (0.01, 0.02)
_NARROWEST = 0.01
_USUAL_ASPECT = 16 / 9
_ANCHORS: dict[Anchor, tuple[float, float]] = {
    "bottom_centre": (0.5, 1.0),
    "centre": (0.5, 0.5),
    "top_centre": (0.5, 0.0),
    "left_centre": (0.0, 0.5),
    "right_centre": (1.0, 0.5),
}


class Layout:
    """The places of a scene for pictures of one shape.

    Args:
        scene: Lines and zones.
        aspect: Width of the picture over its height.
    """

    def __init__(self, scene: Scene, aspect: float) -> None:
        self.aspect = aspect
        self._scale = np.array([aspect, 1.0])
        places: tuple[Line | Zone, ...] = (*scene.lines, *scene.zones)
        self._shares = np.array([_ANCHORS[place.anchor] for place in places]).reshape(-1, 2)
        self.line_count = len(scene.lines)
        ends = [_snapped(line.points) * self._scale for line in scene.lines]
        joined = np.array(ends).reshape(-1, 2, 2)
        self._starts, self._ends = joined[:, 0], joined[:, 1]
        outlines = [_snapped(zone.points) for zone in scene.zones]
        self._edges = Edges(
            [outline * self._scale for outline in outlines], [_on_border(o) for o in outlines]
        )
        self.room = self._room(scene)

    def anchors(self, boxes: Array) -> Array:
        """(T, P, 2) anchor points in 0…1, inside the picture, of boxes (T, 4) in 0…1."""
        corners, sizes = boxes[:, None, :2], boxes[:, None, 2:] - boxes[:, None, :2]
        points: Array = np.clip(corners + self._shares * sizes, _INSIDE, 1 - _INSIDE)
        return points

    def distances(self, anchors: Array) -> Array:
        """(T, P) signed distances of anchors (T, P, 2); above 0 is `in` of a line, or inside."""
        points = anchors * self._scale
        cut = self.line_count
        return np.concatenate(
            [
                line_distances(points[:, :cut], self._starts, self._ends),
                depths(points[:, cut:], self._edges),
            ],
            axis=1,
        )

    def before_lines(self, anchors: Array) -> Array:
        """(T, L) signed distances from the lines alone."""
        return line_distances(anchors * self._scale, self._starts, self._ends)

    def beside_lines(self, points: Array) -> npt.NDArray[np.bool_]:
        """(T, L) whether points (T, L, 2) on the endless lines are between their ends."""
        shares = line_shares(points * self._scale, self._starts, self._ends)
        return (shares >= 0) & (shares <= 1)

    def margins(self, distances: Array, heights: Array, share: float) -> Array:
        """(T, P) distance that a box of `heights` (T,) in 0…1 has to keep on its side."""
        room = np.where(distances > 0, self.room[:, 1], self.room[:, 0])
        return np.minimum(share * heights[:, None], room / 2)

    def _room(self, scene: Scene) -> Array:
        """(P, 2) how far anchors can get from each place: at its negative, its positive side."""
        room = np.full((self.line_count + len(scene.zones), 2), np.inf)
        for number, line in enumerate(scene.lines):
            x1, y1, x2, y2 = _reach(line.anchor)
            corners = np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]])[:, None] * self._scale
            away = line_distances(
                corners, self._starts[number : number + 1], self._ends[number : number + 1]
            )
            room[number] = max(-away.min(), 0.0), max(away.max(), 0.0)
        for number, zone in enumerate(scene.zones, self.line_count):
            outline = _snapped(zone.points) * self._scale
            sides = np.hypot(*(np.roll(outline, -1, axis=0) - outline).T)
            # The largest circle inside a simple polygon has at least this radius.
            room[number, 1] = abs(area(outline)) / sides.sum()
        return room


@dataclass(frozen=True, slots=True)
class NeverFiring:
    """Why a line or zone cannot report anything, or hardly.

    Args:
        place: What it is.
        id: Its identifier.
        reason: `too_short` line; `out_of_reach` of the anchor; no room for the anchor on the left
            or right of a line that runs along the picture's edge.
        message: The same as a sentence that says what to do.
    """

    place: Literal["line", "zone"]
    id: str
    reason: Literal["too_short", "out_of_reach", "no_room_left", "no_room_right"]
    message: str


def never_firing(scene: Scene) -> list[str]:
    """A sentence about each line and zone that cannot report anything; as `find_never_firing`."""
    return [problem.message for problem in find_never_firing(scene)]


def find_never_firing(scene: Scene) -> list[NeverFiring]:
    """The lines and zones that cannot report anything, or hardly, in the scene's order.

    Asked is where the anchor of the smallest visible box can stand while the box is inside the
    picture: for the bottom centre that is all but the upper 2 %.
    """
    layout = Layout(scene, _USUAL_ASPECT)
    return [
        *(problem for number, line in enumerate(scene.lines)
          for problem in _line_problems(line, layout.room[number])),
        *(problem for zone in scene.zones for problem in _zone_problems(zone)),
    ]  # fmt: skip


def _line_problems(line: Line, room: Array) -> Iterator[NeverFiring]:
    step = np.diff(_snapped(line.points), axis=0)[0] * (_USUAL_ASPECT, 1)
    anchor = line.anchor.replace("_", " ")
    if np.hypot(*step) < _NARROWEST:
        problem = "it is shorter than 1 % of the picture's height; draw it longer"
        yield NeverFiring("line", line.id, "too_short", f"line {line.id}: {problem}")
        return
    if not _passes(_snapped(line.points), _reach(line.anchor)):
        problem = f"it lies where the {anchor} of no box inside the picture can be"
        message = f"line {line.id}: {problem}; move it or choose another anchor"
        yield NeverFiring("line", line.id, "out_of_reach", message)
        return
    sides: tuple[tuple[Literal["no_room_left", "no_room_right"], str, float], ...] = (
        ("no_room_left", "left of", room[0]),
        ("no_room_right", "right of", room[1]),
    )
    for reason, side, space in sides:
        if space < _NARROWEST:
            problem = f"it can never count: the {anchor} of a box cannot stand {side} it"
            advice = "the picture ends there; move it into the picture or choose another anchor"
            yield NeverFiring("line", line.id, reason, f"line {line.id}: {problem}, {advice}")


def _zone_problems(zone: Zone) -> Iterator[NeverFiring]:
    reachable = clip_polygon(_snapped(zone.points), _reach(zone.anchor))
    if len(reachable) >= 3 and abs(area(reachable)) >= _NARROWEST**2:
        return
    anchor = zone.anchor.replace("_", " ")
    problem = f"it can never report anything: the {anchor} of a box hardly gets into it"
    message = f"zone {zone.id}: {problem}; make it larger, move it or choose another anchor"
    yield NeverFiring("zone", zone.id, "out_of_reach", message)


def _reach(anchor: Anchor) -> tuple[float, float, float, float]:
    """x1 y1 x2 y2 of the anchors of the smallest box inside the picture."""
    (x, y), (width, height) = _ANCHORS[anchor], _SMALLEST
    return x * width, y * height, 1 - (1 - x) * width, 1 - (1 - y) * height


def _passes(ends: Array, rectangle: tuple[float, float, float, float]) -> bool:
    """Whether a stretch between two points lies inside a rectangle (Liang and Barsky 1984)."""
    low, high = 0.0, 1.0
    start, step = ends[0], ends[1] - ends[0]
    for axis in (0, 1):
        bounds = (rectangle[axis] - start[axis], rectangle[axis + 2] - start[axis])
        if step[axis] == 0:
            if not bounds[0] <= 0 <= bounds[1]:
                return False
            continue
        first, last = sorted(bound / step[axis] for bound in bounds)
        low, high = max(low, first), min(high, last)
    return bool(high > low)


def _snapped(points: Sequence[Point]) -> Array:
    """Corners (C, 2) with those beside the picture's border moved onto it."""
    corners = np.array(points, dtype=np.float64)
    corners[corners <= _SNAP] = 0.0
    corners[corners >= 1 - _SNAP] = 1.0
    return corners


def _on_border(outline: Array) -> npt.NDArray[np.bool_]:
    """(C,) whether the edge after each corner runs along the picture's border."""
    after = np.roll(outline, -1, axis=0)
    along = (outline == after) & ((outline == 0) | (outline == 1))
    on_border: npt.NDArray[np.bool_] = along.any(axis=1)
    return on_border
