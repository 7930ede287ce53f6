"""Who asks, and what their role allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["ROLES", "Principal", "Role"]

Role = Literal["viewer", "operator", "admin"]
"""viewer reads; operator also changes streams, rules, alerts and jobs; admin also keys."""

ROLES: tuple[Role, ...] = get_args(Role)
"""From the one that may least."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Args:
        id: Identifier of the key.
        name: What its owner called it.
        role: What it allows.
        streams: Identifiers of the streams that it is limited to; None for all, also future ones.
        session: Identifier of the login session; None where the key itself was sent.
    """

    id: str
    name: str
    role: Role
    streams: tuple[str, ...] | None = None
    session: str | None = None

    def may(self, role: Role) -> bool:
        """Whether the role includes another."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def sees(self, stream: str) -> bool:
        """Whether a stream is granted."""
        return self.streams is None or stream in self.streams
