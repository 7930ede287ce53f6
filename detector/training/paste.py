"""People cut out of one picture and pasted into another.

Without masks a crop is a rectangle: its edges are faded out, and only people who are whole and
whose box hardly overlaps another are taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import Image, Labels, replace_labels
from sightline.detector.training.placement import Region

__all__ = ["Crop", "croppable", "cut_crops", "paste_crops"]

_LEAST_HEIGHT = 24  # pixels of the picture that a crop is taken from
_LEAST_WEIGHT = 0.5
_UPRIGHT = 1.6  # height by width; heads and shoulders are less
_MARGIN = 2  # pixels from the edge of its picture
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


def croppable(labels: Labels, number: int, size: tuple[int, int]) -> npt.NDArray[np.intp]:
    """Rows of the objects of a class that can be cut out: upright, whole, alone, large enough.

    Args:
        labels: Of a picture.
        number: The class.
        size: Width and height of the picture; an object that touches its edge is not whole.
    """
    boxes = labels.boxes
    sides = boxes[:, 2:] - boxes[:, :2]
    suits = (
        (labels.classes == number)
        & (labels.weights >= _LEAST_WEIGHT)
        & (sides[:, 1] >= np.maximum(_LEAST_HEIGHT, _UPRIGHT * sides[:, 0]))
        & (boxes[:, :2] >= _MARGIN).all(axis=1)
        & (boxes[:, 2:] <= np.array(size) - _MARGIN).all(axis=1)
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
    regions: Sequence[Region],
    heights: tuple[int, int],
    random: np.random.Generator,
) -> Labels:
    """Paste crops where they hide little of what is there.

    Args:
        canvas: (H, W, 3) uint8, written in place.
        labels: Of the canvas.
        crops: What to paste; one that finds no place is left out.
        regions: Where pictures lie; a crop is pasted inside one, drawn by its area.
        heights: Least and most pixels that a pasted crop is high, drawn evenly in the logarithm.
        random: Draws sizes and places.

    Returns:
        The labels with those of the crops.
    """
    areas = np.array([(x2 - x1) * (y2 - y1) for x1, y1, x2, y2 in regions], np.float64)
    for crop in crops:
        for _ in range(_TRIES):
            region = regions[int(random.choice(len(regions), p=areas / areas.sum()))]
            x1, y1, x2, y2 = _place(crop, region, heights, random)
            box = np.array([[x1, y1, x2, y2]], np.float32)
            if (_shared(labels.boxes, box) <= _MOST_COVERED).all():
                _blend(crop.image, canvas[y1:y2, x1:x2])
                labels = replace_labels(
                    labels,
                    boxes=np.concatenate([labels.boxes, box]),
                    classes=np.append(labels.classes, crop.number),
                    weights=np.append(labels.weights, crop.weight),
                )
                break
    return labels


def _place(
    crop: Crop, region: Region, heights: tuple[int, int], random: np.random.Generator
) -> Region:
    """A random size and place of a crop inside a region."""
    height, width = crop.image.shape[:2]
    x1, y1, x2, y2 = region
    wanted = np.exp(random.uniform(*np.log(heights)))
    scale = min(wanted / height, _MOST_ENLARGED, (x2 - x1) / width, (y2 - y1) / height)
    across, down = max(int(width * scale), 1), max(int(height * scale), 1)
    left = int(random.integers(x1, x2 - across + 1))
    top = int(random.integers(y1, y2 - down + 1))
    return left, top, left + across, top + down


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
