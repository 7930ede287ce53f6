"""Events as the interface answers them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import pydantic

from sightline.service.api.schemas.times import Time
from sightline.service.cameras.status import StreamState
from sightline.service.descriptions import describe_event, describe_happening
from sightline.service.rules.events import Direction, Event, EventKind
from sightline.service.store.events import StoredEvent

__all__ = ["EventAnswer", "EventDescription", "Happening", "KeptPicture"]

KeptPicture = Literal["snapshot", "strip", "clip"]


class Happening(pydantic.BaseModel):
    """What happened; fields that mean nothing for its kind are left out."""

    stream: str = pydantic.Field(description="Identifier of the stream.")
    kind: EventKind = pydantic.Field(description="What happened.")
    rule: str = pydantic.Field(
        description="Zone or line, or the passage (`transit`); empty where there is none."
    )
    time: Time = pydantic.Field(description="When it happened, by the camera's time stamps.")
    decided: Time = pydantic.Field(description="When it became certain.")
    track: str | None = pydantic.Field(default=None, description="STREAM:NUMBER of its track.")
    class_name: str | None = pydantic.Field(default=None, description="Class of the track.")
    direction: Direction | None = pydantic.Field(
        default=None, description="Which way over a line or a zone's edge."
    )
    position: tuple[float, float] | None = pydantic.Field(
        default=None, description="Where, x and y in 0…1 of the picture."
    )
    seconds: float | None = pydantic.Field(
        default=None, description="Time spent in the zone, or between two cameras (`transit`)."
    )
    count: int | None = pydantic.Field(default=None, description="Tracks in the zone.")
    state: StreamState | None = pydantic.Field(
        default=None, description="State of the stream (`stream_state`)."
    )
    error_code: str | None = pydantic.Field(
        default=None, description="Why it does not run (`stream_state`)."
    )
    identity: int | None = pydantic.Field(
        default=None,
        description="Number of the person or vehicle across cameras; left out where the track "
        "was joined with no other.",
    )

    @classmethod
    def of_event(cls, event: Event) -> Happening:
        """The description of an event that is not stored."""
        return cls.model_validate(describe_happening(event))


class EventDescription(Happening):
    """An event; fields that mean nothing for its kind are left out."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "019a5c2e-7d31-7a44-9c0e-2f6f1f6d8e11",
                    "stream": "entrance",
                    "kind": "line_cross",
                    "rule": "door",
                    "time": "2026-05-01T12:00:00.040Z",
                    "decided": "2026-05-01T12:00:00.360Z",
                    "track": "entrance:17",
                    "class_name": "person",
                    "direction": "in",
                    "position": [0.42, 0.61],
                }
            ]
        }
    )

    id: str = pydantic.Field(description="UUIDv7; sorts by when the service learnt of it.")

    @classmethod
    def of(cls, stored: StoredEvent) -> EventDescription:
        """The description of a stored event."""
        return cls.model_validate(describe_event(stored.id, stored.event))


class EventAnswer(EventDescription):
    """An event, and which pictures are kept of it."""

    pictures: list[KeptPicture] = pydantic.Field(
        description="What `/v1/events/{event_id}/…` has of it now; a moment later it may be more."
    )

    @classmethod
    def with_pictures(cls, stored: StoredEvent, kept: Collection[KeptPicture]) -> EventAnswer:
        """The answer about a stored event."""
        return cls.model_validate({**describe_event(stored.id, stored.event), "pictures": kept})
