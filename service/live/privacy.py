"""People made unrecognisable in a picture, for good."""

from __future__ import annotations

from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from sightline.service.engine.messages import FrameResult

__all__ = ["Blur", "blur_people", "people_in"]

Blur = Literal["off", "people", "heads"]

_MARGIN = 0.1  # of the box's sides, since boxes are tight and late by a frame
_CELLS = 4  # across the shorter side: eyes, mouth and hairline fall into one or two cells
_SMALLEST_CELL = 8
_HEAD_OF_HEIGHT = 0.25
_HEAD_OF_WIDTH = 0.6


def people_in(result: FrameResult) -> npt.NDArray[np.float32]:
    """Boxes of everybody who may be in a frame, (N, 4) x1 y1 x2 y2 in pixels.

    Every person that was detected, confirmed as a track or not, and every person that is followed,
    also where the place is only predicted.
    """
    people = [row for row, name in enumerate(result.class_names) if name == "person"]
    followed = result.tracks.boxes[np.isin(result.tracks.classes, people)]
    return np.concatenate([result.detected[:, :4], followed]).astype(np.float32, copy=False)


def blur_people(
    image: npt.NDArray[np.uint8], boxes: npt.NDArray[np.floating[Any]], what: Blur
) -> None:
    """Replace people, or their heads, by a few averages each, in the picture itself.

    A mosaic and not a Gaussian: an average over a cell cannot be turned back, where a smooth
    filter can. The cells are drawn with soft edges, which adds nothing to what they tell.

    Args:
        image: (H, W, 3) uint8 BGR; changed in place.
        boxes: (N, ≥ 4) x1 y1 x2 y2 in pixels of people; what lies outside the picture or is not
            finite is left alone.
        what: `people` for whole boxes; `heads` for their upper part, which is larger where a
            box is wide, as it is of somebody who sits or is cut off by the picture's edge.
    """
    if what == "off":
        return
    for x1, y1, x2, y2 in boxes[:, :4].tolist():
        if not np.isfinite((x1, y1, x2, y2)).all():
            continue
        width, height = x2 - x1, y2 - y1
        bottom = y2 + _MARGIN * height
        if what == "heads":
            bottom = y1 + min(max(_HEAD_OF_HEIGHT * height, _HEAD_OF_WIDTH * width), height)
        _mosaic(image, x1 - _MARGIN * width, y1 - _MARGIN * height, x2 + _MARGIN * width, bottom)


def _mosaic(image: npt.NDArray[np.uint8], x1: float, y1: float, x2: float, y2: float) -> None:
    rows, columns = image.shape[:2]
    left, top = int(np.clip(np.floor(x1), 0, columns)), int(np.clip(np.floor(y1), 0, rows))
    right, bottom = int(np.clip(np.ceil(x2), 0, columns)), int(np.clip(np.ceil(y2), 0, rows))
    width, height = right - left, bottom - top
    if width <= 0 or height <= 0:
        return
    cell = max(min(width, height) / _CELLS, _SMALLEST_CELL)
    cells = max(round(width / cell), 1), max(round(height / cell), 1)
    region = image[top:bottom, left:right]
    averages = cv2.resize(region, cells, interpolation=cv2.INTER_AREA)
    region[:] = cv2.resize(averages, (width, height), interpolation=cv2.INTER_LINEAR)
