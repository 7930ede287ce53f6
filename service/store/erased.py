"""Which tracks were erased, so that what is still on its way to the store is left out."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from sightline.service.store.statements import insert_into
from sightline.service.store.tables import erased

__all__ = ["erased_numbers", "note_erased"]


def note_erased(session: Session, stream: str, numbers: Collection[int], now: float) -> None:
    """Remember that tracks of a stream are erased: by number alone, nothing else of them."""
    if numbers:
        statement = insert_into(session, erased).on_conflict_do_nothing()
        rows = [{"stream": stream, "number": number, "at": now} for number in numbers]
        session.execute(statement.returning(erased.c.number), rows)


def erased_numbers(session: Session, streams: Collection[str]) -> Mapping[str, set[int]]:
    """Erased tracks of some streams, by stream."""
    numbers: dict[str, set[int]] = {stream: set() for stream in streams}
    query = select(erased.c.stream, erased.c.number).where(erased.c.stream.in_(list(streams)))
    for stream, number in session.execute(query):
        numbers[stream].add(number)
    return numbers
