"""Opens whatever a user names as a source of frames.

| specification | kind |
| --- | --- |
| `clip.mp4` | video file, anything that FFmpeg reads |
| `pictures/` | folder of pictures, in the order of their names |
| `MOT17-02/` | sequence of the MOTChallenge (`seqinfo.ini`, `img1/`) |
| `http://…`, `https://…` | file or stream: MP4, multipart MJPEG, HLS, TS |
| `rtsp://…`, `rtsps://…` | camera |
| `webcam:0`, `/dev/video0` | webcam |
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from sightline.errors import InputError, SourceError
from sightline.protocols import Source
from sightline.video.address import parse_address
from sightline.video.files import open_file
from sightline.video.network import open_network
from sightline.video.pictures import is_sequence, open_pictures, open_sequence
from sightline.video.selection import Selection
from sightline.video.webcam import open_webcam

__all__ = ["open_source"]

_WEBCAM = re.compile(r"^webcam:(.+)$")
_SCHEMES = ("http", "https", "rtsp", "rtsps")


def open_source(
    spec: str | Path,
    *,
    start: float | None = None,
    end: float | None = None,
    stride: int = 1,
    rate: float | None = None,
    username: str | None = None,
    password: str | None = None,
    timeout: float = 10.0,
    transport: Literal["tcp", "udp"] = "tcp",
    verify_tls: bool = True,
) -> Source:
    """Open a source; its kind is told by how it is named and what lies there.

    Frames keep the index that they have in the source, also after `start` and between strides.
    Stream time 0 is where a player would show 0: the start of the file, the first frame of a
    camera. Pictures are upright BGR with the colours of `cv2.VideoCapture` (the stream's own
    matrix and range, BT.601 limited where it names none).

    Args:
        spec: File, folder, address or webcam, as in this module's table.
        start: Seconds of stream time to begin at.
        end: Seconds of stream time to end before.
        stride: Deliver every so many frames (those with index 0, stride, 2·stride …).
        rate: Frames per second of pictures in a folder; folders only.
        username: For network sources, instead of one in the address.
        password: For network sources; never shown and never logged.
        timeout: Seconds without data after which a network source or webcam is given up.
        transport: How RTSP carries pictures.
        verify_tls: Whether certificates of https and rtsps must be valid.

    Raises:
        SourceError: The source cannot be opened; its `code` says why.
        InputError: An option is out of range.

    Example:
        >>> open_source("missing.mp4")
        Traceback (most recent call last):
        sightline.errors.SourceError: missing.mp4: no such file or folder; check the path
    """
    selection = Selection(start, end, stride)
    if timeout <= 0:
        raise InputError(f"timeout is seconds above 0; got {timeout}")
    if rate is not None and rate <= 0:
        raise InputError(f"rate is frames per second above 0; got {rate}")
    text = str(spec)
    webcam = _WEBCAM.match(text)
    if webcam or text.startswith("/dev/video"):
        return open_webcam(webcam[1] if webcam else text, selection, timeout=timeout)
    if isinstance(spec, str) and "://" in text:
        address = parse_address(text).with_credentials(username, password)
        if address.scheme not in _SCHEMES:
            raise SourceError(
                f"{address}: sources are read by {', '.join(_SCHEMES)}, not {address.scheme}",
                "stream_refused",
            )
        return open_network(
            address, selection, timeout=timeout, transport=transport, verify_tls=verify_tls
        )
    path = Path(text)
    if not path.exists():
        raise SourceError(f"{path}: no such file or folder; check the path", "stream_not_found")
    if not path.is_dir():
        return open_file(path, selection)
    if is_sequence(path):
        return open_sequence(path, selection, rate=rate)
    return open_pictures(path, selection, rate=rate)
