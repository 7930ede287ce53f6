"""What can go wrong, as one tree.

    SightlineError
     ├─ InputError    an array, a file or an argument that cannot be used
     ├─ SourceError   a video source that cannot be opened or read (has a `code`)
     ├─ ModelError    a network or a device that cannot be used
     ├─ ConfigError   a setting, a preset or a missing optional package
     └─ StateError    a call at the wrong moment, or a saved state that does not fit

Every message names the thing, what came, what was expected and what to do.
"""

from __future__ import annotations

from typing import Literal

__all__ = [
    "ConfigError",
    "InputError",
    "ModelError",
    "SightlineError",
    "SourceCode",
    "SourceError",
    "StateError",
]

SourceCode = Literal[
    "stream_auth_failed",
    "stream_timeout",
    "stream_not_found",
    "stream_tls",
    "stream_codec",
    "stream_ended",
    "stream_corrupt",
    "stream_refused",
]


class SightlineError(Exception):
    """Base of every error that Sightline raises on purpose."""

    exit_code: int = 2
    """What the command line returns for it."""


class InputError(SightlineError, ValueError):
    """An array, a file or an argument that cannot be used."""


class SourceError(SightlineError):
    """A video source that cannot be opened or read.

    Args:
        message: What happened and what to do; never holds a password.
        code: Stable machine-readable reason, shared with the HTTP interface.
    """

    exit_code = 3

    def __init__(self, message: str, code: SourceCode) -> None:
        super().__init__(message)
        self.code: SourceCode = code


class ModelError(SightlineError):
    """A network that cannot be loaded or run, or a device that is not there."""

    exit_code = 4


class ConfigError(SightlineError):
    """A setting, a preset or a recipe that is wrong, or an optional package that is missing."""


class StateError(SightlineError):
    """A call at the wrong moment, or a saved state that does not fit."""
