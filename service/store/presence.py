"""When somebody was there: in the picture by stored tracks, in zones by stored events."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from sightline.errors import InputError
from sightline.service.store.statements import among
from sightline.service.store.tables import events, tracks

__all__ = ["MOST_ROWS", "Stay", "stays_between"]

MOST_ROWS = 500_000
"""Tracks and events that are read for one answer, at most."""

_LONGEST_VISIT = 86_400.0


@dataclass(frozen=True, slots=True)
class Stay:
    """One person's time in the picture, or in a zone.

    Args:
        stream: Identifier of the stream.
        zone: Identifier of the zone; empty for the picture as a whole.
        begin: UNIX seconds.
        end: UNIX seconds; of the last sight where it is not over.
        over: Whether it has ended.
    """

    stream: str
    zone: str
    begin: float
    end: float
    over: bool


def stays_between(
    session: Session,
    begin: float,
    end: float,
    *,
    streams: Collection[str] | None = None,
    classes: Collection[str] | None = None,
) -> list[Stay]:
    """Every stay that touches a stretch of time, in no order.

    A visit of a zone is what `zone_exit` says of it; one that has no exit yet began with its
    `zone_enter`, at most a day before the stretch, and lasts until its track was last seen.

    Args:
        session: A transaction.
        begin: UNIX seconds of the first moment.
        end: UNIX seconds of the moment behind it.
        streams: Of these streams; None is all.
        classes: Of these classes; None is all.

    Raises:
        InputError: There are more rows than `MOST_ROWS`.
    """
    stays: list[Stay] = []
    seen: dict[tuple[str, int], float] = {}
    for row in _tracks(session, begin, end, streams, classes):
        stays.append(Stay(row.stream, "", row.started_at, row.seen_at, row.ended))
        seen[row.stream, row.number] = row.seen_at
    left: dict[tuple[str, str, int | None], float] = {}
    entered: dict[tuple[str, str, int | None], float] = {}
    for row in _events(session, begin, streams, classes):
        key = (row.stream, row.rule, row.track)
        if row.kind == "zone_enter":
            entered[key] = row.time
            continue
        left[key] = row.time
        since = row.time - (row.seconds or 0.0)
        if row.time >= begin and since < end:
            stays.append(Stay(row.stream, row.rule, since, row.time, True))
    for key, time in entered.items():
        stream, zone, number = key
        last = None if number is None else seen.get((stream, number))
        if last is not None and begin <= last and time < end and left.get(key, -1.0) < time:
            stays.append(Stay(stream, zone, time, max(last, time), False))
    return stays


def _tracks(
    session: Session,
    begin: float,
    end: float,
    streams: Collection[str] | None,
    classes: Collection[str] | None,
) -> Iterator[Row[Any]]:
    table = tracks.c
    query = select(table.stream, table.number, table.started_at, table.seen_at, table.ended).where(
        among(table.stream, streams),
        among(table.class_name, classes),
        table.seen_at >= begin,
        table.started_at < end,
    )
    return _bounded(session, query)


def _events(
    session: Session,
    begin: float,
    streams: Collection[str] | None,
    classes: Collection[str] | None,
) -> Iterator[Row[Any]]:
    table = events.c
    query = (
        select(table.stream, table.rule, table.kind, table.track, table.time, table.seconds)
        .where(
            among(table.stream, streams),
            among(table.class_name, classes),
            table.kind.in_(["zone_enter", "zone_exit"]),
            table.time >= begin - _LONGEST_VISIT,
        )
        .order_by(table.time, table.id)
    )
    return _bounded(session, query)


def _bounded(session: Session, query: Any) -> Iterator[Row[Any]]:
    for number, row in enumerate(session.execute(query.limit(MOST_ROWS + 1))):
        if number == MOST_ROWS:
            raise InputError(
                f"more than {MOST_ROWS} tracks or events lie in that time; choose a shorter one, "
                "or one stream"
            )
        yield row
