"""A camera: where its pictures come from, how it is read, what is drawn into it and hidden."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

import pydantic
from pydantic import Field, SecretStr

from sightline.errors import InputError
from sightline.service.rules.scene import Polygon, Scene
from sightline.service.settings import Identifier, Settings, fill_from_files, from_file
from sightline.video.address import parse_address

__all__ = ["Privacy", "Reconnect", "Stream"]

_SCHEMES = ("rtsp", "rtsps", "http", "https")


class Reconnect(Settings):
    """How a stream that broke is tried again: after 1, 2, 4 … seconds."""

    first: Annotated[float, Field(ge=0.1, le=3600)] = Field(
        default=1.0, title="First wait", description="Seconds before the first new attempt."
    )
    longest: Annotated[float, Field(ge=0.1, le=86_400)] = Field(
        default=60.0, title="Longest wait", description="Seconds that doubling ends at."
    )
    jitter: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.2,
        title="Jitter",
        description="Share by which a wait is varied, so that cameras do not come back at once.",
    )

    @pydantic.model_validator(mode="after")
    def _grows(self) -> Self:
        if self.longest < self.first:
            raise ValueError(f"longest ({self.longest:g} s) is at least first ({self.first:g} s)")
        return self


class Privacy(Settings):
    """What nobody gets to see."""

    masks: Annotated[tuple[Polygon, ...], Field(max_length=100)] = Field(
        default=(),
        title="Masks",
        description="Areas (corners x, y in 0…1) that are black before detection and in every "
        "picture.",
    )
    blur: Literal["off", "people", "heads"] = Field(
        default="off", title="Blur", description="What is blurred in every picture that goes out."
    )


class Stream(Scene):
    """One camera, with the zones, lines and rules of its picture."""

    id: Identifier = Field(
        title="Identifier", description="Names it in addresses, events and metrics."
    )
    name: Annotated[str, Field(max_length=200)] = Field(
        default="", title="Label", description="What people read; the identifier if left out."
    )
    url: Annotated[str, Field(min_length=1, max_length=4096)] = Field(
        title="Source",
        description="rtsp://, rtsps://, http:// or https:// address, webcam:0, or a video file. "
        "User and password in it become the fields of their own.",
        json_schema_extra=from_file,
    )
    username: str | None = Field(
        default=None, title="User", description="User name at the camera, any characters."
    )
    password: SecretStr | None = Field(
        default=None,
        title="Password",
        description="Password at the camera, any characters.",
        json_schema_extra=from_file,
    )
    enabled: bool = Field(
        default=True, title="Enabled", description="Whether it runs from the start."
    )
    transport: Literal["tcp", "udp"] = Field(
        default="tcp", title="Transport", description="How RTSP carries pictures; tcp loses none."
    )
    verify_tls: bool = Field(
        default=True,
        title="Check certificates",
        description="Whether the certificate of https and rtsps must be valid.",
    )
    timeout: Annotated[float, Field(ge=0.5, le=600)] = Field(
        default=10.0,
        title="Time-out",
        description="Seconds without a packet, connecting or running, after which the stream is "
        "given up and tried again.",
    )
    reconnect: Reconnect = Field(
        default=Reconnect(), title="Reconnect", description="How it is tried again."
    )
    buffer: Literal["newest", "wait"] = Field(
        default="newest",
        title="Buffer",
        description="newest: a slow detector leaves frames out; wait: every frame is taken, for "
        "files only.",
    )
    loop: bool = Field(
        default=False, title="Loop", description="Whether a file begins again at its end."
    )
    process_fps: Annotated[float, Field(gt=0, le=240)] | None = Field(
        default=None,
        title="Frames a second",
        description="Most frames a second that are looked at; all if left out.",
    )
    privacy: Privacy = Field(
        default=Privacy(), title="Privacy", description="What nobody gets to see."
    )

    @pydantic.model_validator(mode="before")
    @classmethod
    def _part_address(cls, data: Any, info: pydantic.ValidationInfo) -> Any:
        given = fill_from_files(cls, data, info)
        url = given.get("url") if isinstance(given, dict) else None
        if not isinstance(url, str) or "://" not in url:
            return given
        try:
            address = parse_address(url)
        except InputError as error:
            raise ValueError(f"url: {error}") from error
        if address.scheme not in _SCHEMES:
            raise ValueError(
                f"url: sources are read by {', '.join(_SCHEMES)}, not {address.scheme}"
            )
        parts = {"username": address.username, "password": address.password}
        found = {name: value for name, value in parts.items() if value is not None}
        double = next((name for name in found if given.get(name) is not None), None)
        if double is not None:
            raise ValueError(f"{double} is given in url and as a field of its own; keep one")
        return {**given, "url": str(address), **found}

    @pydantic.model_validator(mode="after")
    def _only_files_wait(self) -> Self:
        live = "://" in self.url or self.url.startswith(("webcam:", "/dev/video"))
        for name, wanted in (("buffer: wait", self.buffer == "wait"), ("loop: true", self.loop)):
            if live and wanted:
                raise ValueError(f"{name} is for video files; this source is live")
        return self
