"""Tracks as they are stored: who was where, from when until when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Row, and_, select
from sqlalchemy.orm import Session

from sightline.errors import InputError
from sightline.service.engine.messages import TrackRecord
from sightline.service.store.pages import Page, read_page
from sightline.service.store.statements import among, insert_into
from sightline.service.store.tables import events, exemplars, identities, tracks

__all__ = [
    "StoredTrack",
    "get_track",
    "list_tracks",
    "parse_track_id",
    "track_path",
    "track_paths",
    "upsert_tracks",
]

_PLACE = 5


@dataclass(frozen=True, slots=True)
class StoredTrack:
    """A track without its path.

    Args:
        stream: Identifier of the stream.
        number: Number of the track in its stream.
        class_name: Its class.
        started_at: UNIX seconds of its first confirmed box.
        seen_at: UNIX seconds of its last seen box.
        ended: Whether it is over.
        identity: Number that it has across cameras; None where it was joined with no other.
    """

    stream: str
    number: int
    class_name: str
    started_at: float
    seen_at: float
    ended: bool
    identity: int | None = None

    @property
    def id(self) -> str:
        """How the interface names it."""
        return f"{self.stream}:{self.number}"


def parse_track_id(text: str) -> tuple[str, int]:
    """Stream and number of `STREAM:NUMBER`.

    Raises:
        InputError: It has another form.

    Example:
        >>> parse_track_id("door:17")
        ('door', 17)
    """
    stream, separator, number = text.rpartition(":")
    if not (stream and separator and number.isascii() and number.isdecimal() and len(number) < 19):
        raise InputError(f"a track is named STREAM:NUMBER, such as door:17; got {text[:100]!r}")
    return stream, int(number)


def upsert_tracks(session: Session, records: Collection[TrackRecord]) -> None:
    """Store tracks as they stand now, one record a track, with their exemplars if they have any."""
    if not records:
        return
    insert = insert_into(session, tracks)
    changing = ("class_name", "started_at", "seen_at", "ended", "path")
    statement = insert.on_conflict_do_update(
        index_elements=["stream", "number"],
        set_={name: insert.excluded[name] for name in changing},
    )
    session.execute(statement.returning(tracks.c.number), [_as_row(record) for record in records])
    with_looks = [_exemplars(record) for record in records if record.exemplars is not None]
    if with_looks:
        insert = insert_into(session, exemplars)
        looks = insert.on_conflict_do_update(
            index_elements=["stream", "number"],
            set_={name: insert.excluded[name] for name in ("embedder", "count", "vectors")},
        )
        session.execute(looks.returning(exemplars.c.number), with_looks)


def get_track(session: Session, stream: str, number: int) -> StoredTrack | None:
    """One track, None where there is none of that name."""
    row = session.execute(_summaries().where(_is(stream, number))).first()
    return None if row is None else _from_row(row)


def track_path(session: Session, stream: str, number: int) -> npt.NDArray[np.float32] | None:
    """(P, 5) float32 seconds since `started_at`, x1, y1, x2, y2 in 0…1; None without a track."""
    data = session.scalar(select(tracks.c.path).where(_is(stream, number)))
    return None if data is None else _path(data)


def track_paths(
    session: Session, stream: str, numbers: Collection[int]
) -> dict[int, npt.NDArray[np.float32]]:
    """Paths of some tracks of a stream, as `track_path` gives them; those that are not there lack.

    Args:
        session: A transaction.
        stream: Identifier of the stream.
        numbers: Some hundreds of tracks.
    """
    query = select(tracks.c.number, tracks.c.path).where(
        tracks.c.stream == stream, tracks.c.number.in_(list(numbers))
    )
    return {row.number: _path(row.path) for row in session.execute(query)}


def list_tracks(
    session: Session,
    *,
    streams: Collection[str] | None = None,
    classes: Collection[str] | None = None,
    zones: Collection[str] | None = None,
    identity: int | None = None,
    begin: float | None = None,
    end: float | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[StoredTrack]:
    """Tracks, those that began last first.

    Args:
        session: A transaction.
        streams: Of these streams; None is all, as for the following.
        classes: Of these classes.
        zones: That have an event of one of these zones or lines.
        identity: That were joined under this number.
        begin: Seen at or after these UNIX seconds.
        end: Begun before these UNIX seconds.
        cursor: Where the page before ended.
        limit: Most items of the page.

    Raises:
        InputError: As `read_page`.
    """
    table = tracks.c
    query = _summaries().where(among(table.stream, streams), among(table.class_name, classes))
    if zones is not None:
        visited = select(events.c.id).where(
            events.c.stream == table.stream,
            events.c.track == table.number,
            events.c.rule.in_(list(zones)),
        )
        query = query.where(visited.exists())
    if identity is not None:
        query = query.where(identities.c.identity == identity)
    if begin is not None:
        query = query.where(table.seen_at >= begin)
    if end is not None:
        query = query.where(table.started_at < end)
    order = (table.started_at, table.stream, table.number)
    return read_page(session, query, order, _from_row, cursor=cursor, limit=limit)


def _summaries() -> Any:
    table = tracks.c
    mine = and_(identities.c.stream == table.stream, identities.c.number == table.number)
    return select(
        table.stream,
        table.number,
        table.class_name,
        table.started_at,
        table.seen_at,
        table.ended,
        identities.c.identity,
    ).outerjoin(identities, mine)


def _path(data: bytes) -> npt.NDArray[np.float32]:
    return np.frombuffer(data, "<f4").reshape(-1, _PLACE)


def _is(stream: str, number: int) -> Any:
    return and_(tracks.c.stream == stream, tracks.c.number == number)


def _as_row(record: TrackRecord) -> dict[str, Any]:
    return {
        "stream": record.stream,
        "number": record.number,
        "class_name": record.class_name,
        "started_at": record.started_at,
        "seen_at": record.seen_at,
        "ended": record.ended,
        "path": np.ascontiguousarray(record.path, "<f4").tobytes(),
    }


def _exemplars(record: TrackRecord) -> dict[str, Any]:
    assert record.exemplars is not None
    return {
        "stream": record.stream,
        "number": record.number,
        "embedder": record.embedder,
        "count": len(record.exemplars),
        "vectors": np.ascontiguousarray(record.exemplars, "<f2").tobytes(),
    }


def _from_row(row: Row[Any]) -> StoredTrack:
    return StoredTrack(**row._mapping)
