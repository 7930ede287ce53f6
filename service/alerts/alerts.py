"""Alerts as the rest of the service sees them: two hooks of the store's writer, and definitions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from sightline.service.alerts.book import AlertBook
from sightline.service.alerts.dispatcher import Dispatcher
from sightline.service.alerts.outbox import Outbox
from sightline.service.alerts.retries import USUAL, Retries
from sightline.service.config.config import Config
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.deliveries import Delivery
from sightline.service.store.events import StoredEvent

__all__ = ["Alerts"]


class Alerts:
    """Who is told of events.

    Args:
        config: The configuration.
        database: The store.
        clock: Time.
        retries: When what failed is tried again.
        on_delivery: Called after each attempt with the delivery as it then stands, for figures.

    Attributes:
        book: The alerts that there are.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        clock: SteadyClock,
        retries: Retries = USUAL,
        on_delivery: Callable[[Delivery], object] = lambda _: None,
    ) -> None:
        self.book = AlertBook(database, config.alerts, clock.now, self._refresh)
        self._outbox = Outbox(self.book)
        self._dispatcher = Dispatcher(
            self.book,
            database,
            clock.now,
            allowed=config.security.allowed_networks,
            retries=retries,
            on_delivery=on_delivery,
        )

    def start(self) -> None:
        """Read the alerts of the store and begin to deliver, first what was left over.

        Raises:
            StoreError: The store failed.
        """
        self.book.load()
        self._dispatcher.start()

    def close(self) -> None:
        """Stop within some seconds; what is owed stays in the store."""
        self._dispatcher.close()

    def in_transaction(self, session: Session, events: Sequence[StoredEvent]) -> None:
        """The writer's hook inside of the transaction that stores events."""
        self._outbox.add(session, events)

    def on_events(self, events: Sequence[StoredEvent]) -> None:  # noqa: ARG002 - a hook's form
        """The writer's hook after it; the events are those of `in_transaction`."""
        self._dispatcher.wake(self._outbox.committed())

    def test(self, alert: str) -> Delivery:
        """Send a test message, once, and say how it went; blocks for some seconds.

        Raises:
            UnknownError: There is no such alert.
            UnavailableError: Deliveries do not run, or it took too long.
            StoreError: The store failed.
        """
        return self._dispatcher.test(alert)

    def _refresh(self) -> None:
        self._dispatcher.refresh()
