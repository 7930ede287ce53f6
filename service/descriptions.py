"""Events as everybody outside reads them: the interface, live topics, webhooks and MQTT alike."""

from __future__ import annotations

from typing import Any

from sightline.service.rules.events import Event
from sightline.service.steady import rfc3339

__all__ = ["describe_event", "describe_happening"]


def describe_event(event_id: str, event: Event) -> dict[str, Any]:
    """A stored event: its identifier, and what happened.

    Example:
        >>> event = Event("door", "line_cross", "gate", 0.25, 0.5, track=7, direction="in")
        >>> describe_event("0198", event)["track"]
        'door:7'
    """
    return {"id": event_id, **describe_happening(event)}


def describe_happening(event: Event) -> dict[str, Any]:
    """The fields of an event that are set: times in RFC 3339, its track as STREAM:NUMBER."""
    values = event.as_dict() | {"time": rfc3339(event.time), "decided": rfc3339(event.decided)}
    if event.track is not None:
        values["track"] = f"{event.stream}:{event.track}"
    return values
