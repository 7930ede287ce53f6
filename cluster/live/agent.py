"""The agent of a node: a Ray actor that runs readers and engine there, as on a single machine.

It decides nothing. What it is told comes by `give`, in order; what it tells is fetched by `take`.
An agent that nobody asks any more ends itself, so that no camera is read twice for long.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import Future
from multiprocessing.connection import Connection, wait
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from sightline.cluster.live.shares import CpuShares
from sightline.cluster.live.wire import (
    AddCamera,
    AskClip,
    ClipMade,
    DropRing,
    EngineCommand,
    EngineEnded,
    EngineTold,
    KillEngine,
    MakeRing,
    RemoveCamera,
    ReplaceCamera,
    Rested,
    RingMade,
    StartCamera,
    StartEngine,
    StatusChanged,
    StopCamera,
    ToAgent,
    ToService,
    Vitals,
)
from sightline.errors import SightlineError, StateError
from sightline.service.access.egress import Egress
from sightline.service.access.policy import AddressPolicy
from sightline.service.cameras.clips import Clip
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.ring import FrameRing
from sightline.service.cameras.supervisor import CameraSupervisor
from sightline.service.config import Detector, Tracker
from sightline.service.errors import UnknownError
from sightline.service.processes import Child, start_child
from sightline.service.steady import SteadyClock
from sightline.service.telemetry.logs import LogSettings, start_logging

__all__ = ["NodeAgent"]

_log = logging.getLogger(__name__)

_ALONE_SECONDS = 30.0
"""An agent that was not asked for so long is one that nobody hears."""
_VITALS_SECONDS = 0.5
_MOST_WAITING = 2000
"""Messages that wait to be fetched; then the engine waits, and leaves frames out."""
_JPEG_QUALITY = 95


class NodeAgent:
    """Readers and engine of one node; its methods are called by several threads.

    Args:
        detector: The configuration's section.
        tracker: The configuration's section.
        keep_seconds: How far clips reach back.
        logs: How the service logs.
    """

    def __init__(
        self, detector: Detector, tracker: Tracker, keep_seconds: float, logs: LogSettings | None
    ) -> None:
        if logs is not None:
            start_logging(logs)
        self._settings = (detector, tracker)
        self._keep_seconds = keep_seconds
        self._condition = threading.Condition()
        self._told: deque[ToService] = deque()
        self._asked_at = time.monotonic()
        self._rings: dict[str, FrameRing] = {}
        self._rings_lock = threading.Lock()
        self._egress: dict[tuple[str, ...], Egress] = {}
        self._engine: tuple[int, Child] | None = None
        self._clock: SteadyClock | None = None
        self._cameras: CameraSupervisor | None = None

    def monotonic(self) -> float:
        """Seconds of this machine's monotonic clock, and a sign that the agent is there."""
        return time.monotonic()

    def begin(self, offset: float) -> int:
        """Begin to work; the service's clock is so much ahead of this machine's monotonic one.

        Returns:
            Number of this process.
        """
        self._clock = SteadyClock(offset)
        self._cameras = CameraSupervisor(
            self._clock,
            lambda status: self._tell(StatusChanged(status)),
            lambda stream, ring: self._tell(RingMade(stream, ring)),
            lambda stream: self._tell(Rested(stream)),
            keep_seconds=self._keep_seconds,
        )
        threading.Thread(target=self._live, name="vitals", daemon=True).start()
        return os.getpid()

    def give(self, messages: list[ToAgent]) -> None:
        """Take orders, in order."""
        for message in messages:
            try:
                self._obey(message)
            except (SightlineError, OSError) as error:
                _log.warning("an order could not be followed: %s", error)

    def take(self, timeout: float) -> list[ToService]:
        """What was told since the last call; waits for something for so many seconds."""
        with self._condition:
            self._asked_at = time.monotonic()
            self._condition.wait_for(lambda: self._told, timeout)
            told = list(self._told)
            self._told.clear()
            self._asked_at = time.monotonic()
            self._condition.notify_all()
        return told

    def picture(self, ring: str, after: int) -> tuple[bytes, int, float] | None:
        """The newest picture that was looked at, if it is newer than a frame.

        Returns:
            JPEG, number of the frame, and UNIX seconds of its capture.
        """
        with self._rings_lock:
            known = self._rings.get(ring)
            frame = None if known is None else known.read(after)
        if frame is None:
            return None
        quality = (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY)
        _, jpeg = cv2.imencode(".jpg", frame.image, quality)
        return _bytes(jpeg), frame.sequence, frame.captured_at

    def close(self) -> None:
        """End readers and engine."""
        if self._cameras is not None:
            self._cameras.close()
        with self._condition:
            engine = self._engine
        if engine is not None:
            engine[1].kill()
        with self._rings_lock:
            for ring in self._rings.values():
                ring.close()
                ring.unlink()
            self._rings.clear()
        for egress in self._egress.values():
            egress.close()

    def _obey(self, message: ToAgent) -> None:
        assert self._cameras is not None
        match message:
            case EngineCommand():
                engine = self._engine
                if engine is not None and engine[0] == message.life:
                    engine[1].pipe.send_bytes(message.command)
            case StartEngine():
                self._start_engine(message.life)
            case KillEngine():
                engine = self._engine
                if engine is not None and engine[0] == message.life:
                    os.kill(engine[1].pid, 9)
            case MakeRing():
                with self._rings_lock:
                    self._rings[message.name] = FrameRing.create(
                        message.name, message.height, message.width
                    )
            case DropRing():
                with self._rings_lock:
                    ring = self._rings.pop(message.name, None)
                    if ring is not None:
                        ring.close()
                        ring.unlink()
            case AddCamera():
                last = (message.sequence, message.captured_at)
                self._cameras.add(message.stream, self._local(message.guard), last)
            case ReplaceCamera():
                self._cameras.replace(message.stream, self._local(message.guard))
            case StartCamera():
                self._cameras.start(message.stream)
            case StopCamera():
                self._cameras.stop(message.stream)
            case RemoveCamera():
                self._cameras.remove(message.stream)
            case AskClip():
                self._ask_clip(message)

    def _local(self, guard: Guard | None) -> Guard | None:
        """The proxy that checks connections listens on loopback: this machine has its own."""
        if guard is None or guard.proxy is None:
            return guard
        egress = self._egress.get(guard.networks)
        if egress is None:
            egress = self._egress[guard.networks] = Egress(AddressPolicy(guard.networks))
        return Guard(guard.networks, egress.start())

    def _ask_clip(self, ask: AskClip) -> None:
        assert self._cameras is not None

        def hand_over(done: Future[Clip]) -> None:
            error = done.exception()
            if error is None:
                self._tell(ClipMade(ask.number, done.result()))
            else:
                told = error if isinstance(error, SightlineError) else StateError(str(error))
                self._tell(ClipMade(ask.number, None, told))

        try:
            clip = self._cameras.clip(
                ask.stream, ask.begin, ask.end, ask.hidden, moment=ask.moment, around=ask.around
            )
        except UnknownError as error:
            clip = Future()
            clip.set_exception(error)
        clip.add_done_callback(hand_over)

    def _start_engine(self, life: int) -> None:
        if self._engine is not None:
            self._engine[1].kill()
        try:
            child = start_child(_run_engine, *self._settings, self._clock, 0, name="engine")
        except OSError as error:
            self._tell(EngineEnded(life, None, error.strerror or str(error)))
            return
        self._engine = (life, child)
        threading.Thread(
            target=self._listen, args=(life, child), name="engine-reports", daemon=True
        ).start()

    def _listen(self, life: int, child: Child) -> None:
        """Pass on what an engine tells, until it has ended."""
        try:
            while True:
                wait([child.pipe, child.sentinel])
                while child.pipe.poll():
                    self._tell(EngineTold(life, child.pipe.recv_bytes()), patient=True)
                if child.exit_code is not None and not child.pipe.poll():
                    break
        except (EOFError, OSError):  # it ended
            pass
        self._tell(EngineEnded(life, child.wait(1.0)))

    def _tell(self, message: ToService, *, patient: bool = False) -> None:
        """Have a message fetched; who is patient waits while too many wait."""
        with self._condition:
            if patient:
                self._condition.wait_for(lambda: len(self._told) < _MOST_WAITING)
            self._told.append(message)
            self._condition.notify_all()

    def _live(self) -> None:
        """Say how the node does; end where nobody listens."""
        assert self._cameras is not None
        shares = CpuShares()
        while time.monotonic() - self._asked_at < _ALONE_SECONDS:
            reading = shares.of(self._cameras.readers())
            cores = len(os.sched_getaffinity(0))
            self._tell(Vitals(self._cameras.statuses(), reading, cores))
            time.sleep(_VITALS_SECONDS)
        _log.error("nobody asked for %.0f s; this agent ends", _ALONE_SECONDS)
        os._exit(1)


def _run_engine(pipe: Connection, *settings: Any) -> None:
    """The engine's process; it alone imports networks and trackers."""
    from sightline.service.engine.process import run_engine

    run_engine(pipe, *settings)


def _bytes(jpeg: npt.NDArray[np.uint8]) -> bytes:
    return jpeg.tobytes()
