"""One alert's deliveries: what is due is sent, what fails is tried again, for a day.

A courier knows its own target alone, so that a slow one holds up nobody else.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace

from sqlalchemy.orm import Session

from sightline.service.alerts.retries import Retries
from sightline.service.alerts.store_thread import StoreThread
from sightline.service.alerts.targets import DeliveryError, Message, Target
from sightline.service.store.deliveries import (
    Delivery,
    add_deliveries,
    due_deliveries,
    next_due,
    update_delivery,
)
from sightline.service.store.errors import StoreError
from sightline.service.store.events import StoredEvent, get_events

__all__ = ["Courier"]

_log = logging.getLogger(__name__)

_AT_ONCE = 4
_BATCH = 64
_STORE_PAUSE = 2.0


class Courier:
    """Delivers one alert's messages; lives in one event loop.

    Args:
        alert: Identifier of the alert.
        target: Where its messages go.
        store: The store.
        now: UNIX seconds.
        retries: When what failed is tried again.
        on_delivery: Called after each attempt with the delivery as it then stands.
    """

    def __init__(
        self,
        alert: str,
        target: Target,
        store: StoreThread,
        now: Callable[[], float],
        retries: Retries,
        on_delivery: Callable[[Delivery], object],
    ) -> None:
        self.alert = alert
        self._target = target
        self._store = store
        self._now = now
        self._retries = retries
        self._on_delivery = on_delivery
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """There may be something new."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        try:
            while True:
                self._wake.clear()
                try:
                    wait = await self.deliver_due()
                except StoreError as error:
                    _log.warning("alert %s waits for the store: %s", self.alert, error)
                    wait = _STORE_PAUSE
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
        finally:
            await self.close()

    async def close(self) -> None:
        """Give up what the target holds open."""
        await self._target.close()

    async def deliver_due(self) -> float | None:
        """Attempt everything that is due.

        Returns:
            Seconds until more is due, or None if nothing waits.

        Raises:
            StoreError: The store failed; what was sent meanwhile may be sent again.
        """
        while True:
            due = await self._store.read(functools.partial(_due, self.alert, self._now()))
            if not due:
                break
            await _at_most(_AT_ONCE, (self._attempt(*pair) for pair in due))
        at = await self._store.read(lambda session: next_due(session, self.alert))
        return None if at is None else max(at - self._now(), 0.0)

    async def test(self, delivery: Delivery) -> Delivery:
        """Send a test message, once, and store how it went.

        Raises:
            StoreError: The store failed.
        """
        message = Message.of_test(delivery.id, self.alert)
        after = self._outcome(delivery, await self._send(message), last=True)
        await self._store.change(lambda session: add_deliveries(session, [after]))
        return after

    async def _attempt(self, delivery: Delivery, stored: StoredEvent | None) -> None:
        if stored is None:
            gone = DeliveryError("its event is no longer stored")
            after = self._outcome(delivery, gone, last=True)
        else:
            message = Message.of_event(delivery.id, self.alert, stored.id, stored.event)
            after = self._outcome(delivery, await self._send(message), last=False)
        await self._store.change(lambda session: update_delivery(session, after))

    async def _send(self, message: Message) -> DeliveryError | None:
        try:
            await self._target.send(message)
        except DeliveryError as error:
            return error
        except Exception as error:
            # A target that makes a library fail in an unforeseen way must not end the others.
            _log.exception("alert %s: delivery %s", self.alert, message.id)
            return DeliveryError(f"failed ({type(error).__name__}); see the log")
        return None

    def _outcome(self, delivery: Delivery, error: DeliveryError | None, *, last: bool) -> Delivery:
        now, attempts = self._now(), delivery.attempts + 1
        again = None
        if error is not None and not last:
            again = self._retries.next_at(delivery.created_at, attempts, now, error.retry_after)
        after = replace(
            delivery,
            state="delivered" if error is None else "dead" if again is None else "pending",
            attempts=attempts,
            next_at=again,
            finished_at=now if again is None else None,
            error=None if error is None else str(error),
        )
        self._on_delivery(after)
        return after


def _due(alert: str, now: float, session: Session) -> list[tuple[Delivery, StoredEvent | None]]:
    deliveries = due_deliveries(session, alert, now, _BATCH)
    wanted = [delivery.event for delivery in deliveries if delivery.event is not None]
    events = {stored.id: stored for stored in get_events(session, wanted)}
    return [(delivery, events.get(delivery.event or "")) for delivery in deliveries]


async def _at_most(count: int, works: Iterable[Coroutine[None, None, None]]) -> None:
    turn = asyncio.Semaphore(count)

    async def in_turn(work: Coroutine[None, None, None]) -> None:
        async with turn:
            await work

    # All come to their end, so that no attempt goes on behind the back of the next round.
    for result in await asyncio.gather(*map(in_turn, works), return_exceptions=True):
        if isinstance(result, BaseException):
            raise result
