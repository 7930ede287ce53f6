"""Every request as it is seen from outside: an id, a line in the log, its latency, its span."""

from __future__ import annotations

import logging
import re
import time
import uuid
from contextlib import ExitStack

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.service.telemetry.context import request_id
from sightline.service.telemetry.metrics import Metrics
from sightline.service.telemetry.tracing import RequestSpan, Tracing

__all__ = ["RequestTelemetry"]

_log = logging.getLogger(__name__)
_HEADER = "X-Request-ID"
_GIVEN = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})


class RequestTelemetry:
    """The outermost part of the interface.

    Args:
        app: What answers.
        metrics: Where latencies are counted.
        tracing: Where spans are made; None for none.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, tracing: Tracing | None = None) -> None:
        self._app = app
        self._metrics = metrics
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or serve one WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get(_HEADER, "")
        identifier = given if _GIVEN.fullmatch(given) else uuid.uuid4().hex
        token = request_id.set(identifier)
        try:
            if scope["type"] == "websocket":
                await self._serve(scope, receive, send)
            else:
                await self._answer(scope, receive, send, headers, identifier)
        finally:
            request_id.reset(token)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        began = time.monotonic()
        status = 0

        async def send_noted(message: Message) -> None:
            nonlocal status
            # An application that closes what it has not accepted refuses it (ASGI).
            known = {"websocket.accept": 101, "websocket.close": status or 403}
            status = message.get("status") or known.get(message["type"], status)
            await send(message)

        try:
            await self._app(scope, receive, send_noted)
        finally:
            _write(scope, "WEBSOCKET", status or 500, began)

    async def _answer(
        self, scope: Scope, receive: Receive, send: Send, headers: Headers, identifier: str
    ) -> None:
        method = scope["method"] if scope["method"] in _METHODS else "other"
        began = time.monotonic()
        status = 0

        async def send_named(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                # Until it begins: a moving picture has no end to measure to.
                status = message["status"]
                MutableHeaders(scope=message)[_HEADER] = identifier
                self._metrics.observe_request(
                    _route(scope), method, status, time.monotonic() - began
                )
            await send(message)

        with ExitStack() as stack:
            span: RequestSpan | None = None
            if self._tracing is not None:
                span = stack.enter_context(self._tracing.request(method, dict(headers)))
            try:
                await self._app(scope, receive, send_named)
            finally:
                if span is not None:
                    span.finish(_route(scope), method, status or 500)
                _write(scope, method, status, began)


def _write(scope: Scope, method: str, status: int, began: float) -> None:
    """The line of a request; without its query, which may hold what nobody is to read."""
    _log.log(
        logging.DEBUG if scope["path"] in _PROBES else logging.INFO,
        "%s %s",
        method,
        scope["path"],
        extra={
            "status": status,
            "seconds": round(time.monotonic() - began, 4),
            "client": scope["client"][0] if scope.get("client") else "",
        },
    )


def _route(scope: Scope) -> str:
    """The template of the route: an address would be a label without end."""
    path = getattr(scope.get("route"), "path", None)
    return path if isinstance(path, str) else "none"
