"""A video from where a job stopped reading it, proven to be the same place."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sightline.protocols import Source
from sightline.structures import Frame

__all__ = ["Place", "continue_source", "pixels_of"]


@dataclass(frozen=True, slots=True)
class Place:
    """A frame of a video, as it was when it was read.

    Args:
        index: Its index.
        time: Its stream time in seconds.
        pixels: CRC-32 of its pixels.
    """

    index: int
    time: float
    pixels: int

    @classmethod
    def of(cls, frame: Frame) -> Place:
        """Where a frame stands."""
        return cls(frame.index, frame.time, pixels_of(frame))


def pixels_of(frame: Frame) -> int:
    """CRC-32 of a frame's pixels."""
    return zlib.crc32(frame.image.tobytes())


def continue_source(open_from: Callable[[float | None], Source], place: Place) -> Source:
    """The frames after a place.

    The source is opened near the place, which costs no decoding of what lies before. Where that
    does not show the very same frame (a file whose key frames are none, or whose time stamps are
    not to be trusted), it is read again from its beginning.

    Args:
        open_from: Opens the source at a stream time in seconds, or at its beginning.
        place: The last frame that was taken.

    Raises:
        SourceError: The source cannot be opened.
    """
    near = open_from(place.time)
    frames = iter(near)
    # Whatever is wrong with it near the place, the reading from the beginning tells it.
    with contextlib.suppress(Exception):
        first = next(frames, None)
        if first is not None and Place.of(first) == place:
            return _Rest(near, frames)
    near.close()
    whole = open_from(None)
    return _Rest(whole, (frame for frame in whole if frame.index > place.index))


class _Rest:
    """The frames of a source that are left; implements `protocols.Source`."""

    def __init__(self, source: Source, frames: Iterator[Frame]) -> None:
        self.name, self.rate, self.live = source.name, source.rate, source.live
        self.width, self.height = source.width, source.height
        self.frame_count = source.frame_count
        self.skipped = source.skipped
        self.warnings = source.warnings
        self._source = source
        self._frames = frames

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._frames:
            self.skipped = self._source.skipped
            yield frame

    def close(self) -> None:
        self._source.close()
