"""Presence and movement as the interface answers them."""

from __future__ import annotations

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.movement import Movement
from sightline.service.presence import Presence
from sightline.service.steady import rfc3339

__all__ = ["MovementAnswer", "PresenceAnswer", "PresenceRow"]


class PresenceRow(pydantic.BaseModel):
    """Who was in a picture or a zone during one stretch of time; empty stretches are left out."""

    start: Time = Field(description="Beginning of the stretch.")
    end: Time = Field(description="Beginning of the next one.")
    stream: str = Field(examples=["entrance"])
    zone: str = Field(description="Zone; empty for the picture as a whole.", examples=["hall"])
    came: int = Field(description="How many came in it.", examples=[12])
    left: int = Field(description="How many left in it.", examples=[11])
    stayed_seconds: float = Field(
        description="How long those who left had stayed, together; divided by `left`: the mean.",
        examples=[341.5],
    )
    seconds: float = Field(
        description="Presence in the stretch, of all together; divided by its length: how many "
        "were there on average.",
        examples=[402.25],
    )
    peak: int = Field(description="Most who were there at one moment.", examples=[4])

    @classmethod
    def of(cls, presence: Presence, length: int) -> PresenceRow:
        """The row of a stretch of some seconds."""
        return cls(
            start=rfc3339(presence.start),
            end=rfc3339(presence.start + length),
            stream=presence.stream,
            zone=presence.zone,
            came=presence.came,
            left=presence.left,
            stayed_seconds=round(presence.stayed, 3),
            seconds=round(presence.seconds, 3),
            peak=presence.peak,
        )


class PresenceAnswer(pydantic.BaseModel):
    """How many were there, and for how long."""

    begin: Time = Field(description="Beginning of the first stretch.")
    end: Time = Field(description="The moment behind the last.")
    items: list[PresenceRow]


class ArrowAnswer(pydantic.BaseModel):
    """Which way many went at one place."""

    x: float = Field(description="0…1 of the picture.", examples=[0.40625])
    y: float = Field(examples=[0.61111])
    dx: float = Field(description="Widths of the picture a second.", examples=[0.041])
    dy: float = Field(description="Heights of the picture a second.", examples=[-0.012])
    tracks: int = Field(description="How many went that way.", examples=[31])


class MovementAnswer(pydantic.BaseModel):
    """Where people stood and which way they went."""

    stream: str = Field(examples=["entrance"])
    begin: Time
    end: Time
    tracks: int = Field(description="Stored tracks that were there in that time.", examples=[220])
    columns: int = Field(description="Cells of the heat map from left to right.", examples=[64])
    rows: int = Field(description="Cells from top to bottom.", examples=[36])
    seconds: list[list[float]] = Field(
        description="A list a row of cells: seconds that somebody's feet were in each cell, of all "
        "together."
    )
    arrows: list[ArrowAnswer] = Field(description="The ways that were gone, the most used first.")

    @classmethod
    def of(cls, stream: str, begin: float, end: float, movement: Movement) -> MovementAnswer:
        """The answer about a stream's movement in a stretch of time."""
        rows, columns = movement.seconds.shape
        return cls(
            stream=stream,
            begin=rfc3339(begin),
            end=rfc3339(end),
            tracks=movement.tracks,
            columns=columns,
            rows=rows,
            seconds=movement.seconds.round(2).tolist(),
            arrows=[
                ArrowAnswer(
                    x=round(arrow.x, 5),
                    y=round(arrow.y, 5),
                    dx=round(arrow.dx, 5),
                    dy=round(arrow.dy, 5),
                    tracks=arrow.tracks,
                )
                for arrow in movement.arrows
            ],
        )
