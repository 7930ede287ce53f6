"""A supervisor of cameras whose changes a test can wait for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from sightline.service.cameras.ring import FrameRing, RingFrame
from sightline.service.cameras.status import StreamStatus
from sightline.service.cameras.supervisor import CameraSupervisor
from sightline.service.config import Stream
from sightline.service.steady import SteadyClock

_PATIENCE = 60.0  # seconds; what a test waits for takes one or two on a machine that is idle


class Watch:
    """Cameras under a supervisor; everything that was told of them, in order.

    Args:
        keep_seconds: How far clips reach back.
    """

    def __init__(self, keep_seconds: float = 0.0) -> None:
        self.clock = SteadyClock.start()
        self.told: dict[str, list[StreamStatus]] = {}
        self.rings: dict[str, FrameRing] = {}
        self.resting: list[str] = []
        self._changed = threading.Condition()
        self.supervisor = CameraSupervisor(
            self.clock, self._on_status, self._on_ring, self._on_rest, keep_seconds=keep_seconds
        )

    def add(self, stream: str, url: str, **settings: Any) -> None:
        """Take on a camera that is tried again soon."""
        settings = {"reconnect": {"first": 0.1, "longest": 0.5}, "timeout": 5.0} | settings
        self.supervisor.add(Stream.model_validate({"id": stream, "url": url} | settings))

    def wait_for(self, stream: str, state: str, after: int = 0) -> StreamStatus:
        """The first status told in that state, of those behind the first `after`."""
        found: list[StreamStatus] = []

        def is_there() -> bool:
            found[:] = [told for told in self.told.get(stream, [])[after:] if told.state == state]
            return bool(found)

        self._wait(is_there, lambda: f"{stream} is not {state}: {self.told.get(stream)}")
        return found[0]

    def read(self, stream: str, after: int = 0) -> RingFrame:
        """A frame newer than that; marks it as taken."""
        frames: list[RingFrame] = []

        def is_there() -> bool:
            ring = self.rings.get(stream)
            frame = ring.read(after) if ring is not None else None
            if ring is not None and frame is not None:
                ring.taken = frame.sequence
                frames.append(frame)
            return bool(frames)

        self._wait(is_there, lambda: f"{stream}: no frame after {after}: {self.told.get(stream)}")
        return frames[0]

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Wait for anything."""
        self._wait(condition, lambda: f"it never came true; {self.told}")

    def states(self, stream: str) -> list[str]:
        """The states that were told, without repetitions."""
        states = [told.state for told in self.told.get(stream, [])]
        return [state for number, state in enumerate(states) if states[:number][-1:] != [state]]

    def reader_pid(self, stream: str) -> int:
        """Process number of a camera's reader."""
        return self.supervisor.readers()[stream]

    def close(self) -> None:
        self.supervisor.close()
        for ring in self.rings.values():
            ring.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _wait(self, is_there: Callable[[], bool], reason: Callable[[], str]) -> None:
        end = self.clock.now() + _PATIENCE
        with self._changed:
            while not is_there():
                # Frames are not announced: they are looked for.
                self._changed.wait(0.01)
                assert self.clock.now() < end, reason()

    def _on_status(self, status: StreamStatus) -> None:
        with self._changed:
            self.told.setdefault(status.stream, []).append(status)
            self._changed.notify_all()

    def _on_rest(self, stream: str) -> None:
        with self._changed:
            self.resting.append(stream)
            self._changed.notify_all()

    def _on_ring(self, stream: str, name: str) -> None:
        with self._changed:
            ring, self.rings[stream] = self.rings.get(stream), FrameRing.attach(name)
            if ring is not None:
                ring.close()
            self._changed.notify_all()
