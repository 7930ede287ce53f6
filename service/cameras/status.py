"""What is known of a camera at a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["StreamState", "StreamStatus"]

StreamState = Literal["CONNECTING", "RUNNING", "STALLED", "BACKOFF", "FAILED", "STOPPED"]
"""FAILED needs a person (wrong password, not found); BACKOFF tries again by itself."""


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """A camera's state, and why.

    Args:
        stream: Identifier of the stream.
        state: What it is doing.
        since: UNIX seconds since when.
        error_code: `stream_auth_failed` and the like of the last failure, None while it runs.
        error: The failure in a sentence, without credentials.
        retry_at: UNIX seconds of the next attempt, in BACKOFF.
        attempts: Attempts since it last ran.
        fps: Frames a second received lately.
        width: Pixels of the picture; 0 before the first.
        height: Pixels of the picture; 0 before the first.
        received: Frames received since the service started.
        corrupt: Frames that could not be decoded.
        last_frame_at: UNIX seconds of the newest frame's capture.
        log: Last lines of FFmpeg, without credentials.
    """

    stream: str
    state: StreamState
    since: float
    error_code: str | None = None
    error: str | None = None
    retry_at: float | None = None
    attempts: int = 0
    fps: float = 0.0
    width: int = 0
    height: int = 0
    received: int = 0
    corrupt: int = 0
    last_frame_at: float | None = None
    log: tuple[str, ...] = ()
