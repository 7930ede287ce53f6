"""Logins of the page: a cookie that names a row, so that a log-out ends it everywhere."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field

from sightline.service.access.credentials import csrf_token
from sightline.service.access.keys import FRESH_SECONDS
from sightline.service.access.recent import Recent
from sightline.service.steady import SteadyClock
from sightline.service.store import sessions as store
from sightline.service.store.database import Database
from sightline.service.store.sessions import LoginSession

__all__ = ["Login", "Logins"]


@dataclass(frozen=True, slots=True)
class Login:
    """A new login.

    Args:
        cookie: What the browser keeps.
        csrf: What the page sends as a header with every change.
        expires_at: UNIX seconds.
    """

    cookie: str = field(repr=False)
    csrf: str = field(repr=False)
    expires_at: float


class Logins:
    """The logins of a store. May be used by many threads.

    Args:
        database: Where they are.
        clock: Time.
        hours: How long a login lasts.
    """

    def __init__(self, database: Database, clock: SteadyClock, hours: float) -> None:
        self._database = database
        self._clock = clock
        self._seconds = hours * 3600
        self._recent: Recent[str, LoginSession] = Recent(FRESH_SECONDS, clock.now)

    def begin(self, key_id: str) -> Login:
        """Log in with a key that was checked.

        Raises:
            StoreError: The store failed.
        """
        now = self._clock.now()
        cookie = secrets.token_urlsafe(32)
        login = Login(cookie, csrf_token(cookie), now + self._seconds)
        row = LoginSession(_id_of(cookie), key_id, now, login.expires_at)
        with self._database.session() as session:
            store.delete_expired(session, now)
            store.add_session(session, row)
        return login

    def recall(self, cookie: str) -> LoginSession | None:
        """The login of a cookie that was found lately; does not ask the store."""
        row = self._recent.get(_id_of(cookie))
        return row if row is not None and row.expires_at > self._clock.now() else None

    def find(self, cookie: str) -> LoginSession | None:
        """The login of a cookie, None where it is over or never was.

        Raises:
            StoreError: The store failed.
        """
        return self.current(_id_of(cookie))

    def current(self, login_id: str) -> LoginSession | None:
        """A login that is not over, as the store has it now or had it five seconds ago.

        Raises:
            StoreError: The store failed.
        """
        now = self._clock.now()
        row = self._recent.get(login_id)
        if row is None:
            with self._database.reading() as session:
                row = store.get_session(session, login_id)
            if row is not None:
                self._recent.put(login_id, row)
        return row if row is not None and row.expires_at > now else None

    def end(self, login_id: str) -> None:
        """Log out.

        Raises:
            StoreError: The store failed.
        """
        with self._database.session() as session:
            store.delete_session(session, login_id)
        self.forget()

    def forget(self) -> None:
        """Ask the store again for every login."""
        self._recent.clear()


def _id_of(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()
