"""Tracks made unseen: everything that shows them, or that they could be known by, is removed.

What remains is that something happened: the event, without its track, and the counts. Tracks that
are still in view stay erased: what comes of them later is not stored.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import ColumnElement, and_, delete, or_, select, union, update
from sqlalchemy.orm import Session

from sightline.service.store.database import Database
from sightline.service.store.erased import note_erased
from sightline.service.store.identities import take_out
from sightline.service.store.packing import pack_recording, unpack_recording
from sightline.service.store.recordings import list_recordings, without_tracks
from sightline.service.store.tables import events, exemplars, recordings, states, tracks

__all__ = ["Erased", "ErasedEvent", "erase_period", "erase_tracks"]

_SLICE = 500
_RECORDINGS = 20
_RUNNING = 60.0


@dataclass(frozen=True, slots=True)
class ErasedEvent:
    """An event whose pictures have to go.

    Args:
        id: Its identifier.
        stream: Identifier of its stream.
        time: UNIX seconds at which it happened.
    """

    id: str
    stream: str
    time: float


@dataclass(frozen=True, slots=True)
class Erased:
    """What was removed.

    Args:
        tracks: Stored tracks, with path and exemplars.
        exemplars: Tracks among them that had exemplars.
        recordings: Recordings that have fewer rows now.
        events: Events that no longer name a track.
    """

    tracks: int
    exemplars: int
    recordings: int
    events: int


RemovePictures = Callable[[ErasedEvent], object]


def erase_tracks(
    database: Database,
    names: Iterable[tuple[str, int]],
    now: float,
    *,
    remove_pictures: RemovePictures,
) -> Erased:
    """Erase tracks by stream and number; other writers wait for moments only.

    Args:
        database: The store.
        names: The tracks; those that are not stored are noted all the same.
        now: UNIX seconds.
        remove_pictures: Called with each of their events before it loses its track, so that no
            picture is left behind if this is cut short and done again.

    Raises:
        StoreError: The store failed; done again it finishes.
    """
    by_stream: dict[str, set[int]] = {}
    for stream, number in names:
        by_stream.setdefault(stream, set()).add(number)
    nowhen = (math.inf, -math.inf)
    parts = [
        _erase(database, stream, sorted(numbers), nowhen, now, remove_pictures)
        for stream, numbers in by_stream.items()
    ]
    database.empty_log()
    return Erased(
        sum(part.tracks for part in parts),
        sum(part.exemplars for part in parts),
        sum(part.recordings for part in parts),
        sum(part.events for part in parts),
    )


def erase_period(
    database: Database,
    stream: str,
    begin: float,
    end: float,
    now: float,
    *,
    remove_pictures: RemovePictures,
) -> Erased:
    """Erase every track of a stream that was there in `begin` ≤ t < `end`, as a whole.

    The pictures of all events of that time go, also of those that are about no single track;
    else as `erase_tracks`.
    """
    with database.reading() as session:
        numbers = _numbers_between(session, stream, begin, end)
        within = [
            ErasedEvent(row.id, stream, row.time)
            for row in session.execute(
                select(events.c.id, events.c.time).where(*_happened(stream, begin, end))
            )
        ]
    for event in within:
        remove_pictures(event)
    done = _erase(database, stream, sorted(numbers), (begin, end), now, remove_pictures)
    database.empty_log()
    return done


def _happened(stream: str, begin: float, end: float) -> tuple[ColumnElement[bool], ...]:
    return events.c.stream == stream, events.c.time >= begin, events.c.time < end


def _numbers_between(session: Session, stream: str, begin: float, end: float) -> set[int]:
    there = select(tracks.c.number).where(
        tracks.c.stream == stream, tracks.c.started_at < end, tracks.c.seen_at >= begin
    )
    named = select(events.c.track).where(
        *_happened(stream, begin, end), events.c.track.is_not(None)
    )
    numbers = {int(number) for number in session.scalars(union(there, named))}
    for recording in list_recordings(session, stream, begin, end):
        numbers.update(np.unique(recording.numbers).tolist())
    return numbers


def _erase(
    database: Database,
    stream: str,
    numbers: Sequence[int],
    span: tuple[float, float],
    now: float,
    remove_pictures: RemovePictures,
) -> Erased:
    """Erase tracks of one stream that may be recorded in `span`, and while they are stored."""
    first, last = span
    erased_tracks = erased_exemplars = erased_events = 0
    for part in _slices(numbers):
        with database.session() as session:
            note_erased(session, stream, part, now)
            for event in _events_of(session, stream, part):
                remove_pictures(event)
                erased_events += 1
            _forget_events(session, stream, part)
            for begin, end in _spans(session, stream, part, now):
                first, last = min(first, begin), max(last, end)
            erased_exemplars += _delete_exemplars(session, stream, part)
            take_out(session, [(stream, number) for number in part])
    changed = _erase_recordings(database, stream, numbers, first, last)
    # The tracks go last: done again, their times are still there.
    for part in _slices(numbers):
        with database.session() as session:
            gone = delete(tracks).where(tracks.c.stream == stream, tracks.c.number.in_(part))
            erased_tracks += len(session.scalars(gone.returning(tracks.c.number)).all())
            # The state of a stream that runs is replaced within a second.
            session.execute(
                update(states)
                .where(
                    states.c.stream == stream,
                    or_(states.c.at.is_(None), states.c.at < now - _RUNNING),
                )
                .values(at=None, data=None)
            )
    return Erased(erased_tracks, erased_exemplars, changed, erased_events)


def _slices(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for begin in range(0, len(numbers), _SLICE):
        yield numbers[begin : begin + _SLICE]


def _named(stream: str, part: Sequence[int]) -> ColumnElement[bool]:
    return and_(events.c.stream == stream, events.c.track.in_(part))


def _events_of(session: Session, stream: str, part: Sequence[int]) -> list[ErasedEvent]:
    rows = session.execute(select(events.c.id, events.c.time).where(_named(stream, part)))
    return [ErasedEvent(row.id, stream, row.time) for row in rows]


def _forget_events(session: Session, stream: str, part: Sequence[int]) -> None:
    session.execute(update(events).where(_named(stream, part)).values(track=None))


def _spans(
    session: Session, stream: str, part: Sequence[int], now: float
) -> list[tuple[float, float]]:
    table = tracks.c
    rows = session.execute(
        select(table.started_at, table.seen_at, table.ended).where(
            table.stream == stream, table.number.in_(part)
        )
    )
    return [(row.started_at, row.seen_at if row.ended else max(row.seen_at, now)) for row in rows]


def _delete_exemplars(session: Session, stream: str, part: Sequence[int]) -> int:
    gone = delete(exemplars).where(exemplars.c.stream == stream, exemplars.c.number.in_(part))
    return len(session.scalars(gone.returning(exemplars.c.number)).all())


def _erase_recordings(
    database: Database, stream: str, numbers: Sequence[int], first: float, last: float
) -> int:
    table = recordings.c
    changed, after = 0, -math.inf
    while first <= last:
        with database.session() as session:
            rows = session.execute(
                select(table.begin, table.data)
                .where(table.stream == stream, table.begin > after)
                .where(table.begin <= last, table.end >= first)
                .order_by(table.begin)
                .limit(_RECORDINGS)
            ).all()
            for row in rows:
                recording = unpack_recording(stream, row.data)
                kept = without_tracks(recording, numbers)
                if len(kept.frames) < len(recording.frames):
                    changed += 1
                    session.execute(
                        update(recordings)
                        .where(table.stream == stream, table.begin == row.begin)
                        .values(data=pack_recording(kept))
                    )
        if len(rows) < _RECORDINGS:
            break
        after = rows[-1].begin
    return changed
