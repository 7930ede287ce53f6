"""The thread that owns the detector: newest frames out of the rings, through the network, on.

It does nothing else, so that the network hardly ever waits; who is who is found out beside it.
"""

from __future__ import annotations

import queue
import threading
import time
from collections import deque
from dataclasses import dataclass

from sightline import protocols
from sightline.errors import ModelError
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.meter import Meter
from sightline.service.engine.scheduler import Scheduler
from sightline.service.engine.wire import (
    Attach,
    Begin,
    Change,
    Command,
    End,
    HandOver,
    Stop,
    Watch,
)
from sightline.service.steady import SteadyClock
from sightline.structures import Detections, Frame

__all__ = ["Collector", "Retired", "Taken"]

_POLL_SECONDS = 0.002
_MOST_FAILURES = 3
"""Batches in a row that fail before the process gives up and is started afresh."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame with what was detected in it.

    Args:
        stream: Identifier of the stream.
        frame: The picture; `index` is its sequence.
        detections: What was seen; None where the network failed.
        ring: Where its reader waits until the frame is worked on, if it does.
    """

    stream: str
    frame: Frame
    detections: Detections | None
    ring: FrameRing | None


@dataclass(frozen=True, slots=True)
class Retired:
    """A ring that no frame will be taken from any more."""

    ring: FrameRing


@dataclass(slots=True)
class _Camera:
    """Where a camera's frames are.

    Args:
        ring: The ring; None before it is named.
        waits: Whether the reader waits until a frame is worked on.
        goes_on: Whether another process worked on this stream before.
        sequence: The last frame that was taken.
        after: UNIX seconds until which another reader's frames were looked at.
    """

    ring: FrameRing | None
    waits: bool
    goes_on: bool
    sequence: int
    after: float


class Collector:
    """Takes frames, detects, and hands on; `run` is a thread's work.

    Args:
        detector: The network; used by this thread alone.
        scheduler: Shared with who finishes frames.
        lock: Held around every use of the scheduler.
        clock: The service's time.
        meter: Counts and signs of life.
        output: Where frames and commands go, in the order in which they take effect.
    """

    name = "collector"

    def __init__(
        self,
        detector: protocols.Detector,
        scheduler: Scheduler,
        lock: threading.Lock,
        clock: SteadyClock,
        meter: Meter,
        output: queue.Queue[list[Taken] | Retired | Command],
    ) -> None:
        self._detector = detector
        self._scheduler = scheduler
        self._lock = lock
        self._clock = clock
        self._meter = meter
        self._output = output
        self._commands: deque[Command] = deque()
        self._commanded = threading.Event()
        self._cameras: dict[str, _Camera] = {}
        self._sizes: set[tuple[int, int]] = set()
        self._failures = 0

    def give(self, command: Command) -> None:
        """Have a command obeyed between two batches; called by other threads."""
        self._commands.append(command)
        self._commanded.set()

    def run(self) -> None:
        """Work until `Stop`.

        Raises:
            ModelError: The network failed several times in a row.
        """
        while True:
            self._meter.alive(self.name)
            while self._commands:
                command = self._commands.popleft()
                self._obey(command)
                if isinstance(command, Stop):
                    return
            frames = self._next_batch()
            if frames:
                self._hand_on(frames)
            else:
                self._commanded.wait(_POLL_SECONDS)
                self._commanded.clear()

    def _obey(self, command: Command) -> None:
        match command:
            case Begin():
                with self._lock:
                    self._scheduler.add(
                        command.stream,
                        command.process_fps,
                        sequence=command.sequence,
                        counts=command.counts,
                    )
                goes_on = command.counts.received > 0
                camera = _Camera(None, command.waits, goes_on, command.sequence, command.after)
                self._cameras[command.stream] = camera
                if command.ring is not None:
                    self._attach(command.stream, command.ring)
            case Attach():
                self._attach(command.stream, command.ring)
            case End():
                ended = self._cameras.pop(command.stream, None)
                if ended is not None and ended.ring is not None:
                    self._count(command.stream, ended.ring)
                    self._put(Retired(ended.ring))
            case HandOver():
                gone = self._cameras.pop(command.stream, None)
                if gone is not None and gone.ring is not None:
                    self._put(Retired(gone.ring))
            case Change():
                with self._lock:
                    self._scheduler.set_rate(command.stream, command.process_fps)
            case Watch() | Stop():
                pass
        if not isinstance(command, Attach):
            self._put(command)
        if isinstance(command, (End, HandOver)):
            self._output.join()  # a stream of the same name may begin next

    def _attach(self, stream: str, name: str) -> None:
        camera = self._cameras.get(stream)
        if camera is None:
            return
        try:
            ring = FrameRing.attach(name)
        except FileNotFoundError:
            return  # a newer one has taken its place and is about to be named
        if camera.ring is not None:
            self._offer(stream, camera.ring)
            with self._lock:
                self._scheduler.give_up(stream)
            self._put(Retired(camera.ring))
        elif camera.goes_on and camera.waits:
            # What was worked on before this process was started is not asked for again.
            ring.taken = max(ring.taken, camera.sequence)
        camera.ring = ring

    def _next_batch(self) -> list[tuple[str, Frame]]:
        for stream, camera in self._cameras.items():
            if camera.ring is not None:
                self._offer(stream, camera.ring)
        now = self._clock.now()
        with self._lock:
            chosen = self._scheduler.choose(now)
        began = time.thread_time()
        frames = [(stream, frame) for stream in chosen if (frame := self._take(stream, now))]
        if frames:
            self._meter.spent("read", time.thread_time() - began)
        return frames

    def _count(self, stream: str, ring: FrameRing) -> None:
        """Count the last frames of a ring, which nobody will look at."""
        with self._lock:
            self._scheduler.offer(
                stream, ring.newest, captured_at=ring.newest_at, now=self._clock.now()
            )

    def _offer(self, stream: str, ring: FrameRing) -> None:
        newest, camera = ring.newest, self._cameras[stream]
        if camera.after and newest:
            if ring.newest_at <= camera.after:
                with self._lock:
                    self._scheduler.pass_over(stream, newest)
                return
            camera.after = 0.0
        with self._lock:
            if 0 < newest < self._scheduler.newest(stream):
                self._scheduler.renumber(stream)
                camera.sequence = 0
            if newest > self._scheduler.newest(stream):
                self._scheduler.offer(
                    stream, newest, captured_at=ring.newest_at, now=self._clock.now()
                )
                if camera.waits and not self._scheduler.is_waiting(stream):
                    ring.taken = newest  # it was skipped, and its reader need not wait for that

    def _take(self, stream: str, now: float) -> Frame | None:
        camera = self._cameras[stream]
        assert camera.ring is not None
        picture = camera.ring.read(camera.sequence)
        with self._lock:
            if picture is None:
                self._scheduler.give_up(stream)
                return None
            at = picture.captured_at
            self._scheduler.take(stream, picture.sequence, captured_at=at, now=now)
        camera.sequence = picture.sequence
        return Frame(picture.image, picture.sequence, at, at, stream)

    def _hand_on(self, frames: list[tuple[str, Frame]]) -> None:
        pictures = [frame for _, frame in frames]
        sizes = {(frame.width, frame.height) for frame in pictures}
        seen: list[Detections] | list[None]
        try:
            with self._meter.detecting(is_first=not sizes <= self._sizes):
                seen = self._detect(pictures)
            self._failures = 0
            self._sizes |= sizes
        except ModelError as error:
            self._meter.note(str(error))
            self._failures += 1
            if self._failures >= _MOST_FAILURES:
                raise
            seen = [None] * len(frames)
        self._put(
            [
                Taken(stream, frame, detections, self._waiting_ring(stream))
                for (stream, frame), detections in zip(frames, seen, strict=True)
            ]
        )

    def _detect(self, frames: list[Frame]) -> list[Detections]:
        """Detect; where memory is short, in smaller parts, and in smaller batches from then on."""
        seen: list[Detections] = []
        while len(seen) < len(frames):
            part = frames[len(seen) : len(seen) + self._meter.batch_limit]
            try:
                seen += self._detector.detect(part)
            except ModelError as error:
                if len(part) == 1 or not _is_out_of_memory(error):
                    raise
                half = len(part) // 2
                self._meter.note(f"batches of {len(part)} are cut down to {half}: {error}")
                with self._lock:
                    self._scheduler.size = self._meter.batch_limit = half
            else:
                self._meter.batch(len(part))
        return seen

    def _waiting_ring(self, stream: str) -> FrameRing | None:
        camera = self._cameras[stream]
        return camera.ring if camera.waits else None

    def _put(self, item: list[Taken] | Retired | Command) -> None:
        """Hand on; where tracking is the slower one, wait for it."""
        began = time.perf_counter()
        self._meter.alive(self.name)
        with self._meter.excused(self.name):  # whose fault it is shows in the other thread
            self._output.put(item)
        self._meter.spent("wait for tracking", time.perf_counter() - began)


def _is_out_of_memory(error: ModelError) -> bool:
    """Whether a device's memory was short; the words are ONNX Runtime's and CUDA's."""
    text = str(error).lower()
    return any(
        sign in text
        for sign in ("out of memory", "failed to allocate", "alloc_failed", "bad_alloc")
    )
