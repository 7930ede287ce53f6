"""What the service keeps of a stream, so that a new process can go on with it; and its pictures."""

from __future__ import annotations

import itertools
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sightline.service import config
from sightline.service.cameras.ring import RingFrame
from sightline.service.engine.messages import FrameCounts, FrameResult
from sightline.service.engine.scheduler import NO_FRAMES
from sightline.service.engine.tracking import Seen
from sightline.service.engine.wire import Begin, Processed
from sightline.service.rules import Scene

__all__ = ["Book", "MakeRing", "ViewerRing", "plain_scene"]

_RESULTS = 16
_LINGER_SECONDS = 1.0
_rings = itertools.count(1)

Picture = tuple[npt.NDArray[np.uint8], FrameResult]


class ViewerRing(Protocol):
    """Pictures that were looked at: a `FrameRing`, or the like of another machine."""

    @property
    def name(self) -> str:
        """What the process finds it by."""

    def fits(self, height: int, width: int) -> bool:
        """Whether a picture of that size finds room."""

    def read(self, after: int) -> RingFrame | None:
        """The newest picture; None if it is not newer than `after`."""

    def close(self) -> None:
        """Let go of it."""

    def unlink(self) -> None:
        """Give its memory back."""


MakeRing = Callable[[str, int, int], ViewerRing]
"""Makes a ring: its name, and height and width of the pictures; StateError without memory."""


class Book:
    """One stream's account; used under the host's lock, but for `picture` and `show`.

    Args:
        stream: The definition.
        epoch: Number of this adding of the stream.
        first_number: Smallest number that a track may get.
        state: Saved state to begin with.
        sequence: Newest frame that belongs to an earlier adding of the stream.

    Attributes:
        stream: Identifier of the stream.
        ring: Name of the ring of its frames, if there is one.
        is_leaving: Whether the stream is to end.
        watched_until: UNIX seconds until which pictures are kept.
        viewer: The ring of those pictures.
        counts: Where its frames went so far, as it was told last.
    """

    def __init__(
        self,
        stream: config.Stream,
        epoch: int,
        first_number: int,
        state: bytes | None,
        sequence: int = 0,
    ) -> None:
        self.stream = stream.id
        self.epoch = epoch
        self.scene = plain_scene(stream)
        self.process_fps = stream.process_fps
        self.ring: str | None = None
        self.is_leaving = False
        self.watched_until = 0.0
        self.viewer: ViewerRing | None = None
        self._waits = stream.buffer == "wait"
        self._first_number = first_number
        self._last_number = first_number - 1
        self._state = state
        self._since: list[Seen] = []
        self._sequence = sequence
        self._seen_at = self._after = 0.0
        self._counts = self.counts = NO_FRAMES
        self._lock = threading.Lock()
        self._results: deque[FrameResult] = deque(maxlen=_RESULTS)
        self._picture: Picture | None = None

    def plan(self) -> Begin:
        """What it takes to go on as if nothing had been."""
        sequence, counts = self._sequence, self._counts
        if self._waits:  # what was in flight is asked for again
            sequence -= counts.waiting
            counts = replace(counts, received=counts.received - counts.waiting, waiting=0)
        return Begin(
            stream=self.stream,
            epoch=self.epoch,
            scene=self.scene,
            process_fps=self.process_fps,
            waits=self._waits,
            ring=self.ring,
            first_number=self._first_number,
            last_number=self._last_number,
            state=self._state,
            since=tuple(self._since),
            sequence=sequence,
            counts=counts,
            after=self._after,
        )

    def go_on(self, sequence: int) -> None:
        """Another reader lays its frames out: those after `sequence`, and captured later."""
        self._sequence, self._after = sequence, self._seen_at
        self._counts = self.counts

    def take(self, report: Processed) -> None:
        """Note what one frame led to."""
        self._seen_at = report.result.captured_at
        self._last_number = report.last_number
        self._sequence, self._counts = report.newest, report.result.counts
        self.note(report.result.counts)
        if report.saved is None:
            self._since.append(report.seen)
        else:
            self._state, self._since = report.saved.data, []

    def show(self, result: FrameResult, now: float, make_ring: MakeRing) -> bool:
        """Have the picture of a frame kept while somebody watches.

        Returns:
            Whether there is a new ring for pictures.

        Raises:
            StateError: There is no memory for it.
        """
        if now > self.watched_until + _LINGER_SECONDS:
            self.close()
            return False
        return self._keep(result, make_ring)

    def note(self, counts: FrameCounts) -> None:
        """Note where frames went; what is older than that is known already."""
        if _extent(counts) > _extent(self.counts):
            self.counts = counts

    def picture(self) -> Picture | None:
        """The newest picture whose result is known; called by any thread."""
        with self._lock:
            if self.viewer is None:
                return None
            seen = 0 if self._picture is None else self._picture[1].sequence
            frame = self.viewer.read(seen)
            if frame is not None:
                for result in self._results:
                    if result.sequence == frame.sequence:
                        self._picture = (frame.image, result)
            return self._picture

    def close(self) -> None:
        """Give the memory of pictures back."""
        with self._lock:
            if self.viewer is not None:
                self.viewer.close()
                self.viewer.unlink()
            self.viewer = self._picture = None
            self._results.clear()

    def _keep(self, result: FrameResult, make_ring: MakeRing) -> bool:
        width, height = result.size
        if self.viewer is not None and self.viewer.fits(height, width):
            with self._lock:
                self._results.append(result)
            return False
        self.close()
        name = f"sightline-{os.getpid()}-viewer-{next(_rings)}"
        viewer = make_ring(name, height, width)
        with self._lock:
            self.viewer = viewer
        return True


def _extent(counts: FrameCounts) -> tuple[int, int]:
    """How far counts have come: both numbers only grow."""
    return counts.received, counts.received - counts.waiting


def plain_scene(stream: config.Stream) -> Scene:
    """What is drawn into a stream's picture, without where the stream comes from."""
    return Scene(zones=stream.zones, lines=stream.lines, rules=stream.rules)
