"""From a frame and boxes to pictures of one size.

A box is cut at the picture's edge, rounded to whole pixels and stretched to the network's input,
as every re-ID training set does: the shape of a person is no cue that survives a turn.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.geometry import clip_boxes

__all__ = ["LEAST_SIDE", "check_boxes", "cut_crops"]

LEAST_SIDE = 2
"""Pixels of a box that must lie inside the picture, along each axis."""


def cut_crops(
    image: npt.NDArray[np.uint8], boxes: npt.NDArray[np.float32], height: int, width: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]:
    """Cut boxes out of a picture and scale each to one size.

    A box that is empty or lies outside the picture is no error, since trackers and detectors
    make such boxes at the picture's edge: it has no crop, and the mask says so.

    Args:
        image: (H, W, 3) uint8.
        boxes: (N, 4) x1 y1 x2 y2 in pixels of the picture; may reach outside it.
        height: Height of the crops in pixels.
        width: Width of the crops in pixels.

    Returns:
        (K, height, width, 3) uint8 crops of the K usable boxes, in order, and the (N,) mask of
        the usable ones.

    Raises:
        InputError: The boxes are not (N, 4) finite numbers.
    """
    boxes = check_boxes(boxes)
    inside = np.rint(clip_boxes(boxes, image.shape[1], image.shape[0])).astype(np.int64)
    sides = inside[:, 2:] - inside[:, :2]
    usable: npt.NDArray[np.bool_] = np.all(sides >= LEAST_SIDE, axis=1)
    crops = np.empty((int(usable.sum()), height, width, 3), np.uint8)
    for crop, (left, top, right, bottom) in zip(crops, inside[usable].tolist(), strict=True):
        part = image[top:bottom, left:right]
        # Averaging where pixels are left out, or a far smaller crop would be made of noise.
        shrinks = part.shape[0] > height and part.shape[1] > width
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        cv2.resize(part, (width, height), dst=crop, interpolation=method)
    return crops, usable


def check_boxes(boxes: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """The boxes as (N, 4) float32.

    Raises:
        InputError: They are not (N, 4), or not finite (names the first row).
    """
    array = np.asarray(boxes, dtype=np.float32)
    if array.size == 0:
        array = array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"boxes are (N, 4) x1 y1 x2 y2; got shape {array.shape}")
    finite = np.isfinite(array).all(axis=1)
    if not finite.all():
        row = int(np.argmin(finite))
        raise InputError(f"box {row}: expected four finite numbers, got {array[row].tolist()}")
    return array
