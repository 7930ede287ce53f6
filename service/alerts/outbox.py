"""From events to deliveries, in the transaction that stores the events.

A message is thus owed if and only if its event is stored, whatever happens afterwards; nothing
waits in memory.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from sightline.service.alerts.book import AlertBook
from sightline.service.alerts.filters import Cooldowns, Subject, wants
from sightline.service.config.alerts import Alert
from sightline.service.rules.events import Event
from sightline.service.store.deliveries import (
    Delivery,
    add_deliveries,
    last_deliveries,
    pending_counts,
)
from sightline.service.store.events import StoredEvent
from sightline.service.store.identifiers import new_id

__all__ = ["MOST_WAITING", "Outbox"]

MOST_WAITING = 10_000
"""Deliveries that wait for one target; what comes on top is a dead letter at once."""


class Outbox:
    """Writes deliveries; used by one thread, the store's writer.

    Args:
        book: The alerts.
    """

    def __init__(self, book: AlertBook) -> None:
        self._book = book
        self._cooldowns: dict[str, tuple[Alert, Cooldowns]] = {}
        self._planned: list[tuple[str, Cooldowns, dict[Subject, list[Event]]]] = []

    def add(self, session: Session, events: Sequence[StoredEvent]) -> None:
        """Store what is owed for events; may be called again if the transaction failed.

        Args:
            session: The transaction that stores the events.
            events: All events of the transaction.
        """
        self._planned.clear()
        views = self._book.views()
        known = {view.alert.id for view in views}
        self._cooldowns = {key: pair for key, pair in self._cooldowns.items() if key in known}
        waiting: dict[str, int] | None = None
        for alert in (view.alert for view in views):
            wanted = {id(stored.event): stored for stored in events if wants(alert, stored.event)}
            if not wanted:
                continue
            cooldowns = self._cooldowns_of(session, alert, events)
            passed = cooldowns.passing(stored.event for stored in wanted.values())
            chosen = [wanted[id(event)] for group in passed.values() for event in group]
            if waiting is None:
                waiting = pending_counts(session)
            free = max(MOST_WAITING - waiting.get(alert.id, 0), 0)
            chosen.sort(key=lambda stored: stored.id)
            add_deliveries(
                session,
                [_delivery(alert, one, full=number >= free) for number, one in enumerate(chosen)],
            )
            self._planned.append((alert.id, cooldowns, passed))

    def committed(self) -> set[str]:
        """The transaction of the last `add` is stored: cooldowns begin.

        Returns:
            Identifiers of the alerts that have something to deliver.
        """
        for _, cooldowns, passed in self._planned:
            cooldowns.note(passed)
        owed = {name for name, _, passed in self._planned if passed}
        self._planned.clear()
        return owed

    def _cooldowns_of(
        self, session: Session, alert: Alert, events: Sequence[StoredEvent]
    ) -> Cooldowns:
        known = self._cooldowns.get(alert.id)
        if known is not None and known[0] is alert:
            return known[1]
        last: dict[Subject, float] = {}
        if alert.cooldown:
            since = min(stored.event.decided for stored in events) - alert.cooldown
            last = last_deliveries(session, alert.id, since)
        cooldowns = Cooldowns(alert.cooldown, last.items())
        self._cooldowns[alert.id] = (alert, cooldowns)
        return cooldowns


def _delivery(alert: Alert, stored: StoredEvent, *, full: bool) -> Delivery:
    event = stored.event
    return Delivery(
        id=new_id(),
        alert=alert.id,
        event=stored.id,
        kind=event.kind,
        stream=event.stream,
        rule=event.rule,
        state="dead" if full else "pending",
        attempts=0,
        created_at=event.decided,
        next_at=None if full else event.decided,
        finished_at=event.decided if full else None,
        error=f"{MOST_WAITING} messages wait for this target" if full else None,
    )
