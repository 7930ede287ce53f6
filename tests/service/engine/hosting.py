"""A running engine for tests: rings that the test fills, messages that it waits for."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sightline.service import config
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.host import EngineHost, Message
from sightline.service.engine.messages import FrameResult
from sightline.service.steady import SteadyClock
from sightline.video import open_source
from tests.e2e.running_service import wait_for

MODEL = "sightline-n-int8"
PATIENCE = 120.0
"""Seconds after which a test fails that waits: a loaded machine starts processes slowly."""

Image = npt.NDArray[np.uint8]
M = TypeVar("M", bound=Message)

_numbers = itertools.count(1)


class Engine:
    """An `EngineHost` and everything that it told."""

    def __init__(self, **options: Any) -> None:
        self.clock = SteadyClock.start()
        self._changed = threading.Condition()
        self._messages: list[Message] = []
        detector = options.pop("detector", None) or config.Detector(
            model=MODEL, device="cpu", size=320
        )
        tracker = options.pop("tracker", config.Tracker())
        self.host = EngineHost(detector, tracker, self.clock, self._take, threads=1, **options)

    def _take(self, message: Message) -> None:
        with self._changed:
            self._messages.append(message)
            self._changed.notify_all()

    def wait(self, what: Callable[[], bool]) -> None:
        """Wait until something holds that messages bring about."""
        with self._changed:
            assert self._changed.wait_for(what, PATIENCE), self.host.report()

    def is_ready(self) -> bool:
        """Wait until the networks run; False where they cannot be started."""
        wait_for(lambda: self.host.report().state in ("RUNNING", "BACKOFF"), "a start")
        return self.host.report().state == "RUNNING"

    def of(self, kind: type[M], stream: str | None = None) -> list[M]:
        """Messages of a kind so far, of one stream if that is given."""
        with self._changed:
            return [
                message
                for message in self._messages
                if isinstance(message, kind)
                and (stream is None or getattr(message, "stream", None) == stream)
            ]

    def results(self, stream: str) -> list[FrameResult]:
        return self.of(FrameResult, stream)

    def wait_for_frame(self, stream: str, sequence: int) -> FrameResult:
        """The result of a frame, or of a newer one."""
        found: list[FrameResult] = []

        def has_come() -> bool:
            found[:] = [r for r in self.results(stream) if r.sequence >= sequence]
            return bool(found)

        self.wait(has_come)
        return found[0]


class Camera:
    """What a reader does: frames of a clip into a ring, numbered and dated."""

    def __init__(self, engine: Engine, stream: str, images: list[Image], **fields: Any) -> None:
        self.engine = engine
        self.stream = stream
        self.images = images
        self.sequence = 0
        self.definition = config.Stream(id=stream, url="/clips/some.avi", **fields)
        height, width = images[0].shape[:2]
        name = f"sightline-test-{os.getpid()}-{next(_numbers)}"
        self.ring = FrameRing.create(name, height, width)

    def add(self, first_number: int = 1, state: bytes | None = None) -> None:
        self.engine.host.add(self.definition, first_number, state)
        self.engine.host.attach(self.stream, self.ring.name)

    def write(self, captured_at: float | None = None) -> None:
        """The next frame, without waiting for anybody."""
        image = self.images[self.sequence % len(self.images)]
        self.sequence += 1
        at = self.engine.clock.now() if captured_at is None else captured_at
        self.ring.write(image, sequence=self.sequence, captured_at=at)

    def play(self, frames: int, start: float, rate: float = 10.0) -> list[FrameResult]:
        """Some frames one by one, each when the last one's result is there, as files are read."""
        found = []
        for _ in range(frames):
            self.write(start + (self.sequence + 1) / rate)
            found.append(self.engine.wait_for_frame(self.stream, self.sequence))
        return found

    def close(self) -> None:
        self.ring.close()
        self.ring.unlink()


@contextmanager
def running(**options: Any) -> Iterator[Engine]:
    """An engine whose networks are loaded; closed in the end."""
    engine = Engine(**options)
    engine.host.start()
    try:
        assert engine.is_ready(), engine.host.report()
        yield engine
    finally:
        engine.host.close()


def clip(shared: Path, frames: int, name: str = "vtest.avi") -> list[Image]:
    """The first frames of a real clip."""
    source = open_source(str(shared / "data/clips" / name))
    try:
        return [frame.image for frame, _ in zip(source, range(frames), strict=False)]
    finally:
        source.close()
