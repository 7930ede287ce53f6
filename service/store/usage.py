"""How much the store holds of what grows, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Column, func, select
from sqlalchemy.orm import Session

from sightline.service.store.tables import audit, counts, events, jobs, recordings, tracks

__all__ = ["Usage", "read_usage"]

_GROWING: Final[dict[str, Column[Any]]] = {
    "events": events.c.time,
    "tracks": tracks.c.started_at,
    "recordings": recordings.c.begin,
    "counts": counts.c.start,
    "jobs": jobs.c.created_at,
    "audit": audit.c.at,
}


@dataclass(frozen=True, slots=True)
class Usage:
    """What there is of one kind.

    Args:
        kind: Name of its table.
        rows: How many there are.
        oldest: UNIX seconds of the first; None where there is none.
    """

    kind: str
    rows: int
    oldest: float | None


def read_usage(session: Session) -> list[Usage]:
    """Rows of every kind that grows with time; reads one index of each through.

    Args:
        session: A reading transaction.
    """
    found = []
    for kind, time in _GROWING.items():
        rows, oldest = session.execute(select(func.count(), func.min(time))).one()
        found.append(Usage(kind, rows, None if oldest is None else float(oldest)))
    return found
