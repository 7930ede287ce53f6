"""Checks and replays of rules as the interface takes and answers them."""

from __future__ import annotations

from typing import Literal, Self

import pydantic
from pydantic import Field

from sightline.service.api.schemas.events import Happening
from sightline.service.api.schemas.times import Time
from sightline.service.replay import MOST_EVENTS, Replayed
from sightline.service.rules.events import Direction, EventKind
from sightline.service.rules.layout import NeverFiring
from sightline.service.rules.scene import Scene
from sightline.service.settings import Identifier
from sightline.service.steady import rfc3339

__all__ = [
    "CheckAnswer",
    "CheckBody",
    "NeverFiringAnswer",
    "RecordedAnswer",
    "ReplayAnswer",
    "ReplayBody",
    "TotalAnswer",
]

_LONGEST_SECONDS = 86_400


class CheckBody(Scene):
    """Zones and lines to check."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [{"lines": [{"id": "door", "points": [[0.2, 0.0], [0.8, 0.0]]}]}]
        }
    )


class NeverFiringAnswer(pydantic.BaseModel):
    """A zone or line that cannot report anything, or hardly."""

    place: Literal["line", "zone"]
    id: str = Field(examples=["door"])
    reason: Literal["too_short", "out_of_reach", "no_room_left", "no_room_right"] = Field(
        description="Stable, for programs; `no_room_…`: the anchor of no box can stand there."
    )
    message: str = Field(description="The same for people; may change.")

    @classmethod
    def of(cls, problem: NeverFiring) -> NeverFiringAnswer:
        """The answer about one of them."""
        return cls(
            place=problem.place, id=problem.id, reason=problem.reason, message=problem.message
        )


class CheckAnswer(pydantic.BaseModel):
    """What is wrong with zones and lines; nothing is, where the list is empty."""

    warnings: list[NeverFiringAnswer]


class RecordedAnswer(pydantic.BaseModel):
    """From when to when there are recorded tracks, with gaps maybe; null where there are none."""

    begin: Time | None = Field(description="Time of the first recorded frame.")
    end: Time | None = Field(description="Time of the last; frames come some seconds late.")

    @classmethod
    def of(cls, span: tuple[float, float] | None) -> RecordedAnswer:
        """The answer about a stretch in UNIX seconds."""
        if span is None:
            return cls(begin=None, end=None)
        return cls(begin=rfc3339(span[0]), end=rfc3339(span[1]))


class ReplayBody(Scene):
    """Zones and lines to try on what was recorded of a stream.

    Without `zones` and `lines`, those that the stream has now are tried; without `rules`, its own.
    """

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "stream": "entrance",
                    "begin": "2026-05-01T12:00:00Z",
                    "end": "2026-05-01T13:00:00Z",
                    "lines": [{"id": "door", "points": [[0.2, 0.5], [0.8, 0.5]]}],
                }
            ]
        }
    )

    stream: Identifier = Field(description="Stream whose recordings are used.")
    begin: pydantic.AwareDatetime = Field(description="First moment (RFC 3339).")
    end: pydantic.AwareDatetime = Field(
        description="The moment behind it, at most 24 hours later; what was recorded within the "
        "last ten seconds is not there yet."
    )

    @pydantic.model_validator(mode="after")
    def _is_bounded(self) -> Self:
        seconds = self.end.timestamp() - self.begin.timestamp()
        if not 0 < seconds <= _LONGEST_SECONDS:
            raise ValueError(
                f"end is after begin, by at most {_LONGEST_SECONDS} s; got {seconds:g} s"
            )
        return self


class TotalAnswer(pydantic.BaseModel):
    """How often something would have happened."""

    rule: str = Field(examples=["door"])
    kind: EventKind
    direction: Direction | None
    count: int = Field(examples=[12])


class ReplayAnswer(pydantic.BaseModel):
    """What the rules would have reported."""

    events: list[Happening] = Field(description=f"The first {MOST_EVENTS}, by time.")
    totals: list[TotalAnswer] = Field(description="How often, of all events.")
    frames: int = Field(description="Recorded frames in that time.", examples=[36_000])
    recorded_from: Time | None = Field(description="Time of the first of them.")
    recorded_to: Time | None = Field(description="Time of the last of them.")
    warnings: list[str] = Field(description="Zones and lines that can never fire.")

    @classmethod
    def of(cls, replayed: Replayed) -> ReplayAnswer:
        """The answer about a replay."""
        first, last = replayed.recorded or (None, None)
        return cls(
            events=[Happening.of_event(event) for event in replayed.events],
            totals=[
                TotalAnswer.model_validate(
                    {"rule": rule, "kind": kind, "direction": direction or None, "count": count}
                )
                for (rule, kind, direction), count in sorted(replayed.totals.items())
            ],
            frames=replayed.frames,
            recorded_from=None if first is None else rfc3339(first),
            recorded_to=None if last is None else rfc3339(last),
            warnings=list(replayed.warnings),
        )
