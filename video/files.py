"""Video files on this machine."""

from __future__ import annotations

from pathlib import Path

import av

from sightline.errors import SourceError
from sightline.video.container import ContainerSource, Taps
from sightline.video.selection import Selection

__all__ = ["open_file"]


def open_file(
    path: Path,
    selection: Selection,
    *,
    taps: Taps | None = None,
    max_pixels: int | None = None,
) -> ContainerSource:
    """Open a video file.

    Args:
        path: The file; what it is is told by its content, not by its suffix.
        selection: Which frames are wanted.
        taps: Who is told of packets, and what arrivals are told by.
        max_pixels: Pixels that a frame may have; larger ones count as damaged and are not decoded.

    Raises:
        SourceError: The file is missing, empty, not readable or not a video.
    """

    def name_failure(error: BaseException, _seconds: float) -> SourceError:
        return _failure(path, error)

    try:
        if path.stat().st_size == 0:
            raise SourceError(f"{path}: the file is empty", "stream_corrupt")
        # A playlist must not make us read what its author cannot: other protocols stay shut.
        container = av.open(str(path), options={"protocol_whitelist": "file,crypto,data"})
    except OSError as error:
        raise _failure(path, error) from None
    except av.FFmpegError as error:
        raise _failure(path, error) from None
    if max_pixels is not None:
        for stream in container.streams.video:
            if stream.codec_context is not None:
                # FFmpeg asks it before it makes room for a picture, whatever the header said.
                stream.codec_context.options = {"max_pixels": str(max_pixels)}
    return ContainerSource(
        container,
        name=path.stem,
        label=str(path),
        live=False,
        selection=selection,
        name_failure=name_failure,
        taps=taps,
    )


def _failure(path: Path, error: BaseException) -> SourceError:
    if isinstance(error, FileNotFoundError):
        return SourceError(f"{path}: no such file; check the path", "stream_not_found")
    if isinstance(error, av.error.PermissionError):
        return SourceError(
            f"{path}: a list of other files, which is not followed; name the video itself",
            "stream_refused",
        )
    if isinstance(error, PermissionError):
        return SourceError(f"{path}: not allowed to read it", "stream_refused")
    if isinstance(error, av.InvalidDataError):
        try:
            with path.open("rb") as file:
                head = file.read(12)
        except OSError:
            head = b""
        if head[4:8] == b"ftyp":
            return SourceError(
                f"{path}: an MP4 file that was cut short before its index was written, or is "
                "damaged; nothing in it can be read",
                "stream_corrupt",
            )
        return SourceError(
            f"{path}: not a video that FFmpeg can read; expected MP4, MKV, AVI, MOV, TS, WebM …",
            "stream_codec",
        )
    reason = getattr(error, "strerror", None) or type(error).__name__
    return SourceError(f"{path}: cannot be read: {reason}", "stream_corrupt")
