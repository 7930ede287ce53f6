"""Geometry of augmentation: pictures and their labels onto a canvas.

A canvas is what the network sees: (H, W, 3) uint8, H and W multiples of 32, grey 114 where no
picture lies. Every function here moves labels exactly as it moves pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import EVERY_CLASS, Image, Labels, replace_labels

__all__ = [
    "GREY",
    "Region",
    "Window",
    "clip_labels",
    "draw_window",
    "flip",
    "join_labels",
    "letterbox_scale",
    "move_labels",
    "place_window",
]

GREY = 114
"""What fills a canvas where no picture lies, as in the runtime's letterbox."""

Region = tuple[int, int, int, int]
"""x1 y1 x2 y2 in whole pixels of a canvas."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a picture and the part of a canvas that it fills; both x1 y1 x2 y2."""

    source: Region
    target: Region

    @property
    def scales(self) -> tuple[float, float]:
        """Canvas pixels a picture pixel, along x and y."""
        (sx1, sy1, sx2, sy2), (x1, y1, x2, y2) = self.source, self.target
        return (x2 - x1) / (sx2 - sx1), (y2 - y1) / (sy2 - sy1)


def letterbox_scale(width: int, height: int, canvas_width: int, canvas_height: int) -> float:
    """The scale at which a picture just fits a canvas."""
    return min(canvas_width / width, canvas_height / height)


def place_window(
    size: tuple[int, int],
    region: Region,
    scales: tuple[float, float],
    position: tuple[float, float],
) -> Window:
    """Where a scaled picture lies in a region of a canvas.

    Along each axis, a picture smaller than the region lies somewhere in it whole; of a larger one
    the region shows a part. Edges are whole pixels on both sides, so scales differ a little from
    those asked for; the window's own are the true ones.

    Args:
        size: Width and height of the picture.
        region: Part of the canvas.
        scales: Canvas pixels a picture pixel along x and y.
        position: Along x and y: 0 has it at the left or top of its range, 1 at the other end.
    """
    spans = [
        _place_axis(size[axis], region[axis], region[axis + 2], scales[axis], position[axis])
        for axis in range(2)
    ]
    (sx1, sx2, x1, x2), (sy1, sy2, y1, y2) = spans
    return Window((sx1, sy1, sx2, sy2), (x1, y1, x2, y2))


def draw_window(image: Image, window: Window, canvas: Image, interpolation: int) -> None:
    """Write a part of a picture into its part of a canvas.

    Args:
        image: (H, W, 3) uint8.
        window: Its source lies in the image, its target in the canvas.
        canvas: Written in place.
        interpolation: One of OpenCV's.
    """
    (sx1, sy1, sx2, sy2), (x1, y1, x2, y2) = window.source, window.target
    part = image[sy1:sy2, sx1:sx2]
    if part.shape[:2] == (y2 - y1, x2 - x1):
        canvas[y1:y2, x1:x2] = part
    else:
        canvas[y1:y2, x1:x2] = cv2.resize(part, (x2 - x1, y2 - y1), interpolation=interpolation)


def move_labels(labels: Labels, window: Window, reduction: int = 1) -> Labels:
    """Labels of a picture in canvas pixels; nothing is cut.

    Args:
        labels: In pixels of the picture as it is in its file.
        window: Where the picture, decoded at 1/reduction, lies.
        reduction: Pixels of the file a pixel of the decoded picture.
    """
    scale_x, scale_y = window.scales
    scale = np.array([scale_x, scale_y, scale_x, scale_y])
    offset = np.tile(np.array(window.target[:2]) - np.array(window.source[:2]) * scale[:2], 2)
    scale /= reduction
    return replace_labels(
        labels,
        boxes=labels.boxes * scale + offset,
        ignore=labels.ignore * scale + offset,
        uncertain=labels.uncertain * scale + offset,
    )


def clip_labels(
    labels: Labels, region: Region, least_visible: float = 0.2, least_side: float = 2.0
) -> Labels:
    """Labels cut to a region of the canvas.

    What is left of an object decides: an object of which less than `least_visible` remains, or
    whose smaller side is below `least_side`, becomes an ignore region of its class, since it is
    neither a fair object nor background. Objects wholly outside are gone.

    Args:
        labels: In canvas pixels.
        region: What is seen of them.
        least_visible: Share of an object's area that must remain.
        least_side: Pixels.
    """
    boxes, ignore, uncertain = (
        _clip(boxes, region) for boxes in (labels.boxes, labels.ignore, labels.uncertain)
    )
    before = np.maximum(_areas(labels.boxes), 1e-9)
    sides = boxes[:, 2:] - boxes[:, :2]
    there = (sides > 0).all(axis=1)
    kept = there & (_areas(boxes) >= least_visible * before) & (sides >= least_side).all(axis=1)
    poor = there & ~kept
    seen = _areas(ignore) > 0
    return Labels(
        boxes[kept],
        labels.classes[kept],
        labels.labelled,
        weights=labels.weights[kept],
        ignore=np.concatenate([ignore[seen], boxes[poor]]),
        ignore_classes=np.concatenate([labels.ignore_classes[seen], labels.classes[poor]]),
        uncertain=uncertain[_areas(uncertain) > 0],
    )


def join_labels(parts: Sequence[Labels], regions: Sequence[Region]) -> Labels:
    """Labels of several pictures on one canvas.

    The pictures may be labelled for different classes. On the joint canvas every class counts as
    labelled, and a picture's unlabelled classes are ignored within its region.

    Args:
        parts: Labels of each picture in canvas pixels, cut to its region.
        regions: Where each picture lies.
    """
    ignore = [part.ignore for part in parts]
    ignore_classes = [part.ignore_classes for part in parts]
    for part, region in zip(parts, regions, strict=True):
        missing = np.flatnonzero(~part.labelled).astype(np.int32)
        if len(missing) == len(part.labelled):
            missing = np.array([EVERY_CLASS], np.int32)
        ignore.append(np.tile(np.array(region, np.float32), (len(missing), 1)))
        ignore_classes.append(missing)
    return Labels(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.classes for part in parts]),
        np.ones_like(parts[0].labelled),
        weights=np.concatenate([part.weights for part in parts]),
        ignore=np.concatenate(ignore),
        ignore_classes=np.concatenate(ignore_classes),
        uncertain=np.concatenate([part.uncertain for part in parts]),
    )


def flip(image: Image, labels: Labels) -> tuple[Image, Labels]:
    """The mirror image, left for right."""
    width = image.shape[1]
    mirrored = {
        name: np.stack([width - b[:, 2], b[:, 1], width - b[:, 0], b[:, 3]], axis=1)
        for name, b in (
            ("boxes", labels.boxes),
            ("ignore", labels.ignore),
            ("uncertain", labels.uncertain),
        )
    }
    return np.asarray(cv2.flip(image, 1), np.uint8), replace_labels(labels, **mirrored)


def _place_axis(
    length: int, low: int, high: int, scale: float, position: float
) -> tuple[int, int, int, int]:
    """First and last pixel of the picture, first and last of the canvas."""
    space = high - low
    scaled = max(round(length * scale), 1)
    if scaled <= space:
        start = low + round(position * (space - scaled))
        return 0, length, start, start + scaled
    part = min(max(round(space / scale), 1), length)
    start = round(position * (length - part))
    return start, start + part, low, high


def _clip(boxes: npt.NDArray[np.float32], region: Region) -> npt.NDArray[np.float32]:
    limits = np.array(region, np.float32)
    low, high = np.tile(limits[:2], 2), np.tile(limits[2:], 2)
    return np.asarray(np.clip(boxes, low, high), np.float32)


def _areas(boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)
