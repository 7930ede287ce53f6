"""Where each stream's tracking goes on after a restart."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from sightline.service.engine.messages import SavedState
from sightline.service.store.statements import insert_into
from sightline.service.store.tables import states

__all__ = ["forget_state", "get_state", "note_numbers", "reserve_numbers", "save_states"]

_GAP: Final = 1000


def get_state(session: Session, stream: str) -> SavedState | None:
    """The last saved state of a stream, None where there is none."""
    row = session.execute(select(states).where(states.c.stream == stream)).first()
    if row is None or row.data is None:
        return None
    return SavedState(stream, row.at, row.data)


def reserve_numbers(session: Session, stream: str) -> int:
    """The number from which a stream's tracks may count on, which makes them unique for ever.

    Leaves room for tracks that lived in the last moments before a crash, unknown to the store.
    """
    last = session.scalar(select(states.c.last_number).where(states.c.stream == stream))
    if last is None:
        note_numbers(session, {stream: 0})
        return 1
    note_numbers(session, {stream: last + _GAP})
    return int(last) + _GAP + 1


def save_states(session: Session, items: Collection[SavedState]) -> None:
    """Store states, one a stream, in place of earlier ones."""
    if not items:
        return
    insert = insert_into(session, states)
    statement = insert.on_conflict_do_update(
        index_elements=["stream"],
        set_={"at": insert.excluded["at"], "data": insert.excluded["data"]},
    )
    rows = [
        {"stream": item.stream, "last_number": 0, "at": item.at, "data": item.data}
        for item in items
    ]
    session.execute(statement.returning(states.c.stream), rows)


def note_numbers(session: Session, numbers: Mapping[str, int]) -> None:
    """Remember the largest track number of each stream; smaller ones change nothing."""
    if not numbers:
        return
    insert = insert_into(session, states)
    given = insert.excluded["last_number"]
    larger = case((given > states.c.last_number, given), else_=states.c.last_number)
    statement = insert.on_conflict_do_update(
        index_elements=["stream"], set_={"last_number": larger}
    )
    rows = [{"stream": stream, "last_number": number} for stream, number in numbers.items()]
    session.execute(statement.returning(states.c.stream), rows)


def forget_state(session: Session, stream: str) -> None:
    """Begin a stream's tracking anew, after the numbers that were used."""
    session.execute(update(states).where(states.c.stream == stream).values(at=None, data=None))
