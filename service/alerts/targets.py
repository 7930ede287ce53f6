"""What every kind of target has in common: a message goes out or it fails for a reason."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from sightline.service.descriptions import describe_event
from sightline.service.rules.events import Event

__all__ = ["DeliveryError", "Message", "Target"]


class DeliveryError(Exception):
    """A message did not arrive, or nobody knows.

    Args:
        reason: One sentence without secrets, shown in the list of deliveries.
        retry_after: Seconds that the target asked to wait, or None.
    """

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Message:
    """What a target is sent.

    Args:
        id: The delivery's; the same in every attempt, so that receivers can leave out doubles.
        alert: Identifier of the alert.
        body: JSON in UTF-8.
    """

    id: str
    alert: str
    body: bytes

    @classmethod
    def of_event(cls, delivery: str, alert: str, event_id: str, event: Event) -> Message:
        """The message that tells of an event."""
        return cls._make(
            delivery, alert, {"type": "event", "event": describe_event(event_id, event)}
        )

    @classmethod
    def of_test(cls, delivery: str, alert: str) -> Message:
        """A message that only shows that messages arrive."""
        return cls._make(delivery, alert, {"type": "test"})

    @classmethod
    def _make(cls, delivery: str, alert: str, content: dict[str, Any]) -> Message:
        values = {"id": delivery, "alert": alert, **content}
        return cls(delivery, alert, json.dumps(values, ensure_ascii=False).encode())


class Target(Protocol):
    """Where messages go."""

    async def send(self, message: Message) -> None:
        """Deliver a message; returns once it is known to have arrived.

        Raises:
            DeliveryError: It did not arrive, or not within the time allowed.
        """
        ...

    async def close(self) -> None:
        """Give up what is open; the next `send` opens it again."""
        ...
