"""People who do not exist: the upper part of one, the lower part of another, in other colours.

A network that imitates needs pictures, not names, and a teacher describes a made person as well
as a real one. Photographs give thousands of clothes; put together they give millions.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = ["made_people"]

_WAIST = (0.35, 0.65)  # where the two are put together, as a share of the height
_RECOLOURED = 0.5


def made_people(
    pictures: npt.NDArray[np.uint8], count: int, random: np.random.Generator
) -> npt.NDArray[np.uint8]:
    """Put people together.

    Args:
        pictures: (N, H, W, 3) uint8 BGR, crops of people.
        count: How many are made.
        random: Where chance comes from.

    Returns:
        (count, H, W, 3) uint8; half of them with all hues turned by one random angle.
    """
    upper, lower = random.integers(0, len(pictures), (2, count))
    made: npt.NDArray[np.uint8] = pictures[upper]
    height = pictures.shape[1]
    for picture, other in zip(made, lower.tolist(), strict=True):
        row = round(random.uniform(*_WAIST) * height)
        picture[row:] = pictures[other, row:]
        if random.random() < _RECOLOURED:
            _turn_hues(picture, int(random.integers(1, 180)))
    return made


def _turn_hues(picture: npt.NDArray[np.uint8], angle: int) -> None:
    """Turn every hue of a BGR picture in place; OpenCV counts 180 to a circle."""
    parts = cv2.cvtColor(picture, cv2.COLOR_BGR2HSV)
    parts[..., 0] = (parts[..., 0].astype(np.int32) + angle) % 180
    cv2.cvtColor(parts, cv2.COLOR_HSV2BGR, dst=picture)
