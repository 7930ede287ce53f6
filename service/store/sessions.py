"""Logins of the page."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from sightline.service.store.tables import sessions

__all__ = [
    "LoginSession",
    "add_session",
    "delete_expired",
    "delete_session",
    "delete_sessions_of",
    "get_session",
]


@dataclass(frozen=True, slots=True)
class LoginSession:
    """A login with a cookie.

    Args:
        id: Hash of the cookie.
        key_id: Identifier of the key that it was made with.
        created_at: UNIX seconds.
        expires_at: UNIX seconds until which it is worth something.
    """

    id: str = field(repr=False)
    key_id: str
    created_at: float
    expires_at: float


def add_session(session: Session, login: LoginSession) -> None:
    """Store a new login."""
    session.execute(
        insert(sessions).values(
            id=login.id,
            key_id=login.key_id,
            created_at=login.created_at,
            expires_at=login.expires_at,
        )
    )


def get_session(session: Session, login_id: str) -> LoginSession | None:
    """A login, also one that has run out; None where there is none."""
    row = session.execute(select(sessions).where(sessions.c.id == login_id)).first()
    return None if row is None else LoginSession(**row._mapping)


def delete_session(session: Session, login_id: str) -> None:
    """End a login."""
    session.execute(delete(sessions).where(sessions.c.id == login_id))


def delete_sessions_of(session: Session, key_id: str) -> None:
    """End all logins that were made with a key."""
    session.execute(delete(sessions).where(sessions.c.key_id == key_id))


def delete_expired(session: Session, now: float) -> None:
    """Forget the logins that have run out."""
    session.execute(delete(sessions).where(sessions.c.expires_at <= now))
