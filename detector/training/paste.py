"""People cut out of one picture and pasted into another.

Without masks a crop is a rectangle: its edges are faded out, and only people whose box hardly
overlaps another are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import Image, Labels, replace_labels

__all__ = ["Crop", "croppable", "cut_crops", "paste_crops"]

_LEAST_HEIGHT = 24  # pixels of the picture that a crop is taken from
_LEAST_WEIGHT = 0.5
_UPRIGHT = 1.2  # height by width
_MOST_SHARED = 0.15  # of a crop's area with other objects
_MOST_COVERED = 0.3  # of an object's area by what is pasted
_MOST_ENLARGED = 1.5
_TRIES = 5
_FADE = 0.1  # of the shorter side


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """An object cut out: its pixels, class and weight."""

    image: Image
    number: int
    weight: float


def croppable(labels: Labels, number: int) -> npt.NDArray[np.intp]:
    """Rows of the objects of a class that stand upright, alone and large enough to be cut out."""
    boxes = labels.boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    suits = (
        (labels.classes == number)
        & (labels.weights >= _LEAST_WEIGHT)
        & (sides[:, 1] >= np.maximum(_LEAST_HEIGHT, _UPRIGHT * sides[:, 0]))
        & (sides[:, 0] >= 4)
    )
    rows = np.flatnonzero(suits)
    others = np.concatenate([boxes, labels.ignore])
    shared = _shared(boxes[rows], others)
    shared[np.arange(len(rows)), rows] = 0
    alone: npt.NDArray[np.intp] = rows[shared.max(axis=1, initial=0) <= _MOST_SHARED]
    return alone


def cut_crops(image: Image, labels: Labels, rows: npt.NDArray[np.intp]) -> list[Crop]:
    """The objects of these rows.

    Args:
        image: (H, W, 3) uint8, the picture that the labels are of.
        labels: Of the picture.
        rows: What to cut out.
    """
    crops = []
    for row in rows:
        x1, y1, x2, y2 = np.rint(labels.boxes[row]).astype(int)
        part = image[y1:y2, x1:x2]
        crops.append(Crop(part, int(labels.classes[row]), float(labels.weights[row])))
    return crops


def paste_crops(
    canvas: Image,
    labels: Labels,
    crops: Sequence[Crop],
    heights: tuple[int, int],
    random: np.random.Generator,
) -> Labels:
    """Paste crops where they hide little of what is there.

    Args:
        canvas: (H, W, 3) uint8, written in place.
        labels: Of the canvas.
        crops: What to paste; one that finds no place is left out.
        heights: Least and most pixels that a pasted crop is high, drawn evenly in the logarithm.
        random: Draws sizes and places.

    Returns:
        The labels with those of the crops.
    """
    for crop in crops:
        size = _size(crop, canvas, heights, random)
        for _ in range(_TRIES):
            left = int(random.integers(canvas.shape[1] - size[0] + 1))
            top = int(random.integers(canvas.shape[0] - size[1] + 1))
            box = np.array([[left, top, left + size[0], top + size[1]]], np.float32)
            if (_shared(labels.boxes, box) <= _MOST_COVERED).all():
                _blend(crop.image, canvas[top : top + size[1], left : left + size[0]])
                labels = replace_labels(
                    labels,
                    boxes=np.concatenate([labels.boxes, box]),
                    classes=np.append(labels.classes, crop.number),
                    weights=np.append(labels.weights, crop.weight),
                )
                break
    return labels


def _size(
    crop: Crop, canvas: Image, heights: tuple[int, int], random: np.random.Generator
) -> tuple[int, int]:
    """Width and height that a crop is pasted at."""
    height, width = crop.image.shape[:2]
    wanted = np.exp(random.uniform(*np.log(heights)))
    scale = min(wanted / height, _MOST_ENLARGED)
    scale = min(scale, canvas.shape[0] / height, canvas.shape[1] / width)
    return max(int(width * scale), 2), max(int(height * scale), 2)


def _blend(image: Image, target: Image) -> None:
    """Write a picture, scaled, over the target, with faded edges."""
    height, width = target.shape[:2]
    shrinks = height < image.shape[0]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    scaled = cv2.resize(image, (width, height), interpolation=method)
    reach = max(_FADE * min(height, width), 1.0)
    across, down = (
        np.minimum(np.minimum(np.arange(side) + 0.5, side - 0.5 - np.arange(side)) / reach, 1)
        for side in (width, height)
    )
    alpha = (down[:, None] * across[None])[..., None]
    target[:] = np.rint(target + alpha * (scaled.astype(np.float32) - target))


def _shared(
    boxes: npt.NDArray[np.float32], others: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(N, M) share of each box's area that each of the others covers."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = np.maximum(high - low, 0).prod(axis=2)
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray(both / np.maximum(areas, 1e-9)[:, None], np.float32)
