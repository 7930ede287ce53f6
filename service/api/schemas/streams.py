"""Streams as the interface takes and shows them."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pydantic
from pydantic import Field, SecretStr

from sightline.service.api.redaction import without_secrets
from sightline.service.api.schemas.times import Time
from sightline.service.cameras.status import StreamState, StreamStatus
from sightline.service.config import Privacy, Reconnect, Stream
from sightline.service.rules import RuleTiming
from sightline.service.settings import Identifier
from sightline.service.steady import rfc3339
from sightline.service.streams import StreamView

__all__ = ["Processing", "StatusAnswer", "StreamAnswer", "StreamChanges", "StreamRequest"]

_EXAMPLE: dict[str, pydantic.JsonValue] = {
    "id": "entrance",
    "name": "Main entrance",
    "url": "rtsp://10.0.0.5/stream1",
    "username": "viewer",
    "password": "p@ss/word",
    "process_fps": 10,
}


class StreamRequest(Stream):
    """A stream to be made. Values cannot be read from files of the service's machine."""

    model_config = pydantic.ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})
    from_files: ClassVar[bool] = False


class StreamChanges(pydantic.BaseModel):
    """Fields of a stream to be changed; those left out stay, null takes a value away.

    Objects are merged field by field (RFC 7396). A new `url` drops user and password, which may be
    meant for another host; give them again. Zones, lines and masks have addresses of their own.
    """

    model_config = pydantic.ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"process_fps": 5, "privacy": {"blur": "people"}}]},
    )

    name: str | None = None
    url: str | None = None
    username: str | None = None
    password: SecretStr | None = None
    enabled: bool | None = None
    transport: Literal["tcp", "udp"] | None = None
    verify_tls: bool | None = None
    timeout: float | None = None
    reconnect: dict[str, float] | None = Field(
        default=None, description="`first`, `longest`, `jitter`."
    )
    process_fps: float | None = None
    privacy: BlurChange | None = None
    rules: dict[str, float] | None = Field(
        default=None, description="How sure rules have to be; docs/rules.md."
    )

    def values(self) -> dict[str, Any]:
        """What was given, as JSON takes it, with the password in plain text."""
        given = self.model_dump(mode="json", exclude_unset=True)
        if self.password is not None:
            given["password"] = self.password.get_secret_value()
        return given


class BlurChange(pydantic.BaseModel):
    """What is blurred."""

    model_config = pydantic.ConfigDict(extra="forbid")

    blur: Literal["off", "people", "heads"]


class StatusAnswer(pydantic.BaseModel):
    """What a stream is doing."""

    state: StreamState = Field(examples=["RUNNING"])
    since: Time
    error_code: str | None = Field(
        description="Stable reason of the last failure.", examples=["stream_timeout"]
    )
    error: str | None = Field(description="The same in a sentence.")
    retry_at: Time | None = Field(description="Next attempt, in BACKOFF.")
    attempts: int = Field(description="Attempts since it last ran.", examples=[0])
    fps: float = Field(description="Frames a second received lately.", examples=[25.0])
    width: int = Field(description="Pixels; 0 before the first frame.", examples=[1920])
    height: int = Field(description="Pixels; 0 before the first frame.", examples=[1080])
    received: int = Field(description="Frames since the service started.", examples=[40_210])
    corrupt: int = Field(description="Frames that could not be decoded.", examples=[0])
    last_frame_at: Time | None = Field(description="When the newest frame was captured.")
    log: list[str] = Field(description="Last lines of FFmpeg, without credentials.")


class Processing(pydantic.BaseModel):
    """Where a stream's frames went: received = processed + dropped + skipped + waiting."""

    processed: int = Field(description="Detected and tracked.", examples=[20_001])
    dropped: int = Field(description="Replaced by newer ones first.", examples=[20_208])
    skipped: int = Field(description="Left out because of `process_fps`.", examples=[0])
    waiting: int = Field(description="In flight.", examples=[1])
    tracks: int = Field(description="Tracks in the last frame.", examples=[3])
    frame_at: Time = Field(description="When the last frame looked at was captured.")
    seconds: float = Field(description="From capture to result.", examples=[0.05])


class StreamAnswer(pydantic.BaseModel):
    """A stream as it stands; never with its password."""

    id: Identifier = Field(examples=["entrance"])
    name: str = Field(examples=["Main entrance"])
    url: str = Field(
        description="Without user and password; secrets in its query are hidden.",
        examples=["rtsp://10.0.0.5/stream1"],
    )
    username: str | None = Field(examples=["viewer"])
    has_password: bool = Field(examples=[True])
    origin: Literal["file", "api"] = Field(
        description="file: defined by the configuration, which alone can change it.",
        examples=["api"],
    )
    enabled: bool = Field(description="Whether it runs when the service starts.", examples=[True])
    transport: Literal["tcp", "udp"] = Field(examples=["tcp"])
    verify_tls: bool = Field(examples=[True])
    timeout: float = Field(examples=[10.0])
    reconnect: Reconnect
    buffer: Literal["newest", "wait"] = Field(examples=["newest"])
    loop: bool = Field(examples=[False])
    process_fps: float | None = Field(examples=[10.0])
    privacy: Privacy
    rules: RuleTiming
    status: StatusAnswer
    processing: Processing | None = Field(description="null before the first frame.")

    @classmethod
    def of(cls, view: StreamView) -> StreamAnswer:
        """The answer about a stream."""
        stream = view.stream
        return cls(
            id=stream.id,
            name=stream.name or stream.id,
            url=without_secrets(stream.url),
            username=stream.username,
            has_password=stream.password is not None,
            origin=view.origin,
            enabled=stream.enabled,
            transport=stream.transport,
            verify_tls=stream.verify_tls,
            timeout=stream.timeout,
            reconnect=stream.reconnect,
            buffer=stream.buffer,
            loop=stream.loop,
            process_fps=stream.process_fps,
            privacy=stream.privacy,
            rules=stream.rules,
            status=_status(view.status),
            processing=_processing(view),
        )


def _status(status: StreamStatus) -> StatusAnswer:
    return StatusAnswer(
        state=status.state,
        since=rfc3339(status.since),
        error_code=status.error_code,
        error=None if status.error is None else without_secrets(status.error),
        retry_at=None if status.retry_at is None else rfc3339(status.retry_at),
        attempts=status.attempts,
        fps=round(status.fps, 2),
        width=status.width,
        height=status.height,
        received=status.received,
        corrupt=status.corrupt,
        last_frame_at=None if status.last_frame_at is None else rfc3339(status.last_frame_at),
        log=list(map(without_secrets, status.log)),
    )


def _processing(view: StreamView) -> Processing | None:
    result, counts = view.result, view.counts
    if result is None or counts is None:
        return None
    return Processing(
        processed=counts.processed,
        dropped=counts.dropped,
        skipped=counts.skipped,
        waiting=counts.waiting,
        tracks=len(result.tracks.ids),
        frame_at=rfc3339(result.captured_at),
        seconds=round(max(0.0, result.finished_at - result.captured_at), 4),
    )
