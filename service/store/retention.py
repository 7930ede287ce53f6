"""What is too old goes, in slices: a writer in between waits for moments only."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, Table, delete, select, tuple_
from sqlalchemy.orm import Session

from sightline.errors import SightlineError
from sightline.service.config import Retention
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.tables import (
    audit,
    counts,
    deliveries,
    erased,
    events,
    exemplars,
    identities,
    recordings,
    sessions,
    tracks,
)

__all__ = ["RetentionSweeper", "delete_expired_rows"]

DAY: Final = 86_400.0
_SLICE: Final = 500
# Recordings are large: some MiB a slice.
_RECORDINGS: Final = 50
_DELIVERED_DAYS: Final = 7
_DEAD_DAYS: Final = 30
# Longer than anything that was erased can still be on its way to the store.
_ERASED_DAYS: Final = 7

_log = logging.getLogger(__name__)


class RetentionSweeper:
    """A thread that deletes what is too old, now and then.

    Args:
        database: The store.
        retention: How long each kind is kept; uploads, results and pictures are files, and not
            its business.
        clock: The service's time.
        period: Seconds between two rounds.
    """

    def __init__(
        self, database: Database, retention: Retention, clock: SteadyClock, period: float = 600.0
    ) -> None:
        self._database = database
        self._retention = retention
        self._clock = clock
        self._period = period
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store-retention", daemon=True)

    def start(self) -> None:
        """Begin with a round."""
        self._thread.start()

    def close(self) -> None:
        """End after the slice at hand."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while not self._closing.is_set():
            try:
                self._sweep()
            except SightlineError as error:
                _log.warning("what is too old could not be deleted now: %s", error)
            except Exception:
                _log.exception("what is too old could not be deleted")
            self._closing.wait(self._period)

    def _sweep(self) -> None:
        for _kind, _number in delete_expired_rows(
            self._database, self._retention, self._clock.now()
        ):
            # As long as the slice took at least belongs to others.
            if self._closing.wait(0.05):
                return
        while self._database.shrink():
            if self._closing.wait(0.05):
                return


def delete_expired_rows(
    database: Database, retention: Retention, now: float
) -> Iterator[tuple[str, int]]:
    """Delete what is too old, a slice whenever the next item is asked for.

    Yields:
        Kind and number of the rows that the slice deleted.

    Raises:
        StoreError: The store failed.
    """
    yield from _delete_tracks(database, now - retention.tracks_days * DAY)
    old_tracks = now - retention.tracks_days * DAY
    yield from _delete(database, recordings, recordings.c.end < old_tracks)
    yield from _delete(database, events, events.c.time < now - retention.events_days * DAY)
    yield from _delete(database, counts, counts.c.start < now - retention.counts_days * DAY)
    yield from _delete(database, audit, audit.c.at < now - retention.audit_days * DAY)
    for state, days in (("delivered", _DELIVERED_DAYS), ("dead", _DEAD_DAYS)):
        old = deliveries.c.finished_at < now - days * DAY
        yield from _delete(database, deliveries, old & (deliveries.c.state == state))
    yield from _delete(database, sessions, sessions.c.expires_at < now)
    yield from _delete(database, erased, erased.c.at < now - _ERASED_DAYS * DAY)


def _delete_tracks(database: Database, before: float) -> Iterator[tuple[str, int]]:
    """Tracks go together with their exemplars and their place in an identity."""
    while True:
        with database.session() as session:
            query = select(tracks.c.stream, tracks.c.number).where(tracks.c.seen_at < before)
            names = [(row.stream, row.number) for row in session.execute(query.limit(_SLICE))]
            for table in (exemplars, identities, tracks):
                _delete_named(session, table, names)
        if names:
            yield "tracks", len(names)
        if len(names) < _SLICE:
            return


def _delete_named(session: Session, table: Table, names: list[tuple[str, int]]) -> None:
    if names:
        session.execute(delete(table).where(tuple_(table.c.stream, table.c.number).in_(names)))


def _delete(
    database: Database, table: Table, condition: ColumnElement[bool]
) -> Iterator[tuple[str, int]]:
    key = list(table.primary_key.columns)
    most = _RECORDINGS if table is recordings else _SLICE
    while True:
        with database.session() as session:
            slice_ = select(*key).where(condition).limit(most)
            statement = delete(table).where(tuple_(*key).in_(slice_)).returning(key[0])
            number = len(session.scalars(statement).all())
        if number:
            yield table.name, number
        if number < most:
            return
