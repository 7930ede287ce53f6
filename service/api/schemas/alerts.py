"""Alerts and deliveries as the interface takes and answers them; no answer holds a secret."""

from __future__ import annotations

from typing import ClassVar, Literal
from urllib.parse import urlsplit

import pydantic
from pydantic import Field

from sightline.service.alerts.book import AlertView
from sightline.service.api.schemas.times import Time
from sightline.service.config.alerts import Alert, Mqtt, Webhook
from sightline.service.rules.events import EventKind
from sightline.service.settings import Identifier, Settings
from sightline.service.steady import rfc3339
from sightline.service.store.deliveries import Delivery, DeliveryState

__all__ = ["AlertAnswer", "AlertBody", "AlertChanges", "DeliveryAnswer"]

_EXAMPLE: dict[str, pydantic.JsonValue] = {
    "id": "night-watch",
    "webhook": {"url": "https://hooks.example.org/sightline", "secret": "correct horse battery"},
    "kinds": ["loitering", "line_cross"],
    "streams": ["yard"],
    "cooldown": 60,
}


class WebhookBody(Webhook):
    """An address that events are posted to, signed by HMAC-SHA256."""

    from_files: ClassVar[bool] = False


class MqttBody(Mqtt):
    """A broker that events are published at."""

    from_files: ClassVar[bool] = False


class AlertBody(Alert):
    """A new alert: one target, and which events it is told of."""

    model_config = pydantic.ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    from_files: ClassVar[bool] = False

    webhook: WebhookBody | None = Field(
        default=None, title="Webhook", description="Where to post; this or `mqtt`."
    )
    mqtt: MqttBody | None = Field(
        default=None, title="MQTT", description="Where to publish; this or `webhook`."
    )


class WebhookChanges(Settings):
    """Fields of a webhook that change."""

    url: str | None = Field(default=None, max_length=4096, description="Address.")
    secret: str | None = Field(default=None, max_length=4096, description="Key of the signature.")


class MqttChanges(Settings):
    """Fields of a broker that change."""

    host: str | None = Field(default=None, description="Host name or address of the broker.")
    port: int | None = Field(default=None, description="TCP port.")
    topic: str | None = Field(default=None, description="Topic of the messages.")
    username: str | None = Field(default=None, description="User at the broker.")
    password: str | None = Field(
        default=None,
        max_length=4096,
        description="Password at the broker; needed again where host, port or tls change.",
    )
    tls: bool | None = Field(default=None, description="Whether the connection uses TLS.")


class AlertChanges(Settings):
    """Fields of an alert that change (RFC 7396); null brings a field back to its default."""

    model_config = pydantic.ConfigDict(
        json_schema_extra={"examples": [{"cooldown": 120, "kinds": ["loitering"]}]}
    )

    webhook: WebhookChanges | None = Field(default=None, description="Fields of the webhook.")
    mqtt: MqttChanges | None = Field(default=None, description="Fields of the broker.")
    kinds: tuple[EventKind, ...] | None = Field(default=None, description="Kinds of events.")
    streams: tuple[Identifier, ...] | None = Field(default=None, description="Streams.")
    rules: tuple[Identifier, ...] | None = Field(default=None, description="Zones and lines.")
    classes: tuple[str, ...] | None = Field(default=None, description="Classes of tracks.")
    cooldown: float | None = Field(default=None, description="Seconds between messages.")


class WebhookAnswer(pydantic.BaseModel):
    """A webhook without its secret."""

    url: str = Field(
        description="Scheme and host; what follows may hold a token and is not shown.",
        examples=["https://hooks.example.org/…"],
    )


class MqttAnswer(pydantic.BaseModel):
    """A broker without its password."""

    host: str = Field(examples=["10.0.0.2"])
    port: int = Field(examples=[1883])
    topic: str = Field(examples=["sightline/events"])
    username: str | None = None
    has_password: bool = Field(description="Whether a password is kept.")
    tls: bool


class AlertAnswer(pydantic.BaseModel):
    """An alert, its secrets left out."""

    id: str = Field(examples=["night-watch"])
    origin: Literal["file", "api"] = Field(
        description="`file` is of the configuration file and cannot be changed here."
    )
    webhook: WebhookAnswer | None = None
    mqtt: MqttAnswer | None = None
    kinds: list[EventKind] = Field(description="Kinds of events; empty for all.")
    streams: list[str] = Field(description="Streams; empty for all.")
    rules: list[str] = Field(description="Zones and lines; empty for all.")
    classes: list[str] = Field(description="Classes of tracks; empty for all.")
    cooldown: float = Field(description="Seconds after a message of the same kind and place.")
    waiting: int = Field(description="Messages that have not arrived yet.")

    @classmethod
    def of(cls, view: AlertView, waiting: int) -> AlertAnswer:
        """What may be shown of an alert."""
        alert = view.alert
        return cls(
            id=alert.id,
            origin=view.origin,
            webhook=None if alert.webhook is None else _webhook(alert.webhook),
            mqtt=None if alert.mqtt is None else _mqtt(alert.mqtt),
            kinds=list(alert.kinds),
            streams=list(alert.streams),
            rules=list(alert.rules),
            classes=list(alert.classes),
            cooldown=alert.cooldown,
            waiting=waiting,
        )


class DeliveryAnswer(pydantic.BaseModel):
    """One message to a target."""

    id: str = Field(description="The `id` in the message.")
    event: str | None = Field(description="Identifier of the event; null is a test.")
    kind: str = Field(description="Kind of the event.", examples=["line_cross"])
    stream: str = Field(examples=["yard"])
    rule: str = Field(examples=["gate"])
    state: DeliveryState = Field(description="`dead` after the last attempt.")
    attempts: int = Field(description="How often it was tried.")
    created_at: Time
    next_at: Time | None = Field(description="Time of the next attempt, while it is pending.")
    finished_at: Time | None = Field(description="When it arrived or was given up.")
    error: str | None = Field(description="Why the last attempt failed.", examples=["answered 503"])

    @classmethod
    def of(cls, delivery: Delivery) -> DeliveryAnswer:
        """What may be shown of a delivery."""
        return cls(
            id=delivery.id,
            event=delivery.event,
            kind=delivery.kind,
            stream=delivery.stream,
            rule=delivery.rule,
            state=delivery.state,
            attempts=delivery.attempts,
            created_at=rfc3339(delivery.created_at),
            next_at=None if delivery.next_at is None else rfc3339(delivery.next_at),
            finished_at=None if delivery.finished_at is None else rfc3339(delivery.finished_at),
            error=delivery.error,
        )


def _webhook(webhook: Webhook) -> WebhookAnswer:
    try:
        parts = urlsplit(webhook.url.get_secret_value())
        host = f"{parts.hostname or ''}{f':{parts.port}' if parts.port else ''}"
    except ValueError:
        return WebhookAnswer(url="…")
    return WebhookAnswer(url=f"{parts.scheme}://{host}/…")


def _mqtt(mqtt: Mqtt) -> MqttAnswer:
    return MqttAnswer(
        host=mqtt.host,
        port=mqtt.port,
        topic=mqtt.topic,
        username=mqtt.username,
        has_password=mqtt.password is not None,
        tls=mqtt.tls,
    )
