"""API keys: made, checked, changed, revoked.

A key costs its argon2 hash once; after that a digest in memory tells it, and its row is read again
after five seconds, so that a key revoked by another process (`sightline keys revoke`) ends soon.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, get_args

from sqlalchemy.orm import Session

from sightline.errors import InputError
from sightline.service.access.passwords import key_id_of, new_token, token_digest, token_fits
from sightline.service.access.principals import Principal, Role
from sightline.service.access.recent import Recent
from sightline.service.errors import ConflictError, UnknownError
from sightline.service.steady import SteadyClock
from sightline.service.store import keys as store
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.identifiers import new_id
from sightline.service.store.keys import Key
from sightline.service.store.sessions import delete_sessions_of

__all__ = ["FRESH_SECONDS", "Keys", "principal_of"]

FRESH_SECONDS = 5.0
"""How long a key or login may go on after another process ended it."""

_KNOWN_SECONDS = 3600.0
_USE_NOTED_SECONDS = 300.0
_LONGEST_SECONDS = 100 * 366 * 86_400.0


class Keys:
    """The API keys of a store. May be used by many threads.

    Args:
        database: Where they are.
        clock: Time.
    """

    def __init__(self, database: Database, clock: SteadyClock) -> None:
        self._database = database
        self._clock = clock
        self._known: Recent[bytes, tuple[str, str]] = Recent(_KNOWN_SECONDS, clock.now)
        self._rows: Recent[str, Key] = Recent(FRESH_SECONDS, clock.now)

    def recall(self, token: str) -> Key | None:
        """The key of a token that was checked lately; asks neither store nor hash."""
        known = self._known.get(_fingerprint(token))
        row = None if known is None else self._rows.get(known[0])
        if known is None or row is None or row.hash != known[1]:
            return None
        return row if _lasts(row, self._clock.now()) else None

    def check(self, token: str) -> Key | None:
        """The key of a token; None if it is wrong or revoked.

        Raises:
            StoreError: The store failed.
        """
        key_id = key_id_of(token)
        key = None if key_id is None else self.current(key_id)
        if key is None:
            return None
        fingerprint = _fingerprint(token)
        if self._known.get(fingerprint) != (key.id, key.hash):
            if not token_fits(token, key.hash):
                return None
            self._known.put(fingerprint, (key.id, key.hash))
        self._note_use(key)
        return key

    def current(self, key_id: str) -> Key | None:
        """A key that is not revoked, as the store has it now or had it five seconds ago.

        Raises:
            StoreError: The store failed.
        """
        row = self._rows.get(key_id)
        if row is None:
            with self._database.reading() as session:
                row = store.get_key(session, key_id)
            if row is None:
                return None
            self._rows.put(key_id, row)
        return row if _lasts(row, self._clock.now()) else None

    def add(
        self,
        name: str,
        role: Role,
        streams: Sequence[str] | None = None,
        *,
        expires_at: float | None = None,
    ) -> tuple[Key, str]:
        """Make a key.

        Args:
            name: What people call it.
            role: What it allows.
            streams: Streams that it is limited to; None for all.
            expires_at: UNIX seconds from which it is worth nothing; None for never.

        Returns:
            The key, and its token, which is not stored and cannot be had again.

        Raises:
            InputError: The name is empty, the role unknown, an administrator limited, or the end
                not in the future.
            StoreError: The store failed.
        """
        now = self._clock.now()
        key_id = new_id()
        token = new_token(key_id)
        key = Key(
            id=key_id,
            name=name.strip(),
            role=role,
            streams=_unique(streams),
            hash=token_digest(token),
            created_at=now,
            expires_at=expires_at,
        )
        _check(key, now)
        with self._database.session() as session:
            store.add_key(session, key)
        return key, token

    def change(self, key_id: str, changes: Mapping[str, Any], *, keep_an_admin: bool) -> Key:
        """Change what a key is called, what it allows or when it ends; its token stays.

        Args:
            key_id: Its identifier.
            changes: Any of `name`, `role`, `streams` and `expires_at`, as `add` takes them.
            keep_an_admin: Whether it is refused to leave no administrator.

        Raises:
            UnknownError: There is no such key.
            InputError: As `add`.
            ConflictError: It is the last administrator's.
            StoreError: The store failed.
        """
        with self._database.session() as session:
            before = store.get_key(session, key_id)
            if before is None:
                raise UnknownError(f"there is no key {key_id!r}")
            key = replace(before, **changes)
            key = replace(key, name=key.name.strip(), streams=_unique(key.streams))
            _check(key, self._clock.now())
            store.replace_key(session, key)
            if keep_an_admin and not self._has_admin(session):
                raise ConflictError("this is the last administrator's key; make another one first")
        self._rows.clear()
        return key

    def revoke(self, key_id: str, *, keep_an_admin: bool) -> None:
        """End a key and its logins.

        Args:
            key_id: Its identifier.
            keep_an_admin: Whether the last administrator's key is refused.

        Raises:
            UnknownError: There is no such key.
            ConflictError: It is the last administrator's.
            StoreError: The store failed.
        """
        with self._database.session() as session:
            if not store.delete_key(session, key_id):
                raise UnknownError(f"there is no key {key_id!r}")
            if keep_an_admin and not self._has_admin(session):
                raise ConflictError("this is the last administrator's key; make another one first")
            delete_sessions_of(session, key_id)
        self._rows.clear()

    def all(self) -> list[Key]:
        """All keys, the oldest first.

        Raises:
            StoreError: The store failed.
        """
        with self._database.reading() as session:
            return store.list_keys(session)

    def has_admin(self) -> bool:
        """Whether there is an administrator's key that never ends.

        Raises:
            StoreError: The store failed.
        """
        with self._database.reading() as session:
            return self._has_admin(session)

    def _has_admin(self, session: Session) -> bool:
        keys = store.list_keys(session)
        return any(key.role == "admin" and key.expires_at is None for key in keys)

    def _note_use(self, key: Key) -> None:
        now = self._clock.now()
        if key.used_at is not None and now - key.used_at < _USE_NOTED_SECONDS:
            return
        # A store that cannot be written is no reason to turn a good key away.
        with contextlib.suppress(StoreError), self._database.session() as session:
            store.touch_key(session, key.id, now)


def principal_of(key: Key, login: str | None = None) -> Principal:
    """Who a key stands for.

    Args:
        key: The key.
        login: Identifier of the login that it was found by.
    """
    roles: dict[str, Role] = {role: role for role in get_args(Role)}
    return Principal(key.id, key.name, roles[key.role], key.streams, login)


def _check(key: Key, now: float) -> None:
    """Whether a key makes sense.

    Raises:
        InputError: It does not.
    """
    if not key.name:
        raise InputError("a key needs a name, so that people know later whose it is")
    if key.role not in get_args(Role):
        raise InputError(f"there is no role {key.role!r}; roles are {', '.join(get_args(Role))}")
    if key.role == "admin" and key.streams is not None:
        raise InputError("an administrator sees all streams; leave out the streams")
    if key.expires_at is not None and not now < key.expires_at < now + _LONGEST_SECONDS:
        raise InputError("a key ends in the future, within a hundred years, or never")


def _unique(streams: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if streams is None else tuple(dict.fromkeys(streams))


def _lasts(key: Key, now: float) -> bool:
    return key.expires_at is None or now < key.expires_at


def _fingerprint(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
