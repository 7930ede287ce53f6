"""From the threads of the engine, the store and the cameras to everybody who listens.

A listener that is slow costs no more than a fixed amount of memory and slows nobody: of the
tracks of a camera it gets the newest, of its states too; events are never left out, so a listener
that is too far behind with them is ended instead, and goes on later from the last event it had.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sightline.service.cameras.status import StreamStatus
from sightline.service.engine.messages import FrameResult
from sightline.service.live.messages import (
    Message,
    event_message,
    frame_message,
    removed_message,
    state_message,
)
from sightline.service.live.subscription import Subscription
from sightline.service.steady import SteadyClock

if TYPE_CHECKING:
    from sightline.service.store.events import StoredEvent

__all__ = ["Hub", "HubStatistics"]


@dataclass(frozen=True, slots=True)
class HubStatistics:
    """What the hub did since it began.

    Args:
        listeners: Subscriptions now.
        delivered: Messages handed to listeners.
        skipped: Track messages that a newer one replaced before a listener took them.
        too_slow: Listeners that were ended because they were too far behind.
        most_held: Bytes that wait for the slowest listener.
    """

    listeners: int
    delivered: int
    skipped: int
    too_slow: int
    most_held: int = 0


class Hub:
    """Publishes from any thread to the listeners in one event loop.

    Args:
        clock: The service's time.
    """

    def __init__(self, clock: SteadyClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listeners: dict[Subscription, set[str]] = {}
        self._topics: dict[str, set[Subscription]] = {}
        self._frames: dict[str, FrameResult] = {}
        self._states: dict[str, StreamStatus] = {}
        self._waiters: dict[str, _FrameWaiter] = {}
        self._to_wake: list[Subscription | _FrameWaiter] = []
        self._wake_planned = False
        self._closed = False
        self._gone = HubStatistics(0, 0, 0, 0)

    @property
    def statistics(self) -> HubStatistics:
        """What it did so far."""
        with self._lock:
            present = self._listeners
            return HubStatistics(
                len(present),
                self._gone.delivered + sum(one.delivered for one in present),
                self._gone.skipped + sum(one.skipped for one in present),
                self._gone.too_slow + sum(one.ended == "too_slow" for one in present),
                max((one.held_bytes for one in present), default=0),
            )

    def publish_frame(self, result: FrameResult) -> None:
        """Tell who is where in a stream; from any thread."""
        message = frame_message(result) if f"tracks:{result.stream}" in self._topics else None
        with self._lock:
            self._frames[result.stream] = result
            self._release(result.stream, over=False)
            self._publish(message)

    def publish_events(self, events: Iterable[StoredEvent]) -> None:
        """Tell what happened, in the order of the store; from any thread."""
        messages = [event_message(stored) for stored in events]
        with self._lock:
            self._publish(*messages)

    def publish_state(self, status: StreamStatus) -> None:
        """Tell what a camera is doing; from any thread."""
        message = state_message(status, self._clock.now())
        with self._lock:
            self._states[status.stream] = status
            self._publish(message)

    def forget(self, stream: str) -> None:
        """Tell that a camera is no longer there; from any thread."""
        with self._lock:
            self._states.pop(stream, None)
            self._frames.pop(stream, None)
            self._release(stream, over=True)
            for subscription in self._topics.pop(f"tracks:{stream}", ()):
                self._listeners[subscription].discard(f"tracks:{stream}")
            self._publish(removed_message(stream))

    def subscribe(self, streams: Collection[str] | None) -> Subscription:
        """A listener without topics yet; call it in the event loop, `leave` at the end.

        Args:
            streams: Identifiers of the streams it may hear of; None for all.
        """
        with self._lock:
            self._loop = asyncio.get_running_loop()
            subscription = Subscription(streams, self._lock)
            self._listeners[subscription] = set()
            if self._closed:
                subscription.end("closed")
                subscription.wake()
        return subscription

    def listen(self, subscription: Subscription, topics: Collection[str]) -> None:
        """Add topics; of states and tracks what is known now comes at once.

        Args:
            subscription: Who listens.
            topics: `tracks:ID`, `events`, `states`; those it has already change nothing.
        """
        now = self._clock.now()
        with self._lock:
            mine = self._listeners[subscription]
            for topic in topics:
                if topic in mine:
                    continue
                mine.add(topic)
                self._topics.setdefault(topic, set()).add(subscription)
                for known in self._known(topic, now):
                    if subscription.offer(known):
                        subscription.wake()

    def mute(self, subscription: Subscription, topics: Collection[str]) -> None:
        """Take topics away; what waits already still comes."""
        with self._lock:
            self._listeners[subscription].difference_update(topics)
            self._unlist(subscription, topics)

    def topics(self, subscription: Subscription) -> Sequence[str]:
        """The topics of a listener, sorted."""
        with self._lock:
            return sorted(self._listeners[subscription])

    def give_up(self, subscription: Subscription) -> None:
        """End a listener that does not take what it is sent; call it in the event loop."""
        with self._lock:
            subscription.end("too_slow")
            subscription.wake()

    def leave(self, subscription: Subscription) -> None:
        """End a subscription."""
        with self._lock:
            self._unlist(subscription, self._listeners.pop(subscription))
            gone = self._gone
            self._gone = HubStatistics(
                0,
                gone.delivered + subscription.delivered,
                gone.skipped + subscription.skipped,
                gone.too_slow + (subscription.ended == "too_slow"),
            )

    def frame(self, stream: str) -> FrameResult | None:
        """The newest result of a stream, or None before the first."""
        with self._lock:
            return self._frames.get(stream)

    async def next_frame(self, stream: str, after: float) -> FrameResult | None:
        """Wait for a result of a frame captured after a time; None if there will be none any more.

        Args:
            stream: Identifier of the stream.
            after: UNIX seconds.
        """
        while True:
            with self._lock:
                if self._closed:
                    return None
                self._loop = asyncio.get_running_loop()
                result = self._frames.get(stream)
                if result is not None and result.captured_at > after:
                    return result
                waiter = self._waiters.setdefault(stream, _FrameWaiter())
            await waiter.ready.wait()
            if waiter.over:
                return None

    def close(self) -> None:
        """End all subscriptions and whoever waits for frames; from any thread."""
        with self._lock:
            self._closed = True
            for subscription in self._listeners:
                subscription.end("closed")
                self._to_wake.append(subscription)
            for stream in list(self._waiters):
                self._release(stream, over=True)
            self._plan_wake()

    def _release(self, stream: str, *, over: bool) -> None:
        waiter = self._waiters.pop(stream, None)
        if waiter is not None:
            waiter.over = over
            self._to_wake.append(waiter)

    def _publish(self, *messages: Message | None) -> None:
        for message in messages:
            if message is not None:
                listeners = self._topics.get(message.topic, ())
                self._to_wake += [one for one in listeners if one.offer(message)]
        self._plan_wake()

    def _plan_wake(self) -> None:
        # One call into the loop for all who listen: fifty would cost more than the message.
        if self._to_wake and not self._wake_planned and self._loop is not None:
            if self._loop.is_closed():
                self._to_wake.clear()
                return
            self._wake_planned = True
            self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        with self._lock:
            ready, self._to_wake = self._to_wake, []
            self._wake_planned = False
        for one in ready:
            one.wake()

    def _known(self, topic: str, now: float) -> list[Message]:
        if topic == "states":
            return [state_message(status, now) for status in self._states.values()]
        result = self._frames.get(topic.removeprefix("tracks:"))
        return [] if result is None else [frame_message(result)]

    def _unlist(self, subscription: Subscription, topics: Iterable[str]) -> None:
        for topic in topics:
            listeners = self._topics.get(topic)
            if listeners is not None:
                listeners.discard(subscription)
                if not listeners:
                    del self._topics[topic]


@dataclass(slots=True, eq=False)
class _FrameWaiter:
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    over: bool = False

    def wake(self) -> None:
        self.ready.set()
