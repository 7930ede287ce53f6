"""The whole configuration: a YAML file, and environment variables over it.

`SIGHTLINE__SERVER__PORT=9000` is `server: {port: 9000}`; `SIGHTLINE__STREAMS__0__PASSWORD` is the
password of the first stream. Text is taken as it stands; everything else is read as YAML.
"""

from __future__ import annotations

import os
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import pydantic
import yaml
from pydantic import Field, SecretStr

from sightline.errors import ConfigError
from sightline.service.config.alerts import Alert
from sightline.service.config.sections import (
    Auth,
    Cluster,
    Detector,
    Security,
    Server,
    Storage,
    Telemetry,
    Tracker,
)
from sightline.service.config.streams import Stream
from sightline.service.config.transit import Transit
from sightline.service.rules.layout import never_firing
from sightline.service.settings import Settings, field_at, read_yaml, validate

__all__ = ["PREFIX", "Config", "read_config"]

PREFIX = "SIGHTLINE__"
"""Environment variables that begin so belong to the configuration."""

_MOST_ITEMS = 10_000


class Config(Settings):
    """Everything that `sightline serve` can be told."""

    server: Server = Field(
        default=Server(), title="Server", description="Where the service listens."
    )
    auth: Auth = Field(default=Auth(), title="Access", description="Who may use the service.")
    security: Security = Field(
        default=Security(), title="Security", description="What others may reach and send."
    )
    detector: Detector = Field(
        default=Detector(), title="Detector", description="The network that all streams share."
    )
    tracker: Tracker = Field(
        default=Tracker(), title="Tracker", description="How every stream is tracked."
    )
    streams: Annotated[tuple[Stream, ...], Field(max_length=_MOST_ITEMS)] = Field(
        default=(), title="Streams", description="The cameras."
    )
    alerts: Annotated[tuple[Alert, ...], Field(max_length=_MOST_ITEMS)] = Field(
        default=(), title="Alerts", description="Who is told of events."
    )
    transit: Transit = Field(
        default=Transit(), title="Transit", description="Which camera leads to which."
    )
    storage: Storage = Field(
        default=Storage(), title="Storage", description="Where results are kept, and how long."
    )
    telemetry: Telemetry = Field(
        default=Telemetry(), title="Telemetry", description="What the service says of itself."
    )
    cluster: Cluster = Field(
        default=Cluster(), title="Cluster", description="How the nodes of a cluster are used."
    )

    @pydantic.model_validator(mode="after")
    def _identifiers_fit(self) -> Self:
        for what, names in (
            ("streams", [stream.id for stream in self.streams]),
            ("alerts", [alert.id for alert in self.alerts]),
        ):
            double = next((name for name in names if names.count(name) > 1), None)
            if double is not None:
                raise ValueError(f"two {what} have the id {double!r}; each has its own")
        return self

    def warnings(self) -> list[str]:
        """A sentence about everything that is allowed and yet hardly meant."""
        known = {stream.id for stream in self.streams}
        unnamed = [
            (passage.name, name)
            for passage in self.transit.passages
            for name in (passage.leave, passage.enter)
            if name not in known
        ]
        blind = self.transit.passages and self.tracker.reid == "off"
        return [
            *(
                f"stream {stream.id}: {problem}"
                for stream in self.streams
                for problem in never_firing(stream)
            ),
            *(
                f"alert {alert.id}: there is no stream {name} in this file"
                for alert in self.alerts
                for name in alert.streams
                if name not in known
            ),
            *(
                f"passage {passage}: there is no stream {name} in this file"
                for passage, name in unnamed
            ),
            *(["transit: nobody is joined without looks; set tracker.reid"] if blind else []),
        ]


def read_config(path: Path, environment: Mapping[str, str] | None = None) -> Config:
    """Read a configuration.

    Args:
        path: A YAML file; relative paths of `NAME_file` start at its folder.
        environment: Variables that replace what the file says; `os.environ` if not given.

    Raises:
        ConfigError: It cannot be read, or a key is unknown or wrong (names it and near ones).
    """
    values = read_yaml(path)
    variables = os.environ if environment is None else environment
    used = sorted(name for name in variables if name.startswith(PREFIX))
    for name in used:
        _overlay(values, name, variables[name])
    origin = f"{path} with {', '.join(used)}" if used else str(path)
    return validate(Config, values, origin, path.parent)


def _overlay(values: dict[str, Any], name: str, text: str) -> None:
    parts = name.removeprefix(PREFIX).lower().split("__")
    if not all(parts):
        raise ConfigError(f"{name}: parts are separated by two underlines, {PREFIX}SERVER__PORT")
    place: Any = values
    for number, part in enumerate(parts[:-1]):
        fresh: Any = [] if parts[number + 1].isdecimal() else {}
        place = _child(place, part, fresh, name)
    _set(place, parts[-1], _value(parts, text, name), name)


def _child(place: Any, part: str, fresh: Any, name: str) -> Any:
    if isinstance(place, list):
        index = _index(place, part, name)
        if index == len(place):
            place.append(fresh)
        return place[index]
    if isinstance(place, dict):
        if place.get(part) is None:
            place[part] = fresh
        return place[part]
    raise ConfigError(f"{name}: {part} is inside a single value; see `sightline config schema`")


def _set(place: Any, part: str, value: Any, name: str) -> None:
    if isinstance(place, list):
        index = _index(place, part, name)
        place[index : index + 1] = [value]
    elif isinstance(place, dict):
        # A variable replaces what the file says, in either of the two ways to say it.
        place.pop(f"{part}_file", None)
        place.pop(part.removesuffix("_file"), None)
        place[part] = value
    else:
        raise ConfigError(f"{name}: {part} is inside a single value; see `sightline config schema`")


def _index(items: list[Any], part: str, name: str) -> int:
    if not part.isdecimal() or int(part) > len(items):
        raise ConfigError(
            f"{name}: {part!r} is no place in a list of {len(items)}; count from 0, without gaps"
        )
    return int(part)


def _value(parts: list[str], text: str, name: str) -> Any:
    field = field_at(Config, parts)
    if field is None or parts[-1].isdecimal() or _is_text(field):
        return text
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML ({type(error).__name__})") from None


def _is_text(field: pydantic.fields.FieldInfo) -> bool:
    either = typing.get_origin(field.annotation) in (typing.Union, types.UnionType)
    kinds = typing.get_args(field.annotation) if either else (field.annotation,)
    return str in kinds or SecretStr in kinds
