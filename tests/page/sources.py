"""The cameras of the page's tests: one by RTSP, one by HTTP, and a walk whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from sightline.demo.people import Walker
from sightline.demo.render import Truth, render_frames
from sightline.demo.scene import WIDTH

Image = npt.NDArray[np.uint8]

_BITS = 8
_SQUARE = 20


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


def numbered_walk(walkers: Sequence[Walker], seconds: float, rate: float) -> NumberedWalk:
    """Somebody walks over the plaza; each picture bears its number where nobody walks."""
    frames = list(render_frames(round(seconds * rate), walkers, rate))
    pictures = [number_picture(picture, number) for number, (picture, _) in enumerate(frames)]
    return NumberedWalk(pictures, [truths for _, truths in frames])


@dataclass(frozen=True, slots=True)
class NumberedWalk:
    """A walk whose truth is known.

    Args:
        pictures: (360, 640, 3) BGR.
        truths: Who is where in each.
    """

    pictures: list[Image]
    truths: list[list[Truth]]

    def __call__(self, number: int) -> Image:
        """The picture of a frame; for `HttpSources.add_camera`."""
        return self.pictures[number % len(self.pictures)]


def number_picture(picture: Image, number: int) -> Image:
    """A picture with its number as eight black and white squares at its lower left."""
    numbered = picture.copy()
    for bit in range(_BITS):
        left = bit * _SQUARE
        numbered[-_SQUARE:, left : left + _SQUARE] = 255 if number >> bit & 1 else 0
    return numbered


def number_of(picture: Image) -> int:
    """The number that `number_picture` wrote, from a picture that was scaled and compressed."""
    square = _SQUARE * picture.shape[1] / WIDTH
    row = round(picture.shape[0] - square / 2)
    values = [picture[row, round((bit + 0.5) * square)].mean() for bit in range(_BITS)]
    return sum(1 << bit for bit, value in enumerate(values) if value > 128)
