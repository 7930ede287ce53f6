"""What the service and the reader process of a camera tell each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sightline.errors import SourceCode
from sightline.service.cameras.clips import Hiding, Polygon

__all__ = [
    "Beat",
    "ClipMade",
    "Connect",
    "Ended",
    "Guard",
    "MakeClip",
    "Mask",
    "Ready",
    "RingMade",
    "Source",
]


@dataclass(frozen=True, slots=True)
class Guard:
    """How a reader checks an address that came by the interface, before each attempt to connect.

    Args:
        networks: Those that may be connected to, as in `AddressPolicy`.
        proxy: For http and https, the proxy that checks every connection. Holds a secret.
    """

    networks: tuple[str, ...]
    proxy: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Source:
    """What is read, and how; the fields are those of `config.Stream` that matter for that.

    Args:
        url: Address, webcam or file.
        username: At the camera.
        password: At the camera; never shown.
        transport: How RTSP carries pictures.
        verify_tls: Whether certificates must be valid.
        timeout: Seconds without a packet after which it is given up.
        wait: Whether a file waits for who takes its frames.
        loop: Whether a file begins again at its end.
        guard: How its address is checked; None where it is trusted.
    """

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    transport: Literal["tcp", "udp"] = "tcp"
    verify_tls: bool = True
    timeout: float = 10.0
    wait: bool = False
    loop: bool = False
    guard: Guard | None = None


@dataclass(frozen=True, slots=True)
class Connect:
    """To the reader: read this now.

    Args:
        source: What.
        sequence: Of the last frame before.
        captured_at: UNIX seconds of the last frame before.
    """

    source: Source
    sequence: int
    captured_at: float


@dataclass(frozen=True, slots=True)
class Mask:
    """To the reader: what is black from now on (corners in 0…1)."""

    masks: tuple[Polygon, ...]


@dataclass(frozen=True, slots=True)
class MakeClip:
    """To the reader: make a clip of a stretch of time.

    Args:
        number: Comes back with the answer.
        begin: UNIX seconds, as all times.
        end: Its end.
        hiding: What nobody may see.
        moment: When it happened, for a strip around it; None for no strip.
        around: Where it happened, x and y in 0…1; None for the whole picture.
    """

    number: int
    begin: float
    end: float
    hiding: Hiding
    moment: float | None = None
    around: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """From the reader: the process has started."""


@dataclass(frozen=True, slots=True)
class RingMade:
    """From the reader: frames lie in this ring from now on."""

    name: str


@dataclass(frozen=True, slots=True)
class Beat:
    """From the reader, some times a second while it reads.

    Args:
        progress: Grows with every packet, and while a file waits for its frame to be due.
        pictures: Frames of this attempt.
        sequence: Of the newest frame.
        corrupt: Frames that could not be decoded, of this reader.
        fps: Frames a second lately.
        width: Of the newest frame.
        height: Of the newest frame.
        captured_at: UNIX seconds of the newest frame.
        log: Last lines of FFmpeg, without credentials.
    """

    progress: int
    pictures: int
    sequence: int
    corrupt: int
    fps: float
    width: int
    height: int
    captured_at: float
    log: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """From the reader: the attempt is over.

    Args:
        code: Why; None where a file has been read to its end.
        error: The same in a sentence, without credentials.
        log: Last lines of FFmpeg, without credentials.
    """

    code: str | None
    error: str | None
    log: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ClipMade:
    """From the reader: a clip lies in shared memory, or why not.

    Args:
        number: Of the request.
        memory: Name of the shared memory; who reads it gives it back.
        size: Bytes of it that are the clip.
        strip: A JPEG of some moments of it; empty where none was asked for or can be made.
        code: Why there is none.
        error: The same in a sentence.
    """

    number: int
    memory: str = ""
    size: int = 0
    strip: bytes = b""
    code: SourceCode | None = None
    error: str | None = None
