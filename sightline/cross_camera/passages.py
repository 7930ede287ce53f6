"""Which camera leads to which, in what time, and from where to where: the transit graph."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sightline.cross_camera.sightings import Place, Sighting
from sightline.errors import InputError

__all__ = ["Area", "Passage", "Passages"]

Area = tuple[Place, ...]
"""Corners of a simple polygon, x and y in 0…1 of the picture."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A way from one camera to another, or from a camera back to itself.

    Args:
        source: Camera that is left.
        target: Camera that is entered.
        shortest: Least seconds between the last box there and the first one here; below 0 where
            the pictures overlap.
        longest: Most seconds.
        exit: Where people leave the source's picture; None is anywhere.
        entry: Where they come into the target's; None is anywhere.
        typical: Seconds that most need, or None where that is not known.
        deviation: Mean absolute deviation from it in seconds; given with `typical`.
        name: What events call it.

    Raises:
        InputError: The times are not in order, an area has fewer than three corners, or only one
            of `typical` and `deviation` is given.
    """

    source: str
    target: str
    shortest: float
    longest: float
    exit: Area | None = None
    entry: Area | None = None
    typical: float | None = None
    deviation: float | None = None
    name: str = ""

    def __post_init__(self) -> None:
        way = f"passage {self.source} → {self.target}"
        if not self.shortest <= self.longest:
            raise InputError(
                f"{way}: expected shortest ≤ longest, got {self.shortest} and {self.longest} s"
            )
        for what, area in (("exit", self.exit), ("entry", self.entry)):
            if area is not None and len(area) < 3:
                raise InputError(f"{way}: an area has at least three corners; {what} has fewer")
        if (self.typical is None) != (self.deviation is None):
            raise InputError(f"{way}: typical and deviation are given together")
        if self.deviation is not None and not self.deviation > 0:
            raise InputError(f"{way}: the deviation is above 0 s, got {self.deviation}")

    def admits(self, earlier: Sighting, later: Sighting) -> bool:
        """Whether one person can have made both tracks by going this way.

        The earlier one has ended, where the way begins; the later one began where it ends, in the
        time that it takes, and not before the earlier one.
        """
        return (
            self.is_left_by(earlier)
            and self.is_entered_by(later)
            and earlier.over
            and earlier.class_name == later.class_name
            and self.shortest <= later.begin - earlier.end <= self.longest
            and (earlier.begin, earlier.key) < (later.begin, later.key)
        )

    def is_left_by(self, sighting: Sighting) -> bool:
        """Whether a track is last seen where the way begins."""
        return sighting.camera == self.source and _holds(self.exit, sighting.exit)

    def is_entered_by(self, sighting: Sighting) -> bool:
        """Whether a track begins where the way ends."""
        return sighting.camera == self.target and _holds(self.entry, sighting.entry)


class Passages:
    """All ways between cameras.

    Args:
        passages: Ways; there may be several between two cameras.
    """

    def __init__(self, passages: Iterable[Passage]) -> None:
        self._all = tuple(passages)
        self._by_target: dict[str, list[Passage]] = {}
        for passage in self._all:
            self._by_target.setdefault(passage.target, []).append(passage)

    def __iter__(self) -> Iterator[Passage]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def to(self, camera: str) -> list[Passage]:
        """The ways that lead to a camera."""
        return self._by_target.get(camera, [])

    @property
    def longest(self) -> float:
        """Seconds that the longest way takes; 0 without any."""
        return max((passage.longest for passage in self._all), default=0.0)

    @property
    def cameras(self) -> frozenset[str]:
        """Every camera that is left or entered."""
        return frozenset(
            camera for passage in self._all for camera in (passage.source, passage.target)
        )


def _holds(area: Area | None, place: Place) -> bool:
    """Whether a place lies in a polygon or on its edge; None is everywhere."""
    if area is None:
        return True
    x, y = place
    inside = False
    for (x1, y1), (x2, y2) in zip(area, (*area[1:], area[0]), strict=True):
        cross = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        within = min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2)
        if cross == 0 and within:
            return True
        # The parity of edges to the right tells inside from outside.
        if (y1 > y) != (y2 > y) and (cross > 0) == (y2 > y1):
            inside = not inside
    return inside
