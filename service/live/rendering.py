"""One looked-at frame as a JPEG: people blurred where asked for, boxes and ids drawn."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from sightline.service.engine.messages import FrameResult
from sightline.service.live.privacy import Blur, blur_people, people_in
from sightline.video.draw import TrackPainter

__all__ = ["encode_jpeg", "render"]

_QUALITY = 80


def render(
    image: npt.NDArray[np.uint8],
    result: FrameResult,
    blur: Blur,
    *,
    width: int | None = None,
    painter: TrackPainter | None = None,
) -> bytes:
    """A picture as it may leave the service.

    Args:
        image: (H, W, 3) uint8 BGR, masks blacked already; not changed.
        result: What was found in this very frame.
        blur: What is made unrecognisable of everybody who may be in the frame.
        width: Pixels that the picture is scaled down to; never up.
        painter: Draws boxes and ids, and remembers the trails; None for a picture without.

    Returns:
        A JPEG.
    """
    scale = 1.0 if width is None else min(width / image.shape[1], 1.0)
    if scale < 1:
        size = round(scale * image.shape[1]), max(round(scale * image.shape[0]), 1)
        picture = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    else:
        picture = image.copy()
    blur_people(picture, people_in(result) * scale, blur)
    if painter is not None:
        tracks = result.tracks
        painter.draw(picture, replace(tracks, boxes=tracks.boxes * np.float32(scale)))
    return encode_jpeg(picture)


def encode_jpeg(image: npt.NDArray[np.uint8]) -> bytes:
    """(H, W, 3) uint8 BGR as a JPEG."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(data)
