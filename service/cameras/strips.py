"""Strips of events: a few small pictures of a clip side by side, seen at a glance in a list."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

import av
import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["make_strip"]

Image = npt.NDArray[np.uint8]

_MOMENTS: Final = (-2.0, -1.0, 0.0, 1.0, 2.0)  # seconds from what happened
_NEAR = 0.6
_HEIGHT = 150
_PART = 0.5  # of either side of the picture is shown around a place
_QUALITY = 80


def make_strip(clip: bytes, before_end: float, around: tuple[float, float] | None) -> bytes:
    """A JPEG of five pictures of a clip, a second apart, the earliest left; empty if none decodes.

    Args:
        clip: A video file in which nothing has to be hidden any more.
        before_end: Seconds from what happened to the clip's last picture.
        around: Where it happened, x and y in 0…1: half of the picture on either side is shown;
            None shows all of it.
    """
    try:
        pictures = _pictures(clip, before_end)
    except av.FFmpegError:
        pictures = []
    if not pictures:
        return b""
    cells = [_cell(picture, around) for picture in pictures]
    width = min(cell.shape[1] for cell in cells)
    encoded: Any = cv2.imencode(
        ".jpg", np.hstack([cell[:, :width] for cell in cells]), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY]
    )[1]
    return bytes(encoded)


def _pictures(clip: bytes, before_end: float) -> list[Image]:
    """Those nearest to the moments; key frames alone where that is near enough."""
    container: Any
    with av.open(io.BytesIO(clip)) as container:
        stream = container.streams.video[0]
        shown = sorted(
            (packet.pts, packet.is_keyframe)
            for packet in container.demux(stream)
            if packet.pts is not None
        )
        times = np.array([float(pts * stream.time_base) for pts, _ in shown])
        if not len(times):
            return []
        wanted = [times[-1] - before_end + moment for moment in _MOMENTS]
        keys = np.array([key for _, key in shown])
        chosen = _nearest(times, wanted)
        if keys.any():
            cheap = np.flatnonzero(keys)[_nearest(times[keys], wanted)]
            # At the clip's ends the nearest of all is far as well.
            if np.all(np.abs(times[cheap] - times[chosen]) <= _NEAR):
                chosen = cheap
                stream.codec_context.skip_frame = "NONKEY"
        points = {shown[number][0] for number in chosen.tolist()}
        stream.codec_context.thread_count = 1
        container.seek(0)
        found: dict[int, Image] = {}
        for picture in container.decode(stream):
            if picture.pts in points:
                found[picture.pts] = picture.to_ndarray(format="bgr24")
                if len(found) == len(points):
                    break
    return [found[pts] for pts in sorted(found)]


def _nearest(times: npt.NDArray[np.float64], wanted: Sequence[float]) -> npt.NDArray[np.int64]:
    """For each wanted time, the number of the one that is nearest."""
    nearest: npt.NDArray[np.int64] = np.abs(times[:, None] - np.array(wanted)).argmin(axis=0)
    return nearest


def _cell(image: Image, around: tuple[float, float] | None) -> Image:
    if around is not None:
        height, width = image.shape[:2]
        across, down = round(width * _PART), round(height * _PART)
        left = int(np.clip(round(around[0] * width) - across // 2, 0, width - across))
        top = int(np.clip(round(around[1] * height) - down // 2, 0, height - down))
        image = image[top : top + down, left : left + across]
    width = max(1, round(image.shape[1] * _HEIGHT / image.shape[0]))
    small = cv2.resize(image, (width, _HEIGHT), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
