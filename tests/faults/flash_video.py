"""FLV as cameras send it over HTTP, with time stamps of one's own choice."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av

__all__ = ["stamped_feed"]

_HEADER = 13  # bytes: the file's header and the size of the tag before the first, 0
_TAG_HEADER = 11
_SIZE_AFTER = 4
_VIDEO = 9
_CONFIGURATION, _PICTURE = 0, 1  # kinds of H.264 packets


def stamped_feed(clip: Path, stamp: Callable[[int], int]) -> Iterator[bytes]:
    """The clip again and again, a tag a piece; picture `n` has the stamp `stamp(n)`, in ms.

    The layout of a tag is Adobe's (Flash Video File Format 10.1, E.4.1): type, 24 bits of size,
    the lower 24 bits of the stamp, its upper 8.
    """
    written = io.BytesIO()
    with av.open(str(clip)) as source, av.open(written, "w", format="flv") as target:
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    content = written.getvalue()
    tags = [tag for tag in _tags(content[_HEADER:]) if tag[0] == _VIDEO]
    configuration = next(tag for tag in tags if tag[_TAG_HEADER + 1] == _CONFIGURATION)
    pictures = [tag for tag in tags if tag[_TAG_HEADER + 1] == _PICTURE]
    yield content[:_HEADER] + configuration
    number = 0
    while True:
        for tag in pictures:
            yield tag[:4] + _stamp(stamp(number)) + tag[8:]
            number += 1


def _tags(content: bytes) -> Iterator[bytes]:
    while len(content) > _TAG_HEADER:
        end = _TAG_HEADER + int.from_bytes(content[1:4], "big") + _SIZE_AFTER
        yield content[:end]
        content = content[end:]


def _stamp(milliseconds: int) -> bytes:
    lower = milliseconds & 0xFFFFFF
    return lower.to_bytes(3, "big") + (milliseconds >> 24 & 0xFF).to_bytes(1, "big")
