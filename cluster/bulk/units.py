"""The pieces of work that an archive falls into: whole videos, and segments of long ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sightline.cluster.bulk.archive import Video
from sightline.cluster.bulk.options import BulkOptions

__all__ = ["RESULT", "Unit", "join_of", "plan_units"]

RESULT = "result"
"""Name of the unit with which a video is done."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One piece of work.

    Args:
        video: The video.
        kind: `whole`, a `segment`, or the `join` of all segments.
        number: Which segment, from 0.
        count: How many segments the video has.
        start: Seconds of stream time to read from, None for the options' own.
        end: Seconds of stream time to read to, None for the options' own.
        seams: Seconds of stream time at which the segments meet.
    """

    video: Video
    kind: Literal["whole", "segment", "join"] = "whole"
    number: int = 0
    count: int = 1
    start: float | None = None
    end: float | None = None
    seams: tuple[float, ...] = ()

    @property
    def name(self) -> str:
        """What the manifest calls it."""
        if self.kind == "segment":
            return f"segment {self.number + 1} of {self.count}"
        return RESULT

    @property
    def part(self) -> str:
        """File of a segment, within the video's folder of parts."""
        return f"{self.number + 1}-of-{self.count}.npz"


def plan_units(video: Video, options: BulkOptions) -> list[Unit]:
    """How a video is worked on: as a whole, or in segments of equal length.

    Args:
        video: The video; its header is read where it might be long.
        options: The run's.

    Raises:
        SourceError: It cannot be opened.
        InputError: The options want a stretch that cannot be.
    """
    if not options.split:
        return [Unit(video)]
    source = options.track.open_source(video.path)
    source.close()
    frames, rate = source.frame_count, source.rate
    if frames is None or rate <= 0:
        return [Unit(video)]
    seconds = frames * options.track.stride / rate
    count = round(seconds / options.split)
    if count < 2:
        return [Unit(video)]
    first = options.track.start or 0.0
    seams = tuple(first + seconds * place / count for place in range(1, count))
    starts = [None, *(max(first, seam - options.overlap) for seam in seams)]
    behind = [seam + options.overlap for seam in seams]
    ends = [*(end if end < first + seconds else None for end in behind), None]
    return [
        Unit(video, "segment", place, count, start, end, seams)
        for place, (start, end) in enumerate(zip(starts, ends, strict=True))
    ]


def join_of(segments: list[Unit]) -> Unit:
    """The unit that makes one result of a video's segments."""
    first = segments[0]
    return Unit(first.video, "join", count=first.count, seams=first.seams)
