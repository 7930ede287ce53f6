"""Which camera leads to which: how tracks of different cameras are joined."""

from __future__ import annotations

from typing import Annotated, Self

import pydantic
from pydantic import Field

from sightline.service.rules.scene import Polygon
from sightline.service.settings import Identifier, Settings

__all__ = ["Passage", "Transit"]

Seconds = Annotated[float, Field(ge=-3600, le=86_400)]


class Passage(Settings):
    """A way from one camera to another, or from a camera back to itself."""

    leave: Identifier = Field(title="Leaves", description="Stream that people leave.")
    enter: Identifier = Field(title="Enters", description="Stream that they enter.")
    seconds: tuple[Seconds, Seconds] = Field(
        title="Time",
        description="Least and most seconds between being in the one picture and in the other; "
        "below 0 where the pictures overlap.",
    )
    id: Identifier | None = Field(
        default=None,
        title="Identifier",
        description="Names it in events and counts; the two streams, as hall-yard, if left out.",
    )
    exit: Identifier | Polygon | None = Field(
        default=None,
        title="Exit",
        description="Where the first picture is left: a zone of that stream, or corners; anywhere "
        "if left out.",
    )
    entry: Identifier | Polygon | None = Field(
        default=None,
        title="Entry",
        description="Where the second one is entered: a zone of that stream, or corners; anywhere "
        "if left out.",
    )
    typical: Seconds | None = Field(
        default=None,
        title="Typical time",
        description="Seconds that most need; other times count less then.",
    )
    deviation: Annotated[float, Field(gt=0, le=86_400)] | None = Field(
        default=None,
        title="Deviation",
        description="Mean deviation from it in seconds; given with it.",
    )

    @property
    def name(self) -> str:
        """What events call it."""
        return self.id or f"{self.leave}-{self.enter}"

    @pydantic.model_validator(mode="after")
    def _times_fit(self) -> Self:
        least, most = self.seconds
        if least > most:
            raise ValueError(f"seconds are the least and the most; got [{least:g}, {most:g}]")
        if (self.typical is None) != (self.deviation is None):
            raise ValueError("typical and deviation are given together")
        return self


class Transit(Settings):
    """How tracks of different cameras are joined to identities; needs re-identification."""

    passages: Annotated[tuple[Passage, ...], Field(max_length=10_000)] = Field(
        default=(),
        title="Passages",
        description="Which stream leads to which; `sightline transit learn` finds them.",
    )
    threshold: Annotated[float, Field(ge=-1, le=1)] | None = Field(
        default=None,
        title="Likeness",
        description="Likeness at which two tracks are as likely of one person as of two; the "
        "network's own if left out. `sightline transit learn` measures it.",
    )
    steepness: Annotated[float, Field(ge=0, le=100)] = Field(
        default=1.5,
        title="Steepness",
        description="Log odds for each 0.1 of likeness beyond that; `sightline transit learn` "
        "measures it, too.",
    )
    bias: Annotated[float, Field(ge=-100, le=100)] = Field(
        default=1.0,
        title="Bias",
        description="Log odds that looks and time have to reach together before tracks are joined; "
        "more joins less, and less wrongly.",
    )
    settle: Annotated[float, Field(ge=0, le=3600)] = Field(
        default=12.0,
        title="Wait",
        description="Seconds after somebody came until it is decided who that was; longer than "
        "the tracker remembers who is lost (10).",
    )
