"""Which picture belongs to which event: frames come first, stored events up to a second later."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from sightline.service.store.events import StoredEvent

__all__ = ["Snapshots"]

_SECONDS = 5.0
_MOST = 64


@dataclass(frozen=True, slots=True)
class _Taken:
    stream: str
    at: float
    jpeg: bytes


class Snapshots:
    """Matches pictures of decisive frames with the events that were decided on them.

    Both are forgotten after some seconds, and at most 64 pictures are held. May be used by many
    threads.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: deque[_Taken] = deque(maxlen=_MOST)
        self._waiting: deque[StoredEvent] = deque()

    def take(self, stream: str, at: float, jpeg: bytes) -> None:
        """A picture of a stream, captured at these UNIX seconds."""
        with self._lock:
            self._taken.append(_Taken(stream, at, jpeg))

    def expect(self, stored: StoredEvent) -> None:
        """An event that wants a picture."""
        with self._lock:
            self._waiting.append(stored)

    def matches(self, now: float) -> tuple[list[tuple[StoredEvent, bytes]], int]:
        """Events with their pictures, each once, and how many events waited in vain.

        Args:
            now: UNIX seconds.
        """
        found, late = [], 0
        with self._lock:
            still = []
            for stored in self._waiting:
                jpeg = self._picture_of(stored)
                if jpeg is not None:
                    found.append((stored, jpeg))
                elif stored.event.decided < now - _SECONDS:
                    late += 1
                else:
                    still.append(stored)
            self._waiting = deque(still)
            while self._taken and self._taken[0].at < now - 2 * _SECONDS:
                self._taken.popleft()
        return found, late

    def _picture_of(self, stored: StoredEvent) -> bytes | None:
        event = stored.event
        near = [
            (taken.at, taken.jpeg)
            for taken in self._taken
            if taken.stream == event.stream and 0 <= taken.at - event.decided + 1e-3 < _SECONDS
        ]
        return min(near, default=(0.0, None), key=lambda pair: pair[0])[1]
