"""The stored paths of a stream's tracks, one after another."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from sightline.service.store.statements import among
from sightline.service.store.tables import tracks

__all__ = ["paths_between"]

_SLICE = 1000
_PLACE = 5


def paths_between(
    session: Session,
    stream: str,
    begin: float,
    end: float,
    *,
    classes: Collection[str] | None = None,
) -> Iterator[npt.NDArray[np.float64]]:
    """Paths of the tracks that were there in a stretch of time, those that began first first.

    Args:
        session: A transaction.
        stream: Identifier of the stream.
        begin: UNIX seconds of the first moment.
        end: UNIX seconds of the moment behind it.
        classes: Of these classes; None is all.

    Yields:
        (P, 5) float64 UNIX seconds, x1, y1, x2, y2 in 0…1: the places in `begin` ≤ t < `end`.
    """
    table = tracks.c
    after = (-np.inf, -1)
    while True:
        query = (
            select(table.started_at, table.number, table.path)
            .where(
                table.stream == stream,
                among(table.class_name, classes),
                table.seen_at >= begin,
                table.started_at < end,
                tuple_(table.started_at, table.number) > after,
            )
            .order_by(table.started_at, table.number)
            .limit(_SLICE)
        )
        rows = session.execute(query).all()
        for row in rows:
            path = np.frombuffer(row.path, "<f4").reshape(-1, _PLACE).astype(np.float64)
            path[:, 0] += row.started_at
            inside = path[(path[:, 0] >= begin) & (path[:, 0] < end)]
            if len(inside):
                yield inside
        if len(rows) < _SLICE:
            return
        after = (rows[-1].started_at, rows[-1].number)
