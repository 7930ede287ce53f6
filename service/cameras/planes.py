"""Decoded pictures as arrays: the planes of YUV 4:2:0, and what is hidden in them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

__all__ = ["PLANAR", "black_out", "hide", "planar", "rows"]

Image = npt.NDArray[np.uint8]
Polygons = Sequence[Sequence[tuple[float, float]]]
Area = tuple[slice, slice, npt.NDArray[np.bool_]]

PLANAR = ("yuv420p", "yuvj420p")
"""Formats that are kept as they are: limited and full range."""

_NO_COLOUR = 128
_MARGIN = 4
_reformatter = VideoReformatter()


def rows(plane: Any) -> Image:
    """The pixels of one of PyAV's planes (H, W), as a view without the padding of its lines."""
    lines = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
    return lines[:, : plane.width]


def planar(picture: Any) -> Any:
    """A decoded picture as YUV 4:2:0 in 8 bits: the same one where it is that."""
    if picture.format.name in PLANAR:
        return picture
    return _reformatter.reformat(picture, format=PLANAR[0], threads=1)


def hide(picture: Any, masks: Polygons) -> Any:
    """A picture with its masked areas black; the decoder's own, if there is nothing to hide.

    Args:
        picture: PyAV's `VideoFrame`, as `planar` gives it.
        masks: Polygons, corners x, y in 0…1.
    """
    if not masks:
        return picture
    hidden: Any = av.VideoFrame(picture.width, picture.height, picture.format.name)
    hidden.colorspace, hidden.color_range = picture.colorspace, picture.color_range
    black = 0 if picture.format.name == "yuvj420p" or picture.color_range == 2 else 16
    areas = _planar_areas(_frozen(masks), picture.height, picture.width)
    for number, (source, target) in enumerate(zip(picture.planes, hidden.planes, strict=True)):
        pixels = rows(target)
        pixels[...] = rows(source)
        _fill(pixels, areas[min(number, 1)], _NO_COLOUR if number else black)
    return hidden


def black_out(image: Image, masks: Polygons) -> None:
    """Make masked areas of a BGR picture (H, W, 3) black, in place."""
    for area in _areas(_frozen(masks), *image.shape[:2]):
        image[area[0], area[1]][area[2]] = 0


def _frozen(masks: Polygons) -> tuple[tuple[tuple[float, float], ...], ...]:
    return tuple(tuple((float(x), float(y)) for x, y in mask) for mask in masks)


@lru_cache(16)
def _planar_areas(
    masks: tuple[tuple[tuple[float, float], ...], ...], height: int, width: int
) -> tuple[list[Area], list[Area]]:
    """Areas of brightness and of colour, which has half the rows and columns."""
    bright = _areas(masks, height, width)
    colour: list[Area] = []
    for vertical, horizontal, inside in bright:
        top, left = vertical.start // 2, horizontal.start // 2
        bottom, right = -(-vertical.stop // 2), -(-horizontal.stop // 2)
        padded = np.zeros((2 * (bottom - top), 2 * (right - left)), bool)
        row, column = vertical.start - 2 * top, horizontal.start - 2 * left
        padded[row : row + inside.shape[0], column : column + inside.shape[1]] = inside
        # A sample of colour belongs to four pixels: gone if one of them is.
        halves = np.any(padded.reshape(bottom - top, 2, right - left, 2), axis=(1, 3))
        colour.append((slice(top, bottom), slice(left, right), np.asarray(halves)))
    return bright, colour


@lru_cache(16)
def _areas(
    masks: tuple[tuple[tuple[float, float], ...], ...], height: int, width: int
) -> list[Area]:
    """Each mask as the rectangle around it and which pixels of that are inside or at its edge."""
    areas = []
    for mask in masks:
        # With a margin: at the picture's edge OpenCV leaves pixels of thin corners out.
        drawn = np.zeros((height + 2 * _MARGIN, width + 2 * _MARGIN), np.uint8)
        corners = np.rint(np.array(mask) * (width, height) - 0.5 + _MARGIN).astype(np.int32)
        cv2.fillPoly(drawn, [corners], 1)
        drawn = np.asarray(cv2.dilate(drawn, np.ones((3, 3), np.uint8)), np.uint8)
        drawn = drawn[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
        left, top, across, down = cv2.boundingRect(drawn)
        place = slice(top, top + down), slice(left, left + across)
        areas.append((*place, drawn[place] > 0))
    return areas


def _fill(pixels: Image, areas: Sequence[Area], value: int) -> None:
    for vertical, horizontal, inside in areas:
        np.copyto(pixels[vertical, horizontal], np.uint8(value), where=inside)
