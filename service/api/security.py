"""What guards every answer: security headers, the Origin check, no plain-text errors."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi.requests import HTTPConnection
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from sightline.service.access.credentials import is_secure
from sightline.service.api.problems import answer_status, deny, failure, problem

__all__ = ["OriginMiddleware", "ProblemMiddleware", "SecurityHeaders"]

_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_YEAR = 31_536_000
_PORTS = {"http": 80, "https": 443}


class SecurityHeaders:
    """Adds the security headers that an answer does not bring itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        secure = is_secure(HTTPConnection(scope))

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if secure:
                    headers.setdefault("Strict-Transport-Security", f"max-age={_YEAR}")
            await send(message)

        await self._app(scope, receive, send_guarded)


class OriginMiddleware:
    """Refuses what a page of another site sends, unless the configuration names that site.

    Reads are let through: without CORS headers the browser keeps their answers from the page.
    WebSockets know no CORS, so each of another site is refused.
    """

    def __init__(self, app: ASGIApp, allowed: Collection[str]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection (ASGI)."""
        if scope["type"] not in ("http", "websocket") or self._fits(HTTPConnection(scope)):
            await self._app(scope, receive, send)
            return
        answer = problem(
            "origin_refused",
            "the request comes from a page of another site; security.allowed_origins names those "
            "that may",
        )
        if scope["type"] == "websocket":
            await deny(WebSocket(scope, receive, send), answer)
        else:
            await answer(scope, receive, send)

    def _fits(self, connection: HTTPConnection) -> bool:
        origin = connection.headers.get("origin")
        if origin is None or origin in self._allowed or _is_own(origin, connection):
            return True
        return connection.scope.get("method", "") in ("GET", "HEAD")


class ProblemMiddleware:
    """Turns what libraries answer as plain text, and unexpected errors, into problem documents."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal started, replaced
            if message["type"] == "http.response.start":
                started = True
                kind = MutableHeaders(scope=message).get("content-type", "")
                replaced = message["status"] >= 400 and kind.startswith("text/plain")
                if replaced:
                    answer = answer_status(message["status"], scope["path"])
                    await answer(scope, receive, send)
            if not replaced:
                await send(message)

        try:
            await self._app(scope, receive, send_problem)
        except Exception as error:
            answer = failure(scope["path"], error)
            # What has begun can only be broken off, which the server does.
            if started:
                raise
            await answer(scope, receive, send)


def _is_own(origin: str, connection: HTTPConnection) -> bool:
    """Whether an origin is the host that the request was sent to.

    The scheme is not compared: a proxy may end TLS without saying so, and a page of the same host
    without TLS gets no cookie that was set with it.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port or _PORTS.get(parts.scheme)
        target = urlsplit(f"//{connection.headers.get('host', '')}")
        target_port = target.port or _PORTS.get(parts.scheme)
    except ValueError:
        return False
    return (
        parts.scheme in _PORTS
        and parts.hostname is not None
        and (parts.hostname, port) == (target.hostname, target_port)
    )
