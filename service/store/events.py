"""Events as they are stored."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import Row, Select, and_, select
from sqlalchemy.orm import Session

from sightline.service.rules.events import Direction, Event, EventKind
from sightline.service.store.pages import Page, read_page
from sightline.service.store.statements import among, insert_into
from sightline.service.store.tables import events, identities

__all__ = [
    "StoredEvent",
    "events_after",
    "get_event",
    "get_events",
    "insert_events",
    "list_events",
]


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event with the identifier that it keeps for ever.

    Args:
        id: UUIDv7, which sorts by when the service learnt of the event.
        event: What happened.
    """

    id: str
    event: Event

    def as_dict(self) -> dict[str, Any]:
        """Identifier and the fields that are set, as JSON takes them."""
        return {"id": self.id, **self.event.as_dict()}


def insert_events(session: Session, items: Collection[StoredEvent]) -> list[StoredEvent]:
    """Store events, and return those that were not there already."""
    if not items:
        return []
    statement = insert_into(session, events).on_conflict_do_nothing().returning(events.c.id)
    inserted = set(session.scalars(statement, [_as_row(item) for item in items]))
    return [item for item in items if item.id in inserted]


def get_event(session: Session, event_id: str) -> StoredEvent | None:
    """One event, None where there is none of that name."""
    return next(iter(get_events(session, [event_id])), None)


def get_events(session: Session, ids: Iterable[str]) -> list[StoredEvent]:
    """Those of the events that exist, in order of their identifiers; some hundreds at once."""
    query = _with_identities().where(events.c.id.in_(list(ids))).order_by(events.c.id)
    return [_from_row(row) for row in session.execute(query)]


def events_after(
    session: Session,
    event_id: str,
    *,
    streams: Collection[str] | None = None,
    limit: int = 500,
) -> list[StoredEvent]:
    """Events that the service learnt of behind one, the oldest first; that one may be gone.

    Args:
        session: A transaction.
        event_id: Identifier of an event.
        streams: Of these streams; None is all.
        limit: Most of them.
    """
    query = _with_identities().where(events.c.id > event_id, among(events.c.stream, streams))
    return [_from_row(row) for row in session.execute(query.order_by(events.c.id).limit(limit))]


def list_events(
    session: Session,
    *,
    streams: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
    rules: Collection[str] | None = None,
    classes: Collection[str] | None = None,
    track: tuple[str, int] | None = None,
    identity: int | None = None,
    begin: float | None = None,
    end: float | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[StoredEvent]:
    """Events, the latest first.

    Args:
        session: A transaction.
        streams: Of these streams; None is all, as for the following.
        kinds: Of these kinds.
        rules: Of these zones and lines.
        classes: Of tracks of these classes.
        track: Of one track: its stream and its number.
        identity: Of tracks that were joined under this number.
        begin: Not before these UNIX seconds.
        end: Before these UNIX seconds.
        cursor: Where the page before ended.
        limit: Most items of the page.

    Raises:
        InputError: As `read_page`.
    """
    table = events.c
    query = _with_identities().where(
        among(table.stream, streams),
        among(table.kind, kinds),
        among(table.rule, rules),
        among(table.class_name, classes),
    )
    if track is not None:
        query = query.where(and_(table.stream == track[0], table.track == track[1]))
    if identity is not None:
        query = query.where(identities.c.identity == identity)
    if begin is not None:
        query = query.where(table.time >= begin)
    if end is not None:
        query = query.where(table.time < end)
    return read_page(session, query, (table.time, table.id), _from_row, cursor=cursor, limit=limit)


def _with_identities() -> Select[Any]:
    """Events with the number that their track has across cameras, NULL where it has none."""
    mine = and_(identities.c.stream == events.c.stream, identities.c.number == events.c.track)
    return select(events, identities.c.identity).outerjoin(identities, mine)


def _as_row(item: StoredEvent) -> dict[str, Any]:
    event = item.event
    x, y = event.position if event.position is not None else (None, None)
    return {
        "id": item.id,
        "stream": event.stream,
        "kind": event.kind,
        "rule": event.rule,
        "time": event.time,
        "decided": event.decided,
        "track": event.track,
        "class_name": event.class_name,
        "direction": event.direction,
        "x": x,
        "y": y,
        "seconds": event.seconds,
        "count": event.count,
        "state": event.state,
        "error_code": event.error_code,
    }


def _from_row(row: Row[Any]) -> StoredEvent:
    values = row._mapping
    event = Event(
        stream=values["stream"],
        kind=cast(EventKind, values["kind"]),
        rule=values["rule"],
        time=values["time"],
        decided=values["decided"],
        track=values["track"],
        class_name=values["class_name"],
        direction=cast("Direction | None", values["direction"]),
        position=None if values["x"] is None else (values["x"], values["y"]),
        seconds=values["seconds"],
        count=values["count"],
        state=values["state"],
        error_code=values["error_code"],
        identity=values["identity"],
    )
    return StoredEvent(values["id"], event)
