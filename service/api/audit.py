"""The audit log of the interface: every change that succeeded, with who, where from and what.

`requires` begins an entry, a handler may say more with `note`, and `AuditMiddleware` stores it
before the answer leaves, so that whoever saw a change confirmed finds it in the log.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

from fastapi.requests import HTTPConnection
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sightline.service.access.principals import Principal
from sightline.service.api.context import context_of

__all__ = ["AuditMiddleware", "begin_entry", "note"]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Entry:
    principal: Principal
    address: str
    action: str
    target: str
    detail: dict[str, Any] = field(default_factory=dict)


def begin_entry(connection: HTTPConnection, principal: Principal) -> None:
    """Have the running request audited, should it succeed."""
    connection.state.audit = _Entry(
        principal,
        connection.client.host if connection.client else "",
        connection.scope["route"].name,
        "/".join(map(str, connection.path_params.values())),
    )


def note(connection: HTTPConnection, *, target: str | None = None, **detail: Any) -> None:
    """Say more about the change that the running request makes.

    Args:
        connection: The request.
        target: What was changed, where the path does not say it (a new identifier).
        detail: JSON values; never a secret.
    """
    entry: _Entry | None = getattr(connection.state, "audit", None)
    if entry is None:
        return
    if target is not None:
        entry.target = target
    entry.detail.update(detail)


class AuditMiddleware:
    """Stores the entry of a request that succeeded, before its answer leaves."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a connection (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_audited(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] < 400:
                await _store(scope)
            await send(message)

        await self._app(scope, receive, send_audited)


async def _store(scope: Scope) -> None:
    entry: _Entry | None = scope.get("state", {}).pop("audit", None)
    if entry is None:
        return
    access = context_of(HTTPConnection(scope)).access
    principal = entry.principal
    try:
        await run_in_threadpool(
            access.record, principal, entry.address, entry.action, entry.target, entry.detail
        )
    except Exception:
        # The change is made; an answer that denies it would be worse than a gap that the log shows.
        _log.exception(
            "audit entry not stored: %s %s by %s", entry.action, entry.target, principal.id
        )
