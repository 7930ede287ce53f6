"""A picture of whom a track is of, cut out of the pictures that were kept of its events."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["box_at", "cut_portrait"]

Box = npt.NDArray[np.float32]

_LATE: Final = 1.0  # seconds from a track's place to the picture, in which a box still fits
_MARGIN: Final = 0.25  # of the box, on every side
_SMALLEST: Final = 16
_QUALITY: Final = 85


def box_at(path: npt.NDArray[np.float32], seconds: float) -> Box | None:
    """(4,) where a track was, in 0…1; between two places on the straight line between them.

    Args:
        path: (P, 5) seconds since its start, x1, y1, x2, y2 in 0…1.
        seconds: Since its start.

    Returns:
        None where it was not seen within a second of that.
    """
    if not len(path) or np.abs(path[:, 0] - seconds).min() > _LATE:
        return None
    sides = [np.interp(seconds, path[:, 0], path[:, side]) for side in range(1, 5)]
    return np.array(sides, np.float32)


def cut_portrait(picture: Path, box: Box) -> bytes | None:
    """A JPEG of what is in a box of a picture and a little around it.

    Args:
        picture: File of a picture that everybody may see.
        box: x1, y1, x2, y2 in 0…1 of it.

    Returns:
        None where the file is gone or damaged, or the box is hardly in it.
    """
    image = cv2.imread(str(picture), cv2.IMREAD_COLOR)
    if image is None:
        return None
    height, width = image.shape[:2]
    x1, y1, x2, y2 = (box * (width, height, width, height)).tolist()
    across, down = _MARGIN * (x2 - x1), _MARGIN * (y2 - y1)
    left, right = (int(np.clip(round(x), 0, width)) for x in (x1 - across, x2 + across))
    top, bottom = (int(np.clip(round(y), 0, height)) for y in (y1 - down, y2 + down))
    if right - left < _SMALLEST or bottom - top < _SMALLEST:
        return None
    part = image[top:bottom, left:right]
    encoded: Any = cv2.imencode(".jpg", part, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1]
    return bytes(encoded)
