"""Zones, lines and how sure rules have to be: what a user draws into a camera's picture.

Coordinates are 0…1 of the picture, x to the right and y down, so that a change of resolution
moves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

import pydantic
from pydantic import Field

from sightline.service.rules.polygons import check_polygon
from sightline.service.settings import Identifier, Settings, read_yaml, validate

__all__ = ["Anchor", "Line", "Point", "Polygon", "RuleTiming", "Scene", "Zone", "read_scene"]

Anchor = Literal["bottom_centre", "centre", "top_centre", "left_centre", "right_centre"]
Coordinate = Annotated[float, Field(ge=0, le=1)]
Point = tuple[Coordinate, Coordinate]


def _polygon(points: Sequence[Point]) -> Sequence[Point]:
    check_polygon(points)
    return points


Polygon = Annotated[
    tuple[Point, ...], Field(min_length=3, max_length=100), pydantic.AfterValidator(_polygon)
]
"""At least three corners of an area whose edges do not cross."""

Seconds = Annotated[float, Field(gt=0, le=86_400)]


class _Place(Settings):
    """What zones and lines have in common."""

    id: Identifier = Field(title="Identifier", description="Names it in events and counts.")
    name: Annotated[str, Field(max_length=200)] = Field(
        default="", title="Label", description="What people read; the identifier if left out."
    )
    anchor: Anchor = Field(
        default="bottom_centre",
        title="Anchor point",
        description="The point of a box that counts: where the feet are, or another.",
    )
    classes: Annotated[tuple[str, ...], Field(max_length=100)] = Field(
        default=(), title="Classes", description="Class names that count; all if left out."
    )


class Zone(_Place):
    """An area that tracks enter, stay in and leave."""

    points: Polygon = Field(
        title="Corners",
        description="x, y of at least three corners in 0…1; edges do not cross.",
    )
    dwell: Seconds | None = Field(
        default=None,
        title="Dwell",
        description="Seconds of one visit after which `zone_dwell` is reported; once a visit.",
    )
    loitering: Seconds | None = Field(
        default=None,
        title="Loitering",
        description="Seconds over several visits, with short breaks, after which `loitering` is "
        "reported; once until the track stays away.",
    )
    occupancy: Annotated[int, Field(ge=1, le=100_000)] | None = Field(
        default=None,
        title="Occupancy",
        description="Tracks at once from which `occupancy` is reported `above`, and `below` later.",
    )


class Line(_Place):
    """A line that tracks cross."""

    points: tuple[Point, Point] = Field(
        title="Ends",
        description="x, y of both ends in 0…1. For who walks from the first to the second, `in` is "
        "from the left hand to the right, `out` the other way.",
    )

    @pydantic.field_validator("points")
    @classmethod
    def _ends_differ(cls, value: tuple[Point, Point]) -> tuple[Point, Point]:
        if value[0] == value[1]:
            raise ValueError("both ends are the same point; a line has two")
        return value


class RuleTiming(Settings):
    """How sure the rules of a stream have to be."""

    settle_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        default=0.3,
        title="Time to settle",
        description="Seconds that a track has to stay on a side before it stands there.",
    )
    settle_distance: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.03,
        title="Distance to settle",
        description="Distance from the line or edge, in heights of the box, that it has to keep; "
        "at most half of the room that there is.",
    )
    patience: Annotated[float, Field(ge=0, le=600)] = Field(
        default=2.0,
        title="Patience",
        description="Seconds that a track may be unseen and stay in its zone; also how long an "
        "occupancy has to hold.",
    )
    memory: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=60.0,
        title="Memory",
        description="Seconds after which the side of a track that is not seen is forgotten.",
    )
    loitering_break: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=30.0,
        title="Break",
        description="Seconds outside after which loitering counts from 0 again.",
    )

    @pydantic.model_validator(mode="after")
    def _memory_is_longest(self) -> Self:
        if self.memory < self.patience:
            raise ValueError(
                f"memory ({self.memory:g} s) is at least the patience ({self.patience:g} s)"
            )
        return self


class Scene(Settings):
    """Everything that is drawn into one stream's picture and reported from it."""

    zones: Annotated[tuple[Zone, ...], Field(max_length=1000)] = Field(
        default=(),
        title="Zones",
        description="Areas with enter, exit, dwell, loitering, occupancy.",
    )
    lines: Annotated[tuple[Line, ...], Field(max_length=1000)] = Field(
        default=(), title="Lines", description="Lines whose crossings are counted by direction."
    )
    rules: RuleTiming = Field(
        default=RuleTiming(), title="Rules", description="How sure rules have to be."
    )

    @pydantic.model_validator(mode="after")
    def _identifiers_are_unique(self) -> Self:
        names = [place.id for place in (*self.zones, *self.lines)]
        double = next((name for name in names if names.count(name) > 1), None)
        if double is not None:
            raise ValueError(f"two zones or lines have the id {double!r}; each has its own")
        return self


def read_scene(path: Path) -> Scene:
    """Zones, lines and rules of a YAML file.

    Raises:
        ConfigError: It cannot be read, or a key is unknown or wrong (names it and near ones).
    """
    return validate(Scene, read_yaml(path), str(path), path.parent)
