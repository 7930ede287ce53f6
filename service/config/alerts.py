"""Who is told of events: webhooks and MQTT."""

from __future__ import annotations

from typing import Annotated, Self

import pydantic
from pydantic import Field, SecretStr

from sightline.service.rules.events import EventKind
from sightline.service.settings import Identifier, Settings, from_file

__all__ = ["Alert", "Mqtt", "Webhook"]


class Webhook(Settings):
    """An address that events are posted to, signed by HMAC-SHA256."""

    url: SecretStr = Field(
        title="Address",
        description="https:// or http:// address; may hold a token.",
        json_schema_extra=from_file,
    )
    secret: Annotated[SecretStr, Field(min_length=8)] = Field(
        title="Secret",
        description="Key of the signature in `Sightline-Signature`.",
        json_schema_extra=from_file,
    )

    @pydantic.field_validator("url")
    @classmethod
    def _is_http(cls, value: SecretStr) -> SecretStr:
        if not value.get_secret_value().startswith(("http://", "https://")):
            raise ValueError("a webhook is an http:// or https:// address")
        return value


class Mqtt(Settings):
    """A broker that events are published at."""

    host: Annotated[str, Field(min_length=1)] = Field(
        title="Broker", description="Host name or address of the broker."
    )
    port: Annotated[int, Field(ge=1, le=65_535)] = Field(
        default=1883, title="Port", description="TCP port; 8883 is usual with TLS."
    )
    topic: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^#+\x00]+$")] = Field(
        default="sightline/events", title="Topic", description="Topic of the messages."
    )
    username: str | None = Field(default=None, title="User", description="User at the broker.")
    password: SecretStr | None = Field(
        default=None,
        title="Password",
        description="Password at the broker.",
        json_schema_extra=from_file,
    )
    tls: bool = Field(default=False, title="TLS", description="Whether the connection uses TLS.")


class Alert(Settings):
    """One target, and which events it is told of."""

    id: Identifier = Field(title="Identifier", description="Names it in the interface.")
    webhook: Webhook | None = Field(
        default=None, title="Webhook", description="Where to post; this or `mqtt`."
    )
    mqtt: Mqtt | None = Field(
        default=None, title="MQTT", description="Where to publish; this or `webhook`."
    )
    kinds: tuple[EventKind, ...] = Field(
        default=(), title="Kinds", description="Kinds of events; all if left out."
    )
    streams: tuple[Identifier, ...] = Field(
        default=(), title="Streams", description="Streams by identifier; all if left out."
    )
    rules: tuple[Identifier, ...] = Field(
        default=(), title="Rules", description="Zones and lines by identifier; all if left out."
    )
    classes: tuple[str, ...] = Field(
        default=(), title="Classes", description="Classes of tracks by name; all if left out."
    )
    cooldown: Annotated[float, Field(ge=0, le=86_400)] = Field(
        default=0.0,
        title="Cooldown",
        description="Seconds after a message in which no other of that kind, stream and rule is "
        "sent.",
    )

    @pydantic.model_validator(mode="after")
    def _has_one_target(self) -> Self:
        if (self.webhook is None) == (self.mqtt is None):
            raise ValueError("an alert has one target: webhook or mqtt")
        return self
