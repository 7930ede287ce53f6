"""Messages to targets: which are due, which arrived, which were given up."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Literal, cast

from sqlalchemy import Row, func, select, update
from sqlalchemy.orm import Session

from sightline.service.store.pages import Page, read_page
from sightline.service.store.statements import among, insert_into
from sightline.service.store.tables import deliveries

__all__ = [
    "Delivery",
    "DeliveryState",
    "add_deliveries",
    "bury_deliveries",
    "due_deliveries",
    "last_deliveries",
    "list_deliveries",
    "next_due",
    "pending_counts",
    "update_delivery",
]

DeliveryState = Literal["pending", "delivered", "dead"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one target; it is made from the event when it is sent.

    Args:
        id: UUIDv7, by which the target knows a message that comes twice.
        alert: Identifier of the alert.
        event: Identifier of the event; None is a test.
        kind: Kind of the event.
        stream: Stream of the event.
        rule: Rule of the event.
        state: `dead` after the last attempt.
        attempts: How often it was tried.
        created_at: UNIX seconds.
        next_at: UNIX seconds of the next attempt, while it is pending.
        finished_at: UNIX seconds at which it arrived or was given up.
        error: Why the last attempt failed, in a sentence.
    """

    id: str
    alert: str
    event: str | None
    kind: str
    stream: str
    rule: str
    state: DeliveryState
    attempts: int
    created_at: float
    next_at: float | None
    finished_at: float | None = None
    error: str | None = None


def add_deliveries(session: Session, items: Collection[Delivery]) -> None:
    """Store deliveries; a second one of an event to the same alert changes nothing."""
    if items:
        statement = insert_into(session, deliveries).on_conflict_do_nothing()
        rows = [dataclasses.asdict(item) for item in items]
        session.execute(statement.returning(deliveries.c.id), rows)


def due_deliveries(session: Session, alert: str, now: float, limit: int) -> list[Delivery]:
    """Pending deliveries of an alert whose time has come, the longest waiting first."""
    query = (
        select(deliveries)
        .where(_pending(alert), deliveries.c.next_at <= now)
        .order_by(deliveries.c.next_at, deliveries.c.id)
        .limit(limit)
    )
    return [_from_row(row) for row in session.execute(query)]


def next_due(session: Session, alert: str) -> float | None:
    """UNIX seconds at which the next delivery of an alert is due, None where there is none."""
    query = select(func.min(deliveries.c.next_at)).where(_pending(alert))
    return cast("float | None", session.scalar(query))


def update_delivery(session: Session, delivery: Delivery) -> None:
    """Store how an attempt ended."""
    values = dataclasses.asdict(delivery)
    changing = ("state", "attempts", "next_at", "finished_at", "error")
    session.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery.id)
        .values({name: values[name] for name in changing})
    )


def pending_counts(session: Session) -> dict[str, int]:
    """Pending deliveries by alert."""
    query = (
        select(deliveries.c.alert, func.count())
        .where(deliveries.c.state == "pending")
        .group_by(deliveries.c.alert)
    )
    return {alert: int(number) for alert, number in session.execute(query)}


def last_deliveries(
    session: Session, alert: str, since: float
) -> dict[tuple[str, str, str], float]:
    """When the last delivery of each (kind, stream, rule) of an alert was made, since then."""
    table = deliveries.c
    query = (
        select(table.kind, table.stream, table.rule, func.max(table.created_at))
        .where(table.alert == alert, table.created_at >= since, table.event.is_not(None))
        .group_by(table.kind, table.stream, table.rule)
    )
    return {(kind, stream, rule): at for kind, stream, rule, at in session.execute(query)}


def list_deliveries(
    session: Session,
    alert: str,
    *,
    state: DeliveryState | None = None,
    streams: Collection[str] | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[Delivery]:
    """Deliveries of an alert, the newest first; of all states and streams where not said.

    Raises:
        InputError: As `read_page`.
    """
    table = deliveries.c
    query = select(deliveries).where(table.alert == alert, among(table.stream, streams))
    if state is not None:
        query = query.where(table.state == state)
    order = (table.created_at, table.id)
    return read_page(session, query, order, _from_row, cursor=cursor, limit=limit)


def bury_deliveries(session: Session, alert: str, reason: str, now: float) -> None:
    """Give up all pending deliveries of an alert."""
    session.execute(
        update(deliveries)
        .where(_pending(alert))
        .values(state="dead", next_at=None, finished_at=now, error=reason)
    )


def _pending(alert: str) -> Any:
    return (deliveries.c.alert == alert) & (deliveries.c.state == "pending")


def _from_row(row: Row[Any]) -> Delivery:
    return Delivery(**row._mapping)
