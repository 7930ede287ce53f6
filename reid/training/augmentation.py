"""Views of a crop as other cameras, distances and moments would show it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from sightline.reid.training.crop_set import MARGIN
from sightline.reid.training.recipe import Augmentation

__all__ = ["augmented_view", "plain_view"]

Picture = npt.NDArray[np.uint8]

_INNER = MARGIN / (1 + 2 * MARGIN)  # the margin as a share of the stored picture


def plain_view(stored: Picture, height: int, width: int) -> Picture:
    """The box itself, without its margin.

    Args:
        stored: (H, W, 3) uint8, a row of `CropSet.pictures`.
        height: Height of the view in pixels.
        width: Width of the view in pixels.
    """
    return _cut(stored, np.array([_INNER, _INNER, 1 - _INNER, 1 - _INNER]), height, width)


def augmented_view(
    stored: Picture, height: int, width: int, plan: Augmentation, random: np.random.Generator
) -> Picture:
    """A random view.

    Args:
        stored: (H, W, 3) uint8, a row of `CropSet.pictures`.
        height: Height of the view in pixels.
        width: Width of the view in pixels.
        plan: What is done, how often and how much.
        random: Where chance comes from.
    """
    shift = random.uniform(-plan.shift, plan.shift, 4) / (1 + 2 * MARGIN)
    view = _cut(stored, np.array([_INNER, _INNER, 1 - _INNER, 1 - _INNER]) + shift, height, width)
    if random.random() < plan.flip:
        view = view[:, ::-1]
    if random.random() < plan.low_resolution:
        view = _few_pixels(view, int(random.integers(plan.least_pixels, height)))
    if random.random() < plan.blur:
        view = np.asarray(cv2.GaussianBlur(view, (0, 0), random.uniform(0.5, 1.5)), np.uint8)
    view = _recoloured(view, plan, random)
    if random.random() < plan.compression:
        view = _compressed(view, int(random.integers(20, 80)))
    if random.random() < plan.erasing:
        view = _erased(view, random)
    return view


def _cut(stored: Picture, box: npt.NDArray[np.float64], height: int, width: int) -> Picture:
    """A part of a picture, its box given as shares of the picture's sides."""
    tall, wide = stored.shape[:2]
    left, top, right, bottom = np.clip(np.rint(box * [wide, tall, wide, tall]), 0, None).astype(int)
    return np.asarray(
        cv2.resize(stored[top:bottom, left:right], (width, height), interpolation=cv2.INTER_LINEAR),
        np.uint8,
    )


def _few_pixels(view: Picture, rows: int) -> Picture:
    """As it would look from so far away that it has so many rows."""
    height, width = view.shape[:2]
    columns = max(rows * width // height, 4)
    far = cv2.resize(view, (columns, rows), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(far, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _recoloured(view: Picture, plan: Augmentation, random: np.random.Generator) -> Picture:
    """Another light: brightness, contrast, saturation and a tint, as one linear map."""
    brightness = 1 + random.uniform(-plan.brightness, plan.brightness)
    contrast = 1 + random.uniform(-plan.contrast, plan.contrast)
    saturation = 1 + random.uniform(-plan.saturation, plan.saturation)
    tint = 1 + random.uniform(-plan.tint, plan.tint, 3)
    grey = np.array([0.114, 0.587, 0.299])
    mixed = saturation * np.eye(3) + (1 - saturation) * grey[None]
    matrix = brightness * contrast * tint[:, None] * mixed
    offset = brightness * (1 - contrast) * view.mean() * tint
    affine = np.concatenate([matrix, offset[:, None]], axis=1).astype(np.float32)
    return np.asarray(cv2.transform(view, affine), np.uint8)


def _compressed(view: Picture, quality: int) -> Picture:
    _, data = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def _erased(view: Picture, random: np.random.Generator) -> Picture:
    """A rectangle of 2 to 25 % covered by one colour (Zhong et al., "Random Erasing", 2020)."""
    height, width = view.shape[:2]
    area = random.uniform(0.02, 0.25) * height * width
    ratio = np.exp(random.uniform(np.log(0.3), np.log(3.3)))
    tall = min(round((area * ratio) ** 0.5), height - 1)
    wide = min(round((area / ratio) ** 0.5), width - 1)
    top, left = random.integers(0, height - tall), random.integers(0, width - wide)
    covered = view.copy()
    covered[top : top + tall, left : left + wide] = random.integers(0, 256, 3)
    return covered
