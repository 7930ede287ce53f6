"""Tracks of jobs as a page draws and corrects them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import numpy.typing as npt
import pydantic
from pydantic import Field

from sightline.formats import TrackTable
from sightline.service.api.schemas.times import Time
from sightline.service.jobs.corrections import MOST_EDITS, Corrections, Edit, Effect
from sightline.service.steady import rfc3339

__all__ = ["BoxesAnswer", "CorrectionsAnswer", "CorrectionsRequest", "JobTracksAnswer"]

Frame = Annotated[int, Field(description="Index from 0.", examples=[118])]
_EDITS: list[pydantic.JsonValue] = [
    {"do": "merge", "id": 3, "other": 7},
    {"do": "split", "id": 3, "frame": 120, "to": 41},
    {"do": "delete", "id": 9},
    {"do": "rename", "id": 4, "to": 12},
]


class CorrectionsRequest(pydantic.BaseModel):
    """The whole list of corrections; it replaces the one before."""

    model_config = pydantic.ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"revision": 0, "edits": _EDITS}]}
    )

    revision: Annotated[int, Field(ge=0)] = Field(
        description="The revision that was changed; another one is a conflict."
    )
    edits: list[Edit] = Field(max_length=MOST_EDITS, description="Applied in this order.")


class CorrectionsAnswer(pydantic.BaseModel):
    """The corrections of a job, and what they make of its tracks."""

    revision: int = Field(description="How often they were saved; 0 before the first.")
    saved_at: Time | None
    saved_by: str | None = Field(description="Name of the key that saved them.", examples=["desk"])
    edits: list[Edit] = Field(examples=[_EDITS])
    tracks: int = Field(description="Tracks that are left.", examples=[31])
    boxes: int = Field(description="Boxes that are left.", examples=[4812])
    dropped_boxes: int = Field(
        description="Boxes of merged tracks that stood in one frame with a box of the other."
    )

    @classmethod
    def of(cls, corrections: Corrections, effect: Effect) -> CorrectionsAnswer:
        """The answer about corrections and their effect."""
        at = corrections.saved_at
        return cls(
            revision=corrections.revision,
            saved_at=None if at is None else rfc3339(at),
            saved_by=corrections.saved_by or None,
            edits=list(corrections.edits),
            tracks=effect.tracks,
            boxes=effect.boxes,
            dropped_boxes=effect.dropped,
        )


class JobTrack(pydantic.BaseModel):
    """One track of a job."""

    id: int = Field(examples=[3])
    class_name: str = Field(description="The class that it had most often.", examples=["person"])
    first: Frame
    last: Frame
    first_time: float | None = Field(description="Seconds of the video.", examples=[11.8])
    last_time: float | None = Field(examples=[14.2])
    boxes: int = Field(description="Frames in which it has a box.", examples=[24])
    predicted: int = Field(description="Of these, where the detector saw nothing.", examples=[1])


class JobTracksAnswer(pydantic.BaseModel):
    """All tracks of a job, without their boxes."""

    width: int = Field(description="Pixels of the picture.", examples=[768])
    height: int = Field(examples=[576])
    rate: float = Field(description="Frames per second; 0 where unknown.", examples=[10.0])
    frames: int = Field(description="Frames that were looked at.", examples=[795])
    first: Frame | None = Field(description="The first of them.")
    last: Frame | None = Field(description="The last of them.")
    first_time: float | None = Field(
        description="Seconds of the video of the first of them: where `plain.mp4` begins."
    )
    last_time: float | None = Field(description="The same of the last of them.")
    step: int = Field(description="Every so many frames were looked at.", examples=[1])
    tracks: list[JobTrack] = Field(description="By number.")

    @classmethod
    def of(cls, table: TrackTable) -> JobTracksAnswer:
        """The answer about a table."""
        frames = table.frame_indices
        steps = np.diff(frames)
        return cls(
            width=table.info.width,
            height=table.info.height,
            rate=table.info.rate,
            frames=len(frames),
            first=int(frames[0]) if len(frames) else None,
            last=int(frames[-1]) if len(frames) else None,
            first_time=_time(table.frame_times[0]) if len(frames) else None,
            last_time=_time(table.frame_times[-1]) if len(frames) else None,
            step=int(np.bincount(steps).argmax()) if len(steps) else 1,
            tracks=_tracks(table),
        )


class FrameBoxes(pydantic.BaseModel):
    """The boxes of one frame, side by side."""

    frame: Frame
    time: float | None = Field(description="Seconds of the video.", examples=[11.8])
    ids: list[int] = Field(examples=[[3, 7]])
    boxes: list[tuple[float, float, float, float]] = Field(
        description="x1, y1, x2, y2 in 0…1 of the picture.", examples=[[[0.41, 0.32, 0.47, 0.61]]]
    )
    predicted: list[bool] = Field(description="Where the detector saw nothing.")


class BoxesAnswer(pydantic.BaseModel):
    """Frames that were looked at, each with its boxes."""

    frames: list[FrameBoxes]
    next: int | None = Field(description="Frame to go on from; null at the end.", examples=[500])

    @classmethod
    def of(cls, table: TrackTable, first: int, limit: int) -> BoxesAnswer:
        """At most `limit` frames from frame `first` on."""
        start = int(np.searchsorted(table.frame_indices, first))
        indices = table.frame_indices[start : start + limit]
        behind = table.frame_indices[start + limit : start + limit + 1]
        size = np.tile([max(table.info.width, 1), max(table.info.height, 1)], 2)
        frames = []
        for index, time in zip(
            indices.tolist(), table.frame_times[start : start + limit], strict=True
        ):
            rows = slice(*np.searchsorted(table.frames, [index, index + 1]).tolist())
            frames.append(
                FrameBoxes(
                    frame=index,
                    time=_time(time),
                    ids=table.ids[rows].tolist(),
                    boxes=(table.boxes[rows] / size).round(5).tolist(),
                    predicted=table.predicted[rows].tolist(),
                )
            )
        return cls(frames=frames, next=int(behind[0]) if len(behind) else None)


def _tracks(table: TrackTable) -> list[JobTrack]:
    order = np.argsort(table.ids, kind="stable")  # by frame within a track
    starts = np.flatnonzero(np.diff(table.ids[order], prepend=-1))
    times = table.times
    groups: list[npt.NDArray[np.int64]] = np.split(order, starts[1:]) if len(order) else []
    return [
        JobTrack(
            id=int(table.ids[rows[0]]),
            class_name=table.info.class_name(int(np.bincount(table.classes[rows]).argmax())),
            first=int(table.frames[rows[0]]),
            last=int(table.frames[rows[-1]]),
            first_time=_time(times[rows[0]]),
            last_time=_time(times[rows[-1]]),
            boxes=len(rows),
            predicted=int(table.predicted[rows].sum()),
        )
        for rows in groups
    ]


def _time(seconds: float) -> float | None:
    return None if np.isnan(seconds) else round(float(seconds), 6)
