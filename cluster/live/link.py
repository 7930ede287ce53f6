"""The service's side of one agent: tells it things in order, fetches what it tells, sees it end.

Both directions are plain calls of the actor, one at a time each: what is told arrives in order,
and an answer that does not come is the sign that the node is gone.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

from sightline.cluster.live.wire import ToAgent, ToService
from sightline.service.engine.watchdog import Watchdog
from sightline.service.steady import SteadyClock

__all__ = ["Link"]

_log = logging.getLogger(__name__)

_SILENCE_SECONDS = 3.0
"""Without an answer for so long a node is gone; an agent answers twice a second, and more often."""
_LOOK_SECONDS = 0.25
_TAKE_SECONDS = 0.5
_START_SECONDS = 120.0
"""An agent's process imports what it needs, on a machine that may be busy."""
_PICTURE_SECONDS = 1.0
_PINGS = 5


class Link:
    """Talks with an agent in two threads of its own; `start` begins.

    Args:
        actor: The agent's Ray handle.
        clock: The service's time, which the agent gets, too.
        on_message: Called by one thread with everything that the agent tells, in order.
        on_open: Called once when the agent works.
        on_lost: Called once when it is gone, with the reason.
    """

    def __init__(
        self,
        actor: Any,
        clock: SteadyClock,
        on_message: Callable[[ToService], None],
        on_open: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.pid = 0
        self._actor = actor
        self._clock = clock
        self._on_message = on_message
        self._on_open = on_open
        self._on_lost = on_lost
        self._orders: queue.SimpleQueue[ToAgent | None] = queue.SimpleQueue()
        self._ended = threading.Event()
        self._losing = threading.Lock()
        self._listener = threading.Thread(target=self._listen, name="node-listener", daemon=True)
        self._sender = threading.Thread(target=self._send_all, name="node-sender", daemon=True)

    def start(self) -> None:
        """Wait for the agent beside the caller, and talk with it from then on."""
        self._listener.start()

    def send(self, message: ToAgent) -> None:
        """Tell the agent something, soon and in order.

        Raises:
            OSError: It is gone.
        """
        if self._ended.is_set():
            raise OSError("the node is gone")
        self._orders.put(message)

    def picture(self, ring: str, after: int) -> tuple[bytes, int, float] | None:
        """The newest picture of a ring, None where none is newer or the agent does not answer."""
        import ray
        from ray.exceptions import RayError

        if self._ended.is_set():
            return None
        try:
            found: tuple[bytes, int, float] | None = ray.get(
                self._actor.picture.remote(ring, after), timeout=_PICTURE_SECONDS
            )
        except RayError:
            return None
        return found

    def close(self) -> None:
        """End the agent: its readers and its engine first, a moment later all of it."""
        import ray
        from ray.exceptions import RayError

        if self._end():
            try:
                ray.get(self._actor.close.remote(), timeout=_SILENCE_SECONDS)
            except RayError as error:
                _log.debug("an agent did not close: %s", error)
            ray.kill(self._actor)

    def kill(self) -> None:
        """End the agent now, if it can be reached."""
        import ray

        self._end()
        ray.kill(self._actor)

    def _end(self) -> bool:
        with self._losing:
            if self._ended.is_set():
                return False
            self._ended.set()
        self._orders.put(None)
        return True

    def _lose(self, reason: str) -> None:
        if self._end():
            self._on_lost(reason)

    def _listen(self) -> None:
        from ray.exceptions import RayError

        try:
            self._answer(self._actor.monotonic.remote(), _START_SECONDS)
            self.pid = self._answer(self._actor.begin.remote(self._offset()), _START_SECONDS)
            if self._ended.is_set():
                return
            self._sender.start()
            self._on_open()
            while not self._ended.is_set():
                for message in self._answer(
                    self._actor.take.remote(_TAKE_SECONDS), _SILENCE_SECONDS
                ):
                    self._on_message(message)
        except TimeoutError as error:
            self._lose(str(error))
        except RayError as error:
            self._lose(_first_line(error))

    def _send_all(self) -> None:
        """Tell all that waits, in one call after the other."""
        from ray.exceptions import RayError

        while (order := self._orders.get()) is not None:
            orders = [order]
            while not self._orders.empty():
                following = self._orders.get()
                if following is None:
                    return
                orders.append(following)
            try:
                self._answer(self._actor.give.remote(orders), _START_SECONDS)
            except (TimeoutError, RayError):
                return  # the listener notices, too

    def _answer(self, reference: Any, patience: float) -> Any:
        """Wait for an answer, in time in which this process was awake.

        Raises:
            TimeoutError: None came.
            RayError: The agent is gone.
        """
        import ray

        watchdog = Watchdog(time.monotonic(), 2 * _LOOK_SECONDS)
        while not self._ended.is_set():
            ready, _ = ray.wait([reference], timeout=_LOOK_SECONDS)
            if ready:
                return ray.get(reference)
            if watchdog.look(time.monotonic()) > patience:
                raise TimeoutError(f"no answer for {patience:.0f} s")
        return []

    def _offset(self) -> float:
        """What makes the service's time of the agent's monotonic clock.

        Of some questions the one that was answered fastest is the most exact (Cristian,
        "Probabilistic clock synchronization", 1989).
        """
        best: tuple[float, float] | None = None
        for _ in range(_PINGS):
            asked = self._clock.now()
            there = self._answer(self._actor.monotonic.remote(), _START_SECONDS)
            answered = self._clock.now()
            took = answered - asked
            if there and (best is None or took < best[0]):
                best = (took, (asked + answered) / 2 - there)
        return 0.0 if best is None else best[1]


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
