"""What a request proves who it is with: a token in a header, or the cookie of a login."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from fastapi.requests import HTTPConnection

__all__ = [
    "CSRF_HEADER",
    "SAFE_METHODS",
    "Bearer",
    "Cookie",
    "Credentials",
    "cookie_name",
    "cookie_of",
    "credentials_of",
    "csrf_token",
    "is_secure",
]

CSRF_HEADER = "X-CSRF-Token"
"""What a page sends besides its cookie with everything that is not a plain read."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing."""

_COOKIE = "sightline_session"


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token in the header `Authorization`.

    Args:
        token: As it came.
        address: Where from.
    """

    token: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie of a login.

    Args:
        value: As it came.
        csrf: The CSRF header; None where it is missing or the method is safe.
        safe: Whether the method changes nothing, so that no CSRF header is needed.
        address: Where from.
    """

    value: str = field(repr=False)
    csrf: str | None = field(repr=False)
    safe: bool
    address: str


Credentials = Bearer | Cookie


def credentials_of(connection: HTTPConnection) -> Credentials | None:
    """What a request or WebSocket came with; a token goes before a cookie."""
    address = connection.client.host if connection.client else ""
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and token.strip():
        return Bearer(token.strip(), address)
    value = cookie_of(connection)
    if value is None:
        return None
    method = connection.scope.get("method", "GET")
    return Cookie(value, connection.headers.get(CSRF_HEADER), method in SAFE_METHODS, address)


def cookie_name(connection: HTTPConnection) -> str:
    """The cookie's name; behind TLS one that no other host and no plain page can set."""
    return f"__Host-{_COOKIE}" if is_secure(connection) else _COOKIE


def cookie_of(connection: HTTPConnection) -> str | None:
    """The cookie of a login that a request or WebSocket came with."""
    return connection.cookies.get(cookie_name(connection)) or None


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the connection came by TLS, as far as the server or its trusted proxy says."""
    return connection.url.scheme in ("https", "wss")


def csrf_token(cookie: str) -> str:
    """What the CSRF header of a login has to be; only who holds the cookie can tell it."""
    return hashlib.sha256(b"csrf " + cookie.encode()).hexdigest()
