"""API keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.orm import Session

from sightline.service.store.tables import keys

__all__ = [
    "Key",
    "add_key",
    "delete_key",
    "get_key",
    "list_keys",
    "replace_key",
    "touch_key",
]


@dataclass(frozen=True, slots=True)
class Key:
    """An API key.

    Args:
        id: The part of the token that is no secret.
        name: What people call it.
        role: viewer, operator or admin.
        streams: Identifiers of the streams that it may see; None is all.
        hash: Hash of the secret part.
        created_at: UNIX seconds.
        expires_at: UNIX seconds from which it is worth nothing; None is never.
        used_at: UNIX seconds of its last use, as `touch_key` was told.
    """

    id: str
    name: str
    role: str
    streams: tuple[str, ...] | None
    hash: str = field(repr=False)
    created_at: float
    expires_at: float | None = None
    used_at: float | None = None


def add_key(session: Session, key: Key) -> None:
    """Store a new key."""
    session.execute(
        insert(keys).values(
            id=key.id,
            name=key.name,
            role=key.role,
            streams=None if key.streams is None else list(key.streams),
            hash=key.hash,
            created_at=key.created_at,
            expires_at=key.expires_at,
            used_at=key.used_at,
        )
    )


def get_key(session: Session, key_id: str) -> Key | None:
    """One key, None where there is none of that name."""
    row = session.execute(select(keys).where(keys.c.id == key_id)).first()
    return None if row is None else _from_row(row)


def list_keys(session: Session) -> list[Key]:
    """All keys, the oldest first."""
    query = select(keys).order_by(keys.c.created_at, keys.c.id)
    return [_from_row(row) for row in session.execute(query)]


def delete_key(session: Session, key_id: str) -> bool:
    """Revoke a key; False where there is none of that name."""
    gone = session.scalars(delete(keys).where(keys.c.id == key_id).returning(keys.c.id))
    return gone.first() is not None


def replace_key(session: Session, key: Key) -> None:
    """Change what a key is called, what it allows and when it ends."""
    streams = None if key.streams is None else list(key.streams)
    changed = {"name": key.name, "role": key.role, "streams": streams, "expires_at": key.expires_at}
    session.execute(update(keys).where(keys.c.id == key.id).values(changed))


def touch_key(session: Session, key_id: str, now: float) -> None:
    """Note that a key was used."""
    session.execute(update(keys).where(keys.c.id == key_id).values(used_at=now))


def _from_row(row: Row[Any]) -> Key:
    return Key(
        id=row.id,
        name=row.name,
        role=row.role,
        streams=None if row.streams is None else tuple(row.streams),
        hash=row.hash,
        created_at=row.created_at,
        expires_at=row.expires_at,
        used_at=row.used_at,
    )
