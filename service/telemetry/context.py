"""The request that is being answered, for log lines and traces."""

from __future__ import annotations

from contextvars import ContextVar

__all__ = ["request_id"]

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""Identifier of the request that runs in this task or in a thread started for it, or None."""
