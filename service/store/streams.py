"""Streams made through the interface, and what it changed of those of the configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from sightline.service.store.statements import insert_into
from sightline.service.store.tables import overrides, streams

__all__ = [
    "StoredStream",
    "StreamOverride",
    "add_stream",
    "delete_override",
    "delete_stream",
    "get_override",
    "get_stream",
    "list_overrides",
    "list_streams",
    "set_override",
    "update_stream",
]

_DRAWN: Final = ("zones", "lines", "masks", "enabled")


@dataclass(frozen=True, slots=True)
class StoredStream:
    """A stream that was made through the interface.

    Args:
        id: Its identifier.
        definition: Its settings as JSON takes them, without the password.
        created_at: UNIX seconds.
        updated_at: UNIX seconds.
        password: Its password, which never leaves the service.
    """

    id: str
    definition: Mapping[str, Any]
    created_at: float
    updated_at: float
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class StreamOverride:
    """What the interface changed of a stream of the configuration; None where it did not.

    Args:
        stream: Identifier of the stream.
        zones: Zones in place of the configured ones, as JSON takes them.
        lines: Lines, likewise.
        masks: Privacy masks, likewise.
        enabled: Whether it was started or stopped for good.
    """

    stream: str
    zones: list[Any] | None = None
    lines: list[Any] | None = None
    masks: list[Any] | None = None
    enabled: bool | None = None


def add_stream(session: Session, stream: StoredStream) -> bool:
    """Store a new stream; False, and nothing done, where its identifier is taken."""
    statement = insert_into(session, streams).values(
        id=stream.id,
        definition=dict(stream.definition),
        password=stream.password,
        created_at=stream.created_at,
        updated_at=stream.updated_at,
    )
    added = session.scalars(statement.on_conflict_do_nothing().returning(streams.c.id))
    return added.first() is not None


def get_stream(session: Session, stream_id: str) -> StoredStream | None:
    """One stream, None where there is none of that name."""
    row = session.execute(select(streams).where(streams.c.id == stream_id)).first()
    return None if row is None else _stream(row)


def list_streams(session: Session) -> list[StoredStream]:
    """All streams, by identifier."""
    return [_stream(row) for row in session.execute(select(streams).order_by(streams.c.id))]


def update_stream(session: Session, stream: StoredStream) -> bool:
    """Replace a stream's definition and password; False where there is none of that name."""
    changed = session.scalars(
        update(streams)
        .where(streams.c.id == stream.id)
        .values(
            definition=dict(stream.definition),
            password=stream.password,
            updated_at=stream.updated_at,
        )
        .returning(streams.c.id)
    )
    return changed.first() is not None


def delete_stream(session: Session, stream_id: str) -> bool:
    """Forget a stream; what it has seen stays, until its time or until it is erased."""
    gone = session.scalars(delete(streams).where(streams.c.id == stream_id).returning(streams.c.id))
    return gone.first() is not None


def get_override(session: Session, stream_id: str) -> StreamOverride:
    """What was changed of a stream; of most, nothing."""
    row = session.execute(select(overrides).where(overrides.c.stream == stream_id)).first()
    return StreamOverride(stream_id) if row is None else _override(row)


def list_overrides(session: Session) -> dict[str, StreamOverride]:
    """Everything that was changed, by identifier of the stream."""
    rows = session.execute(select(overrides).order_by(overrides.c.stream))
    return {row.stream: _override(row) for row in rows}


def set_override(session: Session, override: StreamOverride, now: float) -> None:
    """Replace what was changed of a stream."""
    values = {name: getattr(override, name) for name in _DRAWN}
    insert = insert_into(session, overrides).values(
        stream=override.stream, updated_at=now, **values
    )
    session.execute(
        insert.on_conflict_do_update(index_elements=["stream"], set_={**values, "updated_at": now})
    )


def delete_override(session: Session, stream_id: str) -> None:
    """Go back to the configuration."""
    session.execute(delete(overrides).where(overrides.c.stream == stream_id))


def _stream(row: Row[Any]) -> StoredStream:
    return StoredStream(row.id, row.definition, row.created_at, row.updated_at, row.password)


def _override(row: Row[Any]) -> StreamOverride:
    return StreamOverride(row.stream, *(getattr(row, name) for name in _DRAWN))
