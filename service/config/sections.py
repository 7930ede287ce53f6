"""The parts of the configuration that serve the whole service; streams and alerts stand apart."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import pydantic
from pydantic import Field, SecretStr

from sightline.detector.embedded import default_model
from sightline.errors import ConfigError
from sightline.inference import Device
from sightline.service.settings import Settings, from_file
from sightline.tracker.parameters import check_parameters
from sightline.tracker.presets import read_preset

__all__ = [
    "Auth",
    "Cluster",
    "Detector",
    "EventPictures",
    "Place",
    "Retention",
    "Security",
    "Server",
    "Storage",
    "Telemetry",
    "Tracker",
]

Days = Annotated[float, Field(gt=0, le=36_500)]
Port = Annotated[int, Field(ge=0, le=65_535)]
Share = Annotated[float, Field(ge=0, le=1)]
Side = Annotated[int, Field(ge=32, le=8192)]


class Server(Settings):
    """Where the service listens."""

    host: Annotated[str, Field(min_length=1)] = Field(
        default="127.0.0.1",
        title="Address",
        description="Address to listen on; 0.0.0.0 for every network, as in a container.",
    )
    port: Port = Field(
        default=8000, title="Port", description="TCP port; 0 takes one that is free."
    )


class Auth(Settings):
    """Who may use the service."""

    admin_token: Annotated[SecretStr, Field(min_length=16)] | None = Field(
        default=None,
        title="Administrator's token",
        description="Token of the first administrator; made and printed once at the first start "
        "if left out.",
        json_schema_extra=from_file,
    )
    probes: Literal["open", "token"] = Field(
        default="open",
        title="Probes",
        description="Whether /healthz, /readyz and /metrics answer everybody or ask for a token.",
    )
    session_hours: Annotated[float, Field(gt=0, le=8760)] = Field(
        default=12.0, title="Session", description="Hours until the page asks to log in again."
    )
    attempts_per_minute: Annotated[int, Field(ge=1, le=10_000)] = Field(
        default=10,
        title="Attempts",
        description="Wrong tokens a minute that an address may try before it has to wait.",
    )


class Security(Settings):
    """What the interface lets others reach and send."""

    allowed_networks: tuple[str, ...] = Field(
        default=(),
        title="Allowed networks",
        description="Networks (10.0.0.0/8) whose addresses a stream made through the interface may "
        "have; loopback and link-local ones only if named. Streams of this file are trusted.",
    )
    allowed_origins: tuple[str, ...] = Field(
        default=(),
        title="Allowed origins",
        description="Other web sites (https://example.org) whose pages may use the interface.",
    )
    max_upload_mib: Annotated[int, Field(ge=1, le=1_048_576)] = Field(
        default=2048, title="Largest upload", description="MiB that an uploaded video may have."
    )
    max_pixels: Annotated[int, Field(ge=10_000, le=1_000_000_000)] = Field(
        default=50_000_000,
        title="Largest picture",
        description="Pixels that a picture or a frame may have; checked before it is decoded.",
    )

    @pydantic.field_validator("allowed_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ValueError(f"{error}; expected such as 10.0.0.0/8") from error
        return value

    @pydantic.field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            parts = urlsplit(origin)
            if f"{parts.scheme}://{parts.netloc}" != origin or parts.scheme not in (
                "http",
                "https",
            ):
                raise ValueError(f"{origin!r} is no origin; expected such as https://example.org")
        return value


class Detector(Settings):
    """The network that all streams share."""

    model: Annotated[str, Field(min_length=1)] | None = Field(
        default=None,
        title="Network",
        description="A name of `sightline models`, or a file; the embedded one if left out, in "
        "INT8 where the processor is faster with it.",
    )
    device: Device = Field(
        default="auto",
        title="Device",
        description="Where it runs; cuda and tensorrt never fall back.",
    )
    confidence: Share = Field(
        default=0.1, title="Confidence", description="Lowest score of a detection that is kept."
    )
    classes: tuple[str, ...] = Field(
        default=(), title="Classes", description="Classes to keep, by name; all if left out."
    )
    size: Side | tuple[Side, Side] | None = Field(
        default=None,
        title="Input size",
        description="Side, or height and width, of the network's input; its own if left out.",
    )
    batch: Annotated[int, Field(ge=1, le=256)] = Field(
        default=8, title="Batch", description="Most frames, of different streams, in one call."
    )
    batch_wait: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.01,
        title="Wait for a batch",
        description="Seconds that a frame waits for others to fill a batch.",
    )

    @property
    def network(self) -> str:
        """The network that runs: the one that is named, or the embedded one."""
        return self.model or default_model(self.device)


class Tracker(Settings):
    """How every stream is tracked; each has a tracker of its own."""

    preset: Annotated[str, Field(min_length=1)] = Field(
        default="sightline", title="Preset", description="A preset of the tracker, or a YAML file."
    )
    parameters: Mapping[str, float | str] = Field(
        default_factory=dict,
        title="Parameters",
        description="Parameters that replace the preset's (docs/tracker.md).",
    )
    reid: Annotated[str, Field(min_length=1)] = Field(
        default="off",
        title="Re-identification",
        description="off, colour, or a network that tells people apart by their looks.",
    )

    @pydantic.model_validator(mode="after")
    def _parameters_exist(self) -> Self:
        try:
            check_parameters({**read_preset(self.preset), **self.parameters})
        except ConfigError as error:
            raise ValueError(str(error)) from error
        return self


class Place(Settings):
    """Where some cameras are read, on a cluster."""

    streams: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        title="Streams", description="Identifiers, with * for any part: hall-*."
    )
    labels: Annotated[Mapping[str, str], Field(min_length=1)] = Field(
        title="Labels",
        description="Labels of the Ray nodes near them, as `ray start --labels` gives them.",
    )
    required: bool = Field(
        default=False,
        title="Required",
        description="Whether no other node may read them, even if none of these runs.",
    )


class Cluster(Settings):
    """How `sightline serve --cluster` uses the nodes of a Ray cluster; ignored without."""

    places: tuple[Place, ...] = Field(
        default=(), title="Places", description="Which cameras are near which nodes; first fit."
    )
    cpus: Annotated[float, Field(ge=0, le=10_000)] = Field(
        default=0,
        title="CPUs",
        description="Cores that are reserved in Ray on every node, so that bulk work leaves them "
        "to the cameras.",
    )


class Retention(Settings):
    """How long things are kept."""

    events_days: Days = Field(default=90, title="Events", description="Days that events are kept.")
    tracks_days: Days = Field(
        default=30, title="Tracks", description="Days that tracks and their exemplars are kept."
    )
    counts_days: Days = Field(default=730, title="Counts", description="Days that counts are kept.")
    jobs_days: Days = Field(
        default=30, title="Jobs", description="Days that uploads and their results are kept."
    )
    audit_days: Days = Field(
        default=365, title="Audit log", description="Days that the audit log is kept."
    )
    pictures_days: Days = Field(
        default=7, title="Pictures", description="Days that event pictures and clips are kept."
    )
    pictures_gib: Annotated[float, Field(gt=0, le=1_000_000)] = Field(
        default=10,
        title="Space for pictures",
        description="GiB of event pictures and clips; the oldest go first.",
    )


class EventPictures(Settings):
    """Pictures and clips of events."""

    snapshots: bool = Field(
        default=False, title="Pictures", description="Whether a picture of each event is stored."
    )
    clips: bool = Field(
        default=False, title="Clips", description="Whether a clip of each event is stored."
    )
    before: Annotated[float, Field(ge=0, le=60)] = Field(
        default=5.0, title="Pre-roll", description="Seconds of a clip before the event."
    )
    after: Annotated[float, Field(ge=0, le=600)] = Field(
        default=5.0, title="Post-roll", description="Seconds of a clip after the event."
    )


class Storage(Settings):
    """Where results are kept, and for how long."""

    url: SecretStr = Field(
        default=SecretStr("sqlite:///sightline.db"),
        title="Database",
        description="sqlite:///FILE, or postgresql://USER:PASSWORD@HOST/NAME.",
        json_schema_extra=from_file,
    )
    folder: Annotated[str, Field(min_length=1)] = Field(
        default="sightline-data",
        title="Folder",
        description="Folder of uploads, results of jobs, event pictures and clips.",
    )
    retention: Retention = Field(
        default=Retention(), title="Retention", description="How long things are kept."
    )
    event_pictures: EventPictures = Field(
        default=EventPictures(),
        title="Event pictures",
        description="Pictures and clips of events; off unless switched on.",
    )

    @pydantic.field_validator("url")
    @classmethod
    def _is_known(cls, value: SecretStr) -> SecretStr:
        scheme = value.get_secret_value().partition("://")[0].partition("+")[0]
        if scheme not in ("sqlite", "postgresql"):
            raise ValueError("a database is sqlite:///FILE or postgresql://USER:PASSWORD@HOST/NAME")
        return value


class Telemetry(Settings):
    """What the service says of itself."""

    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", title="Log level", description="Lowest level that is logged."
    )
    log_format: Literal["json", "text"] = Field(
        default="json", title="Log format", description="A JSON object a line, or plain text."
    )
    opentelemetry_endpoint: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = Field(
        default=None,
        title="OpenTelemetry",
        description="Address of an OTLP collector; nothing is sent if left out.",
    )
