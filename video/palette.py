"""Colours for identities: stable for an id, far apart for ids that are near each other."""

from __future__ import annotations

import math
from functools import lru_cache

__all__ = ["Colour", "identity_colour"]

Colour = tuple[int, int, int]
"""Blue, green, red, 0–255."""

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
_LIGHTNESSES = (0.78, 0.68, 0.86)
_CHROMA = 0.17


@lru_cache(maxsize=4096)
def identity_colour(identity: int) -> Colour:
    """The colour of an id: the same in every frame, run and picture size.

    Hues step by the golden angle, so that no two of a few successive ids come near each other,
    in a space of even lightness (Oklch; Ottosson, "A perceptual color space for image
    processing", 2020). All are light enough for dark text on them.

    Example:
        >>> identity_colour(7) == identity_colour(7) != identity_colour(8)
        True
    """
    hue = identity * _GOLDEN_ANGLE
    lightness = _LIGHTNESSES[identity % len(_LIGHTNESSES)]
    red, green, blue = (
        _encode(value)
        for value in _oklab_to_linear(lightness, _CHROMA * math.cos(hue), _CHROMA * math.sin(hue))
    )
    return blue, green, red


def _oklab_to_linear(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _encode(value: float) -> int:
    """Linear light to sRGB, 0–255."""
    value = min(max(value, 0.0), 1.0)
    curve = 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055
    return round(255 * curve)
