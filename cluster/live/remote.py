"""An engine on another machine, for an `EngineHost`: its process, its pipe, and its pictures."""

from __future__ import annotations

import os
import pickle
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import cv2
import numpy as np

from sightline.cluster.live.wire import (
    DropRing,
    EngineCommand,
    EngineEnded,
    EngineTold,
    KillEngine,
    MakeRing,
    StartEngine,
    ToAgent,
)
from sightline.service.cameras.ring import RingFrame
from sightline.service.engine.wire import Command, Report

__all__ = ["RemoteEngine", "RemoteRing"]

Send = Callable[[ToAgent], None]
FetchPicture = Callable[[str, int], tuple[bytes, int, float] | None]


class RemoteEngine:
    """One life of an engine that an agent runs; made, it is being started.

    Args:
        life: Tells it from those before it.
        send: Tells the agent.
    """

    def __init__(self, life: int, send: Send) -> None:
        send(StartEngine(life))
        self.life = life
        self.pipe = _RemotePipe(lambda command: send(EngineCommand(life, pickle.dumps(command))))
        self._ended = threading.Event()
        self._end_seen, self._end = os.pipe()
        self._lock = threading.Lock()
        self._send = send
        self._code: int | None = None

    @property
    def sentinel(self) -> int:
        """Ready when it has ended."""
        return self._end_seen

    @property
    def pid(self) -> int:
        """None that means anything here; the agent alone knows it."""
        return 0

    def hear(self, message: EngineTold | EngineEnded) -> None:
        """Take what the agent tells of it."""
        if isinstance(message, EngineTold):
            # As `multiprocessing` does it; the cluster is trusted (docs/cluster.md).
            self.pipe.put(pickle.loads(message.report))  # noqa: S301
        else:
            self.lose(message.code)

    def lose(self, code: int | None = None) -> None:
        """It has ended, or nobody will hear of it any more."""
        with self._lock:
            if not self._ended.is_set():
                self._code = code
                self._ended.set()
                self.pipe.close()
                os.write(self._end, b"1")

    def wait(self, timeout: float) -> int | None:
        """Its exit code, as far as it is known."""
        self._ended.wait(timeout)
        return self._code

    def kill(self) -> None:
        """Have it ended; nothing that it told is read any more."""
        if not self._ended.is_set():
            with suppress(OSError):
                self._send(KillEngine(self.life))
        self.lose()
        with self._lock:
            self.pipe.release()
            os.close(self._end)
            os.close(self._end_seen)


class _RemotePipe:
    """What an agent's engine told, as one end of a pipe."""

    def __init__(self, send: Callable[[Command], None]) -> None:
        self.send: Callable[[Any], None] = send
        self._reports: deque[Report] = deque()
        self._lock = threading.Lock()
        self._ready, self._wake = os.pipe()
        self._closed = self._released = False

    def fileno(self) -> int:
        """Ready when there is something, or nothing any more."""
        return self._ready

    def poll(self) -> bool:
        """Whether a report waits, or none will come any more."""
        with self._lock:
            return bool(self._reports) or self._closed

    def recv(self) -> Report:
        """The next report.

        Raises:
            EOFError: The engine has ended.
        """
        with self._lock:
            if not self._reports:
                raise EOFError
            report = self._reports.popleft()
            if not self._reports and not self._closed:
                os.read(self._ready, 1)
            return report

    def put(self, report: Report) -> None:
        """Take a report of the agent's."""
        with self._lock:
            if self._closed:
                return
            if not self._reports:
                os.write(self._wake, b"1")
            self._reports.append(report)

    def close(self) -> None:
        """No more will come."""
        with self._lock:
            if not self._closed:
                self._closed = True
                os.write(self._wake, b"1")

    def release(self) -> None:
        """Nobody reads any more."""
        with self._lock:
            self._closed = True
            if not self._released:
                self._released = True
                os.close(self._ready)
                os.close(self._wake)


class RemoteRing:
    """Pictures that an engine on another machine looked at: fetched when they are asked for.

    Args:
        name: Of the ring, which is made there.
        height: Of the largest picture.
        width: Of the largest picture.
        send: Tells the agent.
        fetch: Fetches the newest picture that is newer than a frame.
    """

    def __init__(self, name: str, height: int, width: int, send: Send, fetch: FetchPicture) -> None:
        self.name = name
        self._size = height * width
        self._send = send
        self._fetch = fetch
        send(MakeRing(name, height, width))

    def fits(self, height: int, width: int) -> bool:
        """Whether a picture of that size finds room."""
        return height * width <= self._size

    def read(self, after: int) -> RingFrame | None:
        """The newest picture; None if it is not newer than `after`, or cannot be had."""
        found = self._fetch(self.name, after)
        if found is None:
            return None
        jpeg, sequence, captured_at = found
        image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
        return RingFrame(np.asarray(image, np.uint8), sequence, captured_at)

    def close(self) -> None:
        """Nothing of it is held here."""

    def unlink(self) -> None:
        """Have its memory given back."""
        with suppress(OSError):
            self._send(DropRing(self.name))
