"""Definitions of streams between the configuration, the interface and the store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from sightline.service.config import Stream
from sightline.service.settings import validate
from sightline.service.store.streams import StoredStream, StreamOverride

__all__ = ["from_stored", "overridden", "plain_form", "stored_form", "stream_of"]


class _Given(Stream):
    """A definition from the interface or the store: no value of it is read from a file."""

    from_files: ClassVar[bool] = False


def stream_of(values: Mapping[str, Any]) -> Stream:
    """A stream from values as JSON takes them.

    Raises:
        ConfigError: They do not make a stream.
    """
    return validate(_Given, dict(values), f"stream {values.get('id', '')}".strip(), Path())


def plain_form(stream: Stream) -> dict[str, Any]:
    """The fields of a stream as JSON takes them, with the password in plain text."""
    values = stream.model_dump(mode="json")
    password = stream.password
    return {**values, "password": None if password is None else password.get_secret_value()}


def stored_form(stream: Stream, created_at: float, updated_at: float) -> StoredStream:
    """A stream as the store keeps it; times are UNIX seconds."""
    values = plain_form(stream)
    return StoredStream(stream.id, values, created_at, updated_at, values.pop("password"))


def from_stored(stored: StoredStream) -> Stream:
    """The stream that was stored.

    Raises:
        ConfigError: It is none, for this version.
    """
    return stream_of({**stored.definition, "password": stored.password})


def overridden(stream: Stream, override: StreamOverride | None) -> Stream:
    """A stream with what the interface changed of it.

    Raises:
        ConfigError: Both together make no stream.
    """
    if override is None:
        return stream
    values = plain_form(stream)
    for name in ("zones", "lines", "enabled"):
        if getattr(override, name) is not None:
            values[name] = getattr(override, name)
    if override.masks is not None:
        values["privacy"] = {**values["privacy"], "masks": override.masks}
    return stream_of(values)
