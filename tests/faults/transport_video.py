"""MPEG transport streams as cameras and recorders send them over HTTP, of any codec."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import av

from tests.video.conftest import numbered_picture

__all__ = ["encoded", "recoded_feed"]


def encoded(codec: str, container: str, size: tuple[int, int], frames: int, rate: int) -> bytes:
    """Numbered pictures as a file of one codec."""
    written = io.BytesIO()
    with av.open(written, "w", format=container) as target:
        stream: Any = target.add_stream(codec, rate=rate)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"g": "10", "bf": "0", "x265-params": "log-level=none:bframes=0"}
        for number in range(frames):
            picture = av.VideoFrame.from_ndarray(numbered_picture(number % 256, *size), "bgr24")
            picture.pts, picture.time_base = number, Fraction(1, rate)
            target.mux(stream.encode(picture))
        target.mux(stream.encode())
    return written.getvalue()


def recoded_feed(
    first: bytes, then: bytes, frames: int, is_changed: Callable[[], bool]
) -> Iterator[bytes]:
    """One stream again and again, then another over the same connection; a piece a frame."""
    while True:
        content = then if is_changed() else first
        step = -(-len(content) // frames)
        for begin in range(0, len(content), step):
            yield content[begin : begin + step]
