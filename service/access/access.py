"""Who asks and what they may: the one place that handlers and live connections turn to."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import anyio
import anyio.to_thread
from starlette.concurrency import run_in_threadpool

from sightline.service.access.attempts import Attempts
from sightline.service.access.credentials import (
    CSRF_HEADER,
    Bearer,
    Cookie,
    Credentials,
    csrf_token,
)
from sightline.service.access.egress import Egress
from sightline.service.access.keys import Keys, principal_of
from sightline.service.access.logins import Login, Logins
from sightline.service.access.policy import AddressPolicy
from sightline.service.access.principals import Principal
from sightline.service.cameras.messages import Guard
from sightline.service.config import Config
from sightline.service.errors import AuthenticationError, ForbiddenError
from sightline.service.steady import SteadyClock
from sightline.service.store.audit import add_entry
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.keys import Key
from sightline.service.store.sessions import LoginSession, delete_sessions_of

__all__ = ["Access"]

_CONFIGURED = Principal("configuration", "token of the configuration", "admin")
_MOST_HASHES_AT_ONCE = 2
_WRONG = "the token is wrong or revoked"
_OVER = "the session is over; log in again"


class Access:
    """Keys, logins, attempts, and where sources may come from.

    Args:
        config: The effective configuration.
        database: The store, brought up to date.
        clock: Time.
    """

    def __init__(self, config: Config, database: Database, clock: SteadyClock) -> None:
        self._database = database
        self._clock = clock
        token = config.auth.admin_token
        self._configured = None if token is None else _digest(token.get_secret_value())
        self._attempts = Attempts(config.auth.attempts_per_minute, clock.now)
        self._hashing = anyio.CapacityLimiter(_MOST_HASHES_AT_ONCE)
        self.keys = Keys(database, clock)
        self.logins = Logins(database, clock, config.auth.session_hours)
        self.policy = AddressPolicy(config.security.allowed_networks)
        self.egress = Egress(self.policy)

    def prepare(self) -> str | None:
        """What every start begins with.

        Returns:
            A new administrator's token, for the one line that is printed, where neither the
            configuration nor the store holds one: at the first start, and after
            `sightline keys revoke` of the last one, should it be lost.

        Raises:
            StoreError: The store failed.
        """
        with self._database.session() as session:
            # The configuration's token may be another one than at the last start.
            delete_sessions_of(session, _CONFIGURED.id)
        if self._configured is not None or self.keys.has_admin():
            return None
        key, token = self.keys.add("first administrator", "admin")
        self.record(principal_of(key), "", "prepare", key.id, {})
        return token

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who came with these credentials.

        Raises:
            AuthenticationError: They are wrong or over.
            ForbiddenError: A cookie came without the CSRF header that a change needs.
            TooManyError: Too many wrong tokens from this address.
            StoreError: The store failed.
        """
        match credentials:
            case Bearer(token, address):
                return await self._by_token(token, address)
            case Cookie():
                return await self._by_cookie(credentials)

    async def holds(self, principal: Principal) -> bool:
        """Whether a principal of a connection that lasts may still go on.

        False at most five seconds after the key was revoked or changed, or the login ended: who
        may go on connects again, with what the key allows now. A store that cannot be asked
        changes nothing.
        """
        try:
            return await run_in_threadpool(self._holds, principal)
        except StoreError:
            return True

    async def log_in(self, principal: Principal) -> Login:
        """Begin a login for who came with a token.

        Raises:
            StoreError: The store failed.
        """
        return await run_in_threadpool(self.logins.begin, principal.id)

    async def log_out(self, principal: Principal) -> None:
        """End the login that a principal came with, wherever its cookie is used.

        Raises:
            StoreError: The store failed.
        """
        if principal.session is not None:
            await run_in_threadpool(self.logins.end, principal.session)

    def revoke(self, key_id: str) -> None:
        """End a key and its logins at once.

        Raises:
            UnknownError: There is no such key.
            ConflictError: It is the last administrator's.
            StoreError: The store failed.
        """
        self.keys.revoke(key_id, keep_an_admin=self._configured is None)
        self.logins.forget()

    def change_key(self, key_id: str, changes: Mapping[str, Any]) -> Key:
        """Change what a key is called, what it allows or when it ends, at once.

        Raises:
            UnknownError: There is no such key.
            InputError: It would make no sense.
            ConflictError: It is the last administrator's.
            StoreError: The store failed.
        """
        return self.keys.change(key_id, changes, keep_an_admin=self._configured is None)

    def check_source(self, source: str) -> Guard:
        """Check a source that came by the interface, and say how its reader checks it again.

        Raises:
            RefusedError: Its kind or an address of its host is not allowed.
            SourceError: The name of its host is not known (`stream_not_found`).
        """
        self.policy.check(source)
        return self.guard(source)

    def guard(self, source: str) -> Guard:
        """How a source that came by the interface is checked at each attempt to connect."""
        by_http = source.lower().startswith(("http://", "https://"))
        return Guard(self.policy.networks, self.egress.start() if by_http else None)

    def record(
        self,
        principal: Principal,
        address: str,
        action: str,
        target: str,
        detail: Mapping[str, Any],
    ) -> None:
        """Store an entry of the audit log.

        Args:
            principal: Who made the change.
            address: Where from.
            action: What was done.
            target: To what.
            detail: JSON values without secrets.

        Raises:
            StoreError: The store failed.
        """
        with self._database.session() as session:
            add_entry(
                session,
                at=self._clock.now(),
                key_id=principal.id,
                key_name=principal.name,
                address=address,
                action=action,
                target=target,
                detail=detail,
            )

    def close(self) -> None:
        """End what was started for sources."""
        self.egress.close()

    async def _by_token(self, token: str, address: str) -> Principal:
        known = self.keys.recall(token)
        if known is not None:
            return principal_of(known)
        with self._attempts.attempt(address):
            # A token that people chose can be guessed, so it is never taken past the limit.
            if self._configured is not None and hmac.compare_digest(
                _digest(token), self._configured
            ):
                return _CONFIGURED
            key = await anyio.to_thread.run_sync(self.keys.check, token, limiter=self._hashing)
            if key is None:
                raise AuthenticationError(_WRONG)
            return principal_of(key)

    async def _by_cookie(self, cookie: Cookie) -> Principal:
        login = self.logins.recall(cookie.value)
        if login is None:
            login = await run_in_threadpool(self.logins.find, cookie.value)
        if login is None:
            raise AuthenticationError(_OVER)
        if not cookie.safe and not hmac.compare_digest(
            (cookie.csrf or "").encode(), csrf_token(cookie.value).encode()
        ):
            raise ForbiddenError(
                f"changes that come with a cookie need the header {CSRF_HEADER}, as "
                "POST /v1/session and GET /v1/session answer it",
                "csrf_failed",
            )
        principal = await run_in_threadpool(self._of_login, login)
        if principal is None:
            raise AuthenticationError(_OVER)
        return principal

    def _of_login(self, login: LoginSession) -> Principal | None:
        if login.key_id == _CONFIGURED.id:
            return None if self._configured is None else replace(_CONFIGURED, session=login.id)
        key = self.keys.current(login.key_id)
        return None if key is None else principal_of(key, login.id)

    def _holds(self, principal: Principal) -> bool:
        if principal.session is not None and self.logins.current(principal.session) is None:
            return False
        if principal.id == _CONFIGURED.id:
            return True
        key = self.keys.current(principal.id)
        return key is not None and principal_of(key, principal.session) == principal


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
