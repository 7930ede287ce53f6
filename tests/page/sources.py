"""The cameras of the page's tests: one by RTSP, one by HTTP, and a walk whose truth is known."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def read_pictures(clip: Path, *, every: int = 1) -> list[Image]:
    """Pictures of a clip, (H, W, 3) BGR."""
    with av.open(str(clip)) as container:
        frames: list[Any] = list(container.decode(video=0))
    return [np.ascontiguousarray(frame.to_ndarray(format="bgr24")) for frame in frames[::every]]


def repeated(pictures: list[Image]) -> Callable[[int], Image]:
    """For `HttpSources.add_camera`: a clip forwards and backwards without an end or a jump."""
    there_and_back = pictures + pictures[-2:0:-1]
    return lambda number: there_and_back[number % len(there_and_back)]


def make_endless(clip: Path, target: Path, seconds: float = 1200.0) -> Path:
    """A clip again and again, not encoded anew, for an RTSP server that plays files once."""
    with (
        av.open(str(clip)) as source,
        av.open(str(target), "w", options={"movflags": "faststart"}) as result,
    ):
        video: Any = source.streams.video[0]
        stream: Any = result.add_stream_from_template(video)
        packets: list[Any] = [packet for packet in source.demux(video=0) if packet.size]
        # As cameras send it: without frames that are shown in another order.
        step = int(1 / (video.average_rate * video.time_base))
        first = min(packet.dts for packet in packets)
        length = step * len(packets)
        rounds = int(seconds / (length * video.time_base)) + 1
        stamps = [(packet.dts - first, packet.pts - first) for packet in packets]
        for turn in range(rounds):
            for packet, (dts, pts) in zip(packets, stamps, strict=True):
                packet.dts, packet.pts = dts + turn * length, pts + turn * length
                packet.time_base, packet.stream = video.time_base, stream
                result.mux(packet)
    return target


class Walk:
    """A picture whose number is drawn on when it is asked for; remembers which was sent when."""

    def __init__(self, pictures: list[Image]) -> None:
        self._draw = repeated(pictures)
        self._lock = threading.Lock()
        self.sent = 0

    def __call__(self, number: int) -> Image:
        with self._lock:
            self.sent = number
        return self._draw(number)
