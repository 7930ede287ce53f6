"""Clips as cameras send them: H.264 without B-frames, and long."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

__all__ = ["encode_h264", "repeated"]

_ENCODING = {"preset": "ultrafast", "tune": "zerolatency", "crf": "16", "g": "8"}


def encode_h264(pictures: Iterable[npt.NDArray[np.uint8]], rate: int, path: Path) -> Path:
    """Pictures (H, W, 3) uint8 BGR as a file."""
    with av.open(str(path), "w", options={"movflags": "faststart"}) as container:
        stream: Any = container.add_stream("libx264", rate=rate)
        stream.pix_fmt = "yuv420p"
        stream.options = _ENCODING
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.width, stream.height = picture.shape[1], picture.shape[0]
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def repeated(once: Path, times: int) -> Path:
    """A clip again and again in one file, without encoding."""
    path = once.with_name(f"{once.stem}-{times}-times.mp4")
    with (
        av.open(str(once)) as source,
        av.open(str(path), "w", options={"movflags": "faststart"}) as target,
    ):
        stream: Any = target.add_stream_from_template(source.streams.video[0])
        packets: list[Any] = [packet for packet in source.demux(video=0) if packet.size]
        step = packets[1].dts - packets[0].dts
        for number in range(times * len(packets)):
            packet = packets[number % len(packets)]
            packet.pts = packet.dts = number * step
            packet.time_base, packet.stream = source.streams.video[0].time_base, stream
            target.mux(packet)
    return path
