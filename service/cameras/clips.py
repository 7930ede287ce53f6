"""Clips of events: MP4 out of encoded packets, decoded only where something has to be hidden."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from sightline.errors import SourceError
from sightline.service.cameras.packets import EncodedPacket
from sightline.service.cameras.planes import hide, planar
from sightline.service.live.privacy import blur_people

__all__ = ["Clip", "HiddenAreas", "Hiding", "make_clip"]

_UNIT = Fraction(1, 90_000)
_PLAYED_EVERYWHERE = {"av1", "h264", "hevc", "vp9"}
_ENCODING = {"preset": "ultrafast", "tune": "zerolatency", "crf": "23", "g": "30"}
_KNOWN_FOR = 1.0  # seconds around a result in which it says where people are
Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """What a camera saw for some seconds.

    Args:
        video: MP4.
        strip: A JPEG of some moments of it; empty where none was asked for or can be made.
    """

    video: bytes
    strip: bytes = b""


@dataclass(frozen=True, slots=True)
class HiddenAreas:
    """Where people were at a moment.

    Args:
        at: UNIX seconds at which that picture was captured.
        boxes: (N, 4) float32 x1 y1 x2 y2 in 0…1 of the picture.
    """

    at: float
    boxes: npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Hiding:
    """What nobody may see in a clip.

    Args:
        masks: Areas that are black, corners in 0…1.
        blur: Whether people, or their heads, are blurred.
        areas: Where people were, in the order of time; a picture takes those of the results
            before and after it, and is blurred as a whole where none is within a second.
    """

    masks: tuple[Polygon, ...] = ()
    blur: Literal["off", "people", "heads"] = "off"
    areas: tuple[HiddenAreas, ...] = ()


def make_clip(packets: Sequence[EncodedPacket], begin: float, hiding: Hiding) -> bytes:
    """An MP4 file of packets, its index at the front, playing at the times of their capture.

    Args:
        packets: Of one format, from a key frame on.
        begin: UNIX seconds; a clip that is encoded anew begins there, one that is not at the key
            frame before.
        hiding: What has to be hidden.

    Raises:
        SourceError: There is nothing in them that could be shown (`stream_corrupt`).
    """
    if not packets:
        raise SourceError("nothing of that time is kept any more", "stream_ended")
    try:
        with av.open(io.BytesIO(packets[0].header)) as described:
            stream = described.streams.video[0]
            plain = not hiding.masks and hiding.blur == "off"
            if plain and stream.codec_context.name in _PLAYED_EVERYWHERE:
                return _remux(packets, stream)
            return _encode(_decode(packets, stream.codec_context), begin, hiding)
    except av.FFmpegError as error:
        reason = error.strerror or type(error).__name__
        raise SourceError(f"no clip can be made of it: {reason}", "stream_corrupt") from None


def _remux(packets: Sequence[EncodedPacket], template: Any) -> bytes:
    buffer = io.BytesIO()
    with _open(buffer) as container:
        stream: Any = container.add_stream_from_template(template)
        start = packets[0].captured_at
        last = -round(packets[0].delay / _UNIT) - 1
        for packet in packets:
            shown = packet.captured_at - start
            # A file needs times of decoding that grow, whatever the camera's clock did.
            decoded = max(round((shown - packet.delay) / _UNIT), last + 1)
            copy: Any = av.Packet(packet.data)
            copy.dts, copy.pts = decoded, max(round(shown / _UNIT), decoded)
            copy.time_base, copy.stream, copy.is_keyframe = _UNIT, stream, packet.keyframe
            container.mux(copy)
            last = decoded
    return buffer.getvalue()


def _decode(packets: Sequence[EncodedPacket], decoder: Any) -> Iterator[tuple[float, Any]]:
    """Capture times and pictures; what is damaged is left out."""
    decoder.thread_count = 1
    decoder.copy_opaque = True
    for packet in (*packets, None):
        copy: Any = None
        if packet is not None:
            copy = av.Packet(packet.data)
            copy.time_base = _UNIT
            copy.pts = round((packet.captured_at - packets[0].captured_at) / _UNIT)
            copy.dts = copy.pts - round(packet.delay / _UNIT)
            copy.opaque = packet.captured_at
        try:
            pictures = decoder.decode(copy)
        except av.FFmpegError:
            continue
        for picture in pictures:
            if picture.opaque is not None:
                yield picture.opaque, picture


def _encode(pictures: Iterator[tuple[float, Any]], begin: float, hiding: Hiding) -> bytes:
    buffer = io.BytesIO()
    stream: Any = None
    start, last = 0.0, -1
    with _open(buffer) as container:
        for captured_at, picture in pictures:
            if captured_at < begin:
                continue
            hidden = _hide(captured_at, picture, hiding)
            if stream is None:
                start = captured_at
                stream = container.add_stream("libx264", rate=30, options=dict(_ENCODING))
                stream.width, stream.height = hidden.width & ~1, hidden.height & ~1
                stream.pix_fmt = "yuv420p"
                stream.time_base = stream.codec_context.time_base = _UNIT
                stream.codec_context.thread_count = 1
            last = max(round((captured_at - start) / _UNIT), last + 1)
            hidden.pts, hidden.time_base = last, _UNIT
            hidden.pict_type = 0
            container.mux(stream.encode(hidden))
        if stream is None:
            raise SourceError("no picture of that time can be decoded", "stream_corrupt")
        container.mux(stream.encode(None))
    return buffer.getvalue()


def _hide(captured_at: float, picture: Any, hiding: Hiding) -> Any:
    """A picture with even sides in which masks are black and people blurred."""
    picture = hide(planar(picture), hiding.masks)
    width, height = picture.width & ~1, picture.height & ~1
    reformatter = VideoReformatter()
    if hiding.blur == "off":
        return reformatter.reformat(picture, width=width, height=height, format="yuv420p")
    small: Any = reformatter.reformat(picture, width=width, height=height, format="bgr24")
    image: npt.NDArray[np.uint8] = small.to_ndarray()
    near = _areas_at(captured_at, hiding.areas)
    if near is None:
        blur_people(image, np.array([[0, 0, width, height]], np.float32), "people")
    else:
        blur_people(image, near * np.array([width, height, width, height]), hiding.blur)
    converted: Any = av.VideoFrame.from_ndarray(image, format="bgr24")
    return reformatter.reformat(converted, format="yuv420p")


def _areas_at(captured_at: float, areas: Sequence[HiddenAreas]) -> npt.NDArray[np.float32] | None:
    """Boxes of the results before and after a moment; None where there is none that is near."""
    before = [area for area in areas if captured_at - _KNOWN_FOR <= area.at <= captured_at]
    after = [area for area in areas if captured_at < area.at <= captured_at + _KNOWN_FOR]
    known = [area.boxes for area in (*before[-1:], *after[:1])]
    return np.concatenate(known) if known else None


def _open(buffer: io.BytesIO) -> Any:
    # The muxer opens its own output again to move the index to the front.
    return av.open(
        buffer,
        "w",
        format="mp4",
        options={"movflags": "faststart"},
        io_open=lambda _url, _flags, _options: io.BytesIO(buffer.getvalue()),
    )
