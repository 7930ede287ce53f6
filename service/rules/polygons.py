"""Plane geometry of zones and lines: simple polygons, signed distances, areas.

Distances are positive inside a polygon and at the right hand of a line (y points down).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "Edges",
    "area",
    "check_polygon",
    "clip_polygon",
    "depths",
    "line_distances",
    "line_shares",
]

Points = npt.NDArray[np.float64]
Rectangle = tuple[float, float, float, float]

_SMALLEST_AREA = 1e-6


def check_polygon(points: Sequence[tuple[float, float]]) -> None:
    """Refuse what is no simple polygon.

    Raises:
        ValueError: A corner repeats, edges touch or cross, or there is no area; names the corners
            by their number from 1.
    """
    count = len(points)
    for number in range(count):
        if points[number] == points[number - 1]:
            first = (number - 1) % count + 1
            raise ValueError(
                f"corners {first} and {number + 1} are the same point; the area closes by itself"
            )
    for one in range(count):
        for two in range(one + 1, count):
            if _edges_touch(points, one, two):
                raise ValueError(
                    f"the edges after corners {one + 1} and {two + 1} touch or cross; give the "
                    "corners in their order along the outline"
                )
    if abs(area(np.array(points))) < _SMALLEST_AREA:
        raise ValueError("the corners enclose no area")


def area(points: Points) -> float:
    """Signed area of a polygon (C, 2): positive clockwise on the screen (shoelace formula)."""
    after = np.roll(points, -1, axis=0)
    return float((points[:, 0] * after[:, 1] - points[:, 1] * after[:, 0]).sum() / 2)


def clip_polygon(points: Points, rectangle: Rectangle) -> Points:
    """The part of a polygon inside x1 y1 x2 y2 (Sutherland and Hodgman 1974); may be empty.

    Parts that a concave polygon falls into stay joined along the rectangle's edge, which leaves
    the area right.
    """
    corners = points
    for axis, sign, bound in (
        (0, 1, rectangle[0]),
        (1, 1, rectangle[1]),
        (0, -1, rectangle[2]),
        (1, -1, rectangle[3]),
    ):
        kept: list[Points] = []
        for number in range(len(corners)):
            before, here = corners[number - 1], corners[number]
            room_before, room = sign * (before[axis] - bound), sign * (here[axis] - bound)
            if room_before * room < 0:
                kept.append(before + (here - before) * (room_before / (room_before - room)))
            if room >= 0:
                kept.append(here)
        corners = np.array(kept).reshape(-1, 2)
    return corners


def line_distances(points: Points, starts: Points, ends: Points) -> npt.NDArray[np.float64]:
    """(T, L) signed distance of points (T, L, 2) from the endless lines through (L, 2) ends."""
    step = ends - starts
    away = points - starts
    cross = step[:, 0] * away[..., 1] - step[:, 1] * away[..., 0]
    distances: npt.NDArray[np.float64] = cross / np.hypot(step[:, 0], step[:, 1])
    return distances


def line_shares(points: Points, starts: Points, ends: Points) -> npt.NDArray[np.float64]:
    """(T, L) where points (T, L, 2) are along the lines: 0 at the start, 1 at the end."""
    step = ends - starts
    shares: npt.NDArray[np.float64] = ((points - starts) * step).sum(axis=2) / (step**2).sum(axis=1)
    return shares


class Edges:
    """The edges of many polygons in one array, for `depths`.

    Args:
        polygons: Corners (C, 2) of each.
        boundless: Mask (C,) of each: edges, from that corner on, that bound nothing.
    """

    def __init__(
        self, polygons: Sequence[Points], boundless: Sequence[npt.NDArray[np.bool_]]
    ) -> None:
        sizes = [len(polygon) for polygon in polygons]
        self.starts = np.concatenate([np.empty((0, 2)), *polygons])
        self.ends = np.concatenate(
            [np.empty((0, 2)), *(np.roll(polygon, -1, axis=0) for polygon in polygons)]
        )
        self.boundless = np.concatenate([np.empty(0, np.bool_), *boundless])
        self.owners = np.repeat(np.arange(len(sizes)), sizes)
        self.firsts = np.cumsum([0, *sizes[:-1]], dtype=np.int64)[: len(sizes)]


def depths(points: Points, edges: Edges) -> npt.NDArray[np.float64]:
    """(T, Z) distance of points (T, Z, 2) from the bounds of each polygon, negative outside.

    Inside is told by the parity of edges to the right; infinite where nothing bounds.
    """
    if not len(edges.firsts) or not len(points):
        return np.empty(points.shape[:2])
    place = points[:, edges.owners]
    x, y = place[..., 0], place[..., 1]
    start, step = edges.starts, edges.ends - edges.starts
    along = ((place - start) * step).sum(axis=2) / (step**2).sum(axis=1)
    nearest = start + np.clip(along, 0, 1)[..., None] * step
    distance = np.hypot(x - nearest[..., 0], y - nearest[..., 1])
    distance[:, edges.boundless] = np.inf
    straddles = (edges.starts[:, 1] > y) != (edges.ends[:, 1] > y)
    rise = np.where(step[:, 1] == 0, 1, step[:, 1])
    right = straddles & (x < start[:, 0] + (y - start[:, 1]) / rise * step[:, 0])
    inside = np.add.reduceat(right, edges.firsts, axis=1, dtype=np.int64) % 2 == 1
    bound = np.minimum.reduceat(distance, edges.firsts, axis=1)
    return np.where(inside, bound, -bound)


def _edges_touch(points: Sequence[tuple[float, float]], one: int, two: int) -> bool:
    count = len(points)
    a, b = points[one], points[(one + 1) % count]
    c, d = points[two], points[(two + 1) % count]
    if (one + 1) % count == two:
        return _turn(a, b, d) == 0 and _ahead(b, a, d)
    if (two + 1) % count == one:
        return _turn(c, d, b) == 0 and _ahead(d, c, b)
    turns = (_turn(a, b, c), _turn(a, b, d), _turn(c, d, a), _turn(c, d, b))
    if turns[0] * turns[1] < 0 and turns[2] * turns[3] < 0:
        return True
    return (
        (turns[0] == 0 and _between(a, b, c))
        or (turns[1] == 0 and _between(a, b, d))
        or (turns[2] == 0 and _between(c, d, a))
        or (turns[3] == 0 and _between(c, d, b))
    )


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _ahead(corner: tuple[float, float], one: tuple[float, float], two: tuple[float, float]) -> bool:
    """Whether two points lie in the same direction from a corner: a spike."""
    return (one[0] - corner[0]) * (two[0] - corner[0]) + (one[1] - corner[1]) * (
        two[1] - corner[1]
    ) > 0


def _between(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> bool:
    return min(a[0], b[0]) <= c[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= c[1] <= max(a[1], b[1])
