"""Tracks as the interface answers them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.steady import rfc3339
from sightline.service.store.erase import Erased
from sightline.service.store.tracks import StoredTrack

__all__ = [
    "ErasedAnswer",
    "ExemplarsSummary",
    "Place",
    "TrackAnswer",
    "TrackPath",
    "TrackSummary",
]


class TrackSummary(pydantic.BaseModel):
    """A track without its path."""

    id: str = Field(description="STREAM:NUMBER, never used again.", examples=["entrance:17"])
    stream: str = Field(examples=["entrance"])
    number: int = Field(description="Number of the track in its stream.", examples=[17])
    class_name: str = Field(examples=["person"])
    started_at: Time = Field(description="Time of its first confirmed box.")
    seen_at: Time = Field(description="Time of its last seen box.")
    ended: bool = Field(description="Whether it is over.")
    identity: int | None = Field(
        description="Number of the person or vehicle across cameras; null where the track was "
        "joined with no other.",
        examples=[214],
    )

    @classmethod
    def of(cls, track: StoredTrack) -> TrackSummary:
        """The summary of a stored track."""
        return cls(**_fields(track))


class Place(pydantic.BaseModel):
    """Where a track was at a moment."""

    time: Time
    box: tuple[float, float, float, float] = Field(
        description="x1, y1, x2, y2 in 0…1 of the picture.", examples=[[0.41, 0.32, 0.47, 0.61]]
    )


class ExemplarsSummary(pydantic.BaseModel):
    """What is stored of a track's looks; the vectors themselves stay inside."""

    count: int = Field(description="Number of stored appearance vectors.", examples=[4])
    embedder: str = Field(description="Network that made them.", examples=["sightline-reid"])


class TrackAnswer(TrackSummary):
    """A track with its path."""

    path: list[Place] = Field(description="Where it was, thinned out, the earliest first.")
    exemplars: ExemplarsSummary | None = Field(
        description="What search by appearance knows of it; null without re-identification."
    )

    @classmethod
    def with_path(
        cls, track: StoredTrack, path: npt.NDArray[np.float32], looks: ExemplarsSummary | None
    ) -> TrackAnswer:
        """The answer about a stored track and its path (P, 5)."""
        places = [
            Place(time=rfc3339(track.started_at + float(row[0])), box=_box(row[1:])) for row in path
        ]
        return cls(**_fields(track), path=places, exemplars=looks)


class TrackPath(TrackSummary):
    """A track with its path in few bytes, for many at once."""

    path: list[tuple[float, float, float, float, float]] = Field(
        description="Seconds since `started_at`, then x1, y1, x2, y2 in 0…1; the earliest first.",
        examples=[[[0.0, 0.41, 0.32, 0.47, 0.61]]],
    )

    @classmethod
    def with_rows(cls, track: StoredTrack, path: npt.NDArray[np.float32]) -> TrackPath:
        """The answer about a stored track and its path (P, 5)."""
        rows = [(round(float(row[0]), 3), *_box(row[1:])) for row in path]
        return cls(**_fields(track), path=rows)


class ErasedAnswer(pydantic.BaseModel):
    """What was removed."""

    tracks: int = Field(description="Stored tracks, with their paths.", examples=[1])
    exemplars: int = Field(description="Tracks among them that had appearance vectors.")
    recordings: int = Field(description="Recordings that have fewer rows now.")
    events: int = Field(description="Events that no longer name a track.")

    @classmethod
    def sum_of(cls, parts: Iterable[Erased]) -> ErasedAnswer:
        """The answer about what was erased in parts."""
        numbers = [(part.tracks, part.exemplars, part.recordings, part.events) for part in parts]
        tracks, exemplars, recordings, events = map(sum, zip(*numbers, strict=True))
        return cls(tracks=tracks, exemplars=exemplars, recordings=recordings, events=events)


def _fields(track: StoredTrack) -> dict[str, Any]:
    return {
        "id": track.id,
        "stream": track.stream,
        "number": track.number,
        "class_name": track.class_name,
        "started_at": rfc3339(track.started_at),
        "seen_at": rfc3339(track.seen_at),
        "ended": track.ended,
        "identity": track.identity,
    }


def _box(values: npt.NDArray[np.float32]) -> tuple[float, float, float, float]:
    # Five digits are a hundredth of a pixel in 1080p; more only make the answer longer.
    x1, y1, x2, y2 = (round(float(value), 5) for value in values)
    return x1, y1, x2, y2
