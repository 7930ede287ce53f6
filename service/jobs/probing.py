"""What a file from outside claims to be, asked in a process that may crash or hang.

Only containers of video are opened: no playlists, which name other files, and no pictures, whose
few bytes may become gigabytes. Sizes are read from headers before anything is decoded.
"""

from __future__ import annotations

import itertools
import resource
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from sightline.errors import SightlineError, SourceError
from sightline.service.errors import TooLargeError, UnsupportedError
from sightline.service.processes import start_child

__all__ = ["probe"]

# FFmpeg's names of demuxers, as they stand in its `-demuxers`; the first is of MP4 and MOV.
_CONTAINERS = (
    *("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg"),
    *("mxf", "ivf", "h264", "hevc", "mpegvideo", "mjpeg", "dv", "wtv"),
)
_CPU_SECONDS = 20
_SECONDS = 300.0  # on a machine that is busy with cameras
_MEMORY = 4 * 2**30
_PACKETS = 300


def probe(path: Path, name: str, max_pixels: int) -> None:
    """Whether a file is a video that can be decoded.

    Args:
        path: The file.
        name: What messages call it.
        max_pixels: Pixels that a frame may have.

    Raises:
        UnsupportedError: It is no container of video, or there is no video in it.
        TooLargeError: Its frames have too many pixels.
        SourceError: It is damaged, or reading its header crashed or took too long.
    """
    child = start_child(_look_at, str(path), max_pixels, name="probe")
    try:
        answer: SightlineError | bool | None = None
        if child.pipe.poll(_SECONDS):
            answer = child.pipe.recv()
    except EOFError:
        answer = None
    finally:
        child.kill()
    match answer:
        case True:
            return
        case TooLargeError() | UnsupportedError():
            raise type(answer)(f"{name}: {answer}")
        case _:
            reason = answer or "reading its header crashed or took too long"
            raise SourceError(f"{name}: {reason}", "stream_corrupt")


def _look_at(pipe: Connection, path: str, max_pixels: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_SECONDS, _CPU_SECONDS))
    try:
        _check(path, max_pixels)
        pipe.send(True)
    except SightlineError as error:
        # An error with more than a message does not survive pickling as it is.
        pipe.send(error if isinstance(error, TooLargeError | UnsupportedError) else None)


def _check(path: str, max_pixels: int) -> None:
    import av

    if Path(path).stat().st_size == 0:
        raise UnsupportedError("the file is empty; expected a video")
    options = {"format_whitelist": ",".join(_CONTAINERS), "protocol_whitelist": "file"}
    try:
        container = av.open(path, options=options)
    except (av.FFmpegError, OSError):
        raise UnsupportedError(
            "not a video that can be read; expected MP4, MOV, MKV, WebM, AVI, TS and the like, "
            "complete from its beginning"
        ) from None
    with container:
        if container.format.name not in _CONTAINERS:
            raise UnsupportedError(f"a {container.format.name} file; expected a video")
        stream = next(iter(container.streams.video), None)
        if stream is None or stream.codec_context is None:
            raise UnsupportedError("there is no video in it that can be decoded")
        width, height = stream.width, stream.height
        if width * height > max_pixels:
            raise TooLargeError(
                f"its frames have {width}x{height} pixels; security.max_pixels allows {max_pixels}"
            )
        _decode_one(container, stream, max_pixels)


def _decode_one(container: Any, stream: Any, max_pixels: int) -> None:
    """Whether there is a picture in it: headers may say anything."""
    import av

    # FFmpeg asks it before it makes room for a picture.
    stream.codec_context.options = {"max_pixels": str(max_pixels)}
    for packet in itertools.islice(container.demux(stream), _PACKETS):
        try:
            if stream.codec_context.decode(packet):
                return
        except av.FFmpegError:
            continue
    raise UnsupportedError(
        "no picture at its beginning can be decoded: it is damaged, or larger than its header says"
    )
