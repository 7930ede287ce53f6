"""What waits for one listener: bounded, the newest of tracks and states, all of the events."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Collection
from typing import Literal

from sightline.service.live.messages import Message

__all__ = ["Ending", "Subscription"]

Ending = Literal["too_slow", "closed"]
"""Why a subscription is over: too far behind with events, or the service stops."""

_MOST_EVENTS = 2000
_MOST_EVENT_BYTES = 512 * 1024
_MOST_TRACK_BYTES = 256 * 1024
_MOST_STATE_BYTES = 128 * 1024


class Subscription:
    """What waits for one listener; made by `Hub.subscribe`, read in the event loop.

    Args:
        streams: Identifiers of the streams it may hear of; None for all.
        lock: The hub's.
    """

    def __init__(self, streams: Collection[str] | None, lock: threading.Lock) -> None:
        self.streams = None if streams is None else frozenset(streams)
        self.ended: Ending | None = None
        self.delivered = 0
        self.skipped = 0
        self._lock = lock
        self._ready = asyncio.Event()
        self._finished = asyncio.Event()
        self._signalled = False
        self._events: deque[Message] = deque()
        self._event_bytes = 0
        self._states = _Newest()
        self._tracks = _Newest()

    def sees(self, stream: str) -> bool:
        """Whether it may hear of a stream."""
        return self.streams is None or stream in self.streams

    @property
    def held_bytes(self) -> int:
        """Bytes of all messages that wait, with the hub's lock held; at most 0.9 MiB."""
        return self._event_bytes + self._states.size + self._tracks.size

    async def next(self) -> Message | None:
        """The next message: events first, then states, then tracks; None at the end (`ended`)."""
        while True:
            with self._lock:
                message = self._take()
                if message is not None:
                    self.delivered += 1
                    return message
                if self.ended is not None:
                    return None
                self._signalled = False
                self._ready.clear()
            await self._ready.wait()

    async def finished(self) -> None:
        """Wait until it is over, whatever `next` waits for."""
        await self._finished.wait()

    def wake(self) -> None:
        """Let who waits look again; called in the event loop, by the hub."""
        self._ready.set()
        if self.ended is not None:
            self._finished.set()

    def offer(self, message: Message) -> bool:
        """Take a message, with the hub's lock held; True if the listener has to be woken."""
        if self.ended is not None or not self.sees(message.stream):
            return False
        if message.kind == "tracks":
            self._offer_tracks(message)
        elif message.kind == "event":
            self._events.append(message)
            self._event_bytes += len(message.text)
            if len(self._events) > _MOST_EVENTS or self._event_bytes > _MOST_EVENT_BYTES:
                self.end("too_slow")
                return True
        else:
            self._states.put(message.stream, message)
            if self._states.size > _MOST_STATE_BYTES:
                self.end("too_slow")
                return True
        return self._signal()

    def end(self, reason: Ending) -> None:
        """Forget what waits, with the hub's lock held; the listener has to be woken then."""
        self.ended = self.ended or reason
        self._events.clear()
        self._event_bytes = 0
        self._states.clear()
        self._tracks.clear()
        self._signalled = True

    def _offer_tracks(self, message: Message) -> None:
        self.skipped += self._tracks.put(message.topic, message)
        while len(self._tracks) > 1 and self._tracks.size > _MOST_TRACK_BYTES:
            self._tracks.take_first()
            self.skipped += 1

    def _take(self) -> Message | None:
        if self._events:
            message = self._events.popleft()
            self._event_bytes -= len(message.text)
            return message
        for waiting in (self._states, self._tracks):
            if len(waiting) > 0:
                return waiting.take_first()
        return None

    def _signal(self) -> bool:
        woken, self._signalled = self._signalled, True
        return not woken


class _Newest:
    """The newest message of each name, in the order in which the names came."""

    def __init__(self) -> None:
        self.size = 0
        self._messages: dict[str, Message] = {}

    def __len__(self) -> int:
        return len(self._messages)

    def put(self, name: str, message: Message) -> bool:
        """Keep a message; True if it takes the place of one.

        That place stays the same in the line: a busy camera never starves a quiet one.
        """
        replaced = self._messages.get(name)
        self.size += len(message.text) - (0 if replaced is None else len(replaced.text))
        self._messages[name] = message
        return replaced is not None

    def take_first(self) -> Message:
        """The message of the name that came first."""
        message = self._messages.pop(next(iter(self._messages)))
        self.size -= len(message.text)
        return message

    def clear(self) -> None:
        """Forget all."""
        self._messages.clear()
        self.size = 0
