"""How often each thing happened, by the minute; everything longer is a sum."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from sightline.errors import InputError
from sightline.service.rules.events import Event
from sightline.service.store.pages import Page, read_page
from sightline.service.store.statements import among, insert_into
from sightline.service.store.tables import counts

__all__ = ["MINUTE", "StoredCount", "add_counts", "list_counts"]

MINUTE = 60
"""Seconds of the shortest stretch."""


@dataclass(frozen=True, slots=True)
class StoredCount:
    """How often something happened in one stretch of time.

    Args:
        start: Beginning in UNIX seconds, a multiple of the stretch's length.
        stream: Identifier of the stream.
        rule: Identifier of the zone or line; empty where there is none.
        kind: What happened.
        direction: Which way; empty where there is none.
        count: How often.
    """

    start: int
    stream: str
    rule: str
    kind: str
    direction: str
    count: int


def add_counts(session: Session, events: Iterable[Event]) -> None:
    """Count events in the minute in which they happened.

    Called in the transaction that stores the events, with those that it really stored.
    """
    numbers = Counter(
        (
            math.floor(event.time / MINUTE) * MINUTE,
            event.stream,
            event.rule,
            event.kind,
            event.direction or "",
        )
        for event in events
    )
    if not numbers:
        return
    names = ("start", "stream", "rule", "kind", "direction")
    rows = [
        {**dict(zip(names, key, strict=True)), "count": number} for key, number in numbers.items()
    ]
    insert = insert_into(session, counts)
    statement = insert.on_conflict_do_update(
        index_elements=names, set_={"count": counts.c.count + insert.excluded["count"]}
    )
    session.execute(statement.returning(counts.c.start), rows)


def list_counts(
    session: Session,
    *,
    bucket: int = MINUTE,
    streams: Collection[str] | None = None,
    rules: Collection[str] | None = None,
    kinds: Collection[str] | None = None,
    directions: Collection[str] | None = None,
    begin: float | None = None,
    end: float | None = None,
    cursor: str | None = None,
    limit: int = 1000,
) -> Page[StoredCount]:
    """Counts that are not 0, the earliest first.

    Args:
        session: A transaction.
        bucket: Seconds of a stretch, a multiple of 60; stretches begin at multiples of it.
        streams: Of these streams; None is all, as for the following.
        rules: Of these zones and lines.
        kinds: Of these kinds.
        directions: Of these directions.
        begin: Of minutes that begin at or after these UNIX seconds.
        end: Of minutes that begin before these UNIX seconds.
        cursor: Where the page before ended.
        limit: Most items of the page.

    Raises:
        InputError: The stretch is no multiple of a minute; else as `read_page`.
    """
    if bucket < MINUTE or bucket % MINUTE:
        raise InputError(f"counts are kept by the minute; bucket={bucket} s is no multiple of 60 s")
    table = counts.c
    minutes = select(
        (table.start - table.start % bucket).label("bucket"),
        table.stream,
        table.rule,
        table.kind,
        table.direction,
        table.count,
    ).where(
        among(table.stream, streams),
        among(table.rule, rules),
        among(table.kind, kinds),
        among(table.direction, directions),
    )
    if begin is not None:
        minutes = minutes.where(table.start >= begin)
    if end is not None:
        minutes = minutes.where(table.start < end)
    chosen = minutes.subquery().c
    order = (chosen.bucket, chosen.stream, chosen.rule, chosen.kind, chosen.direction)
    query = select(*order, func.sum(chosen.count).label("total")).group_by(*order)
    return read_page(session, query, order, _from_row, cursor=cursor, limit=limit, descending=False)


def _from_row(row: Row[Any]) -> StoredCount:
    values = row._mapping
    return StoredCount(
        int(values["bucket"]),
        values["stream"],
        values["rule"],
        values["kind"],
        values["direction"],
        int(values["total"]),
    )
