"""What every file of tracks shares: it appears under its name only when it is complete.

A sink writes `NAME.partial` beside the file and renames it when it closes, also when the run
was interrupted: the file then holds every frame before the interruption. A run that fails before
its first frame leaves the file of an earlier run as it was.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from sightline.errors import InputError, StateError
from sightline.formats.table import VideoInfo
from sightline.structures import Frame, Tracks

__all__ = ["FileSink"]


class FileSink(ABC):
    """Base of the sinks that write one file; implements `protocols.Sink`.

    Args:
        path: The file; replaced at the end if it exists.
        info: The video's facts; a size of 0 is taken from the first frame.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.path = path
        self.info = info
        self.frame_count = 0
        self._closed = False
        self._partial = path.with_name(f"{path.name}.partial")
        self._file = self._partial.open("wb")

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Add one frame's tracks; called for every frame, in order, also for empty ones.

        Raises:
            InputError: A box or a score is not finite.
            StateError: The sink is closed.
        """
        if not self.frame_count and not (self.info.width and self.info.height):
            self.info = replace(self.info, width=frame.width, height=frame.height)
        self.write_tracks(frame.index, frame.time, tracks)

    def write_tracks(self, index: int, time: float, tracks: Tracks) -> None:
        """Add one frame's tracks without its picture.

        Args:
            index: Frame index from 0, larger than the last one.
            time: Stream time in seconds, NaN where unknown.
            tracks: The tracks of that frame.

        Raises:
            InputError: A box or a score is not finite.
            StateError: The sink is closed.
        """
        if self._closed:
            raise StateError(f"{self.path}: the output is closed; open a new one to write more")
        finite = np.isfinite(tracks.boxes).all(axis=1) & np.isfinite(tracks.scores)
        if not finite.all():
            row = int(np.argmin(finite))
            raise InputError(
                f"frame {index}: track {tracks.ids[row]} has the box {tracks.boxes[row]} and the "
                f"score {tracks.scores[row]}; files of tracks hold finite numbers"
            )
        if not self.frame_count:
            self._begin()
        self.frame_count += 1
        self._add(index, time, tracks)

    def close(self) -> None:
        """Finish the file and give it its name; may be called twice.

        Raises:
            OSError: The file cannot be written; nothing is left of it then.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if not self.frame_count:
                self._begin()
            self._finish()
            self._file.close()
            self._partial.replace(self.path)
        finally:
            self._release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None and not self.frame_count:
            self._closed = True
            self._release()
        else:
            self.close()

    @abstractmethod
    def _begin(self) -> None:
        """Write what stands before the first frame; `info` is settled by then."""

    @abstractmethod
    def _add(self, index: int, time: float, tracks: Tracks) -> None:
        """Write one frame."""

    @abstractmethod
    def _finish(self) -> None:
        """Write what stands after the last frame."""

    def _release(self) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)
