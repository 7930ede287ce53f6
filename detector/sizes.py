"""The input of a network for a frame: one size for all, or as many pixels as were granted."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from sightline.errors import ModelError

__all__ = ["LARGEST_STRIDE", "FixedSize", "PixelBudget", "Sizing", "check_sides"]

LARGEST_STRIDE = 32
"""Sides of an input are multiples of it."""


class Sizing(Protocol):
    """Chooses the input for a frame."""

    def input_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the input for a frame of this height and width, in pixels."""
        ...


@dataclass(frozen=True, slots=True)
class FixedSize:
    """One size, whatever the frame.

    Args:
        height: Height of the input in pixels.
        width: Width of the input in pixels.
    """

    height: int
    width: int

    def input_for(self, height: int, width: int) -> tuple[int, int]:  # noqa: ARG002 - Sizing
        """The size."""
        return self.height, self.width


@dataclass(frozen=True, slots=True)
class PixelBudget:
    """As many pixels as a square has, in the frame's own shape.

    Of all inputs with sides that are multiples of 32 and no more pixels than the square, it is
    the one in which the frame is largest, and of those the one with the fewest pixels: a wide
    frame is then seen larger than in the square, where a part would be padding, for less time.

    Args:
        side: Side of the square in pixels.

    Example:
        >>> PixelBudget(416).input_for(1080, 1920), PixelBudget(416).input_for(576, 768)
        ((288, 512), (352, 480))
    """

    side: int

    def input_for(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the input for a frame of this height and width, in pixels."""
        return _largest(height, width, self.side)


def check_sides(model: str, height: int, width: int) -> None:
    """Refuse sides that no network with a stride of 32 takes.

    Raises:
        ModelError: A side is not a multiple of 32.
    """
    if min(height, width) <= 0 or height % LARGEST_STRIDE or width % LARGEST_STRIDE:
        raise ModelError(
            f"{model}: sizes are multiples of {LARGEST_STRIDE}; {height}x{width} (height x width) "
            "was asked for"
        )


@functools.lru_cache(maxsize=256)
def _largest(height: int, width: int, side: int) -> tuple[int, int]:
    cells = side * side // LARGEST_STRIDE**2
    best: tuple[Fraction, int] = (Fraction(0), 0)
    chosen = (1, 1)
    for rows in range(1, cells + 1):
        scale = min(Fraction(rows, height), Fraction(cells // rows, width))
        needed = (_ceil(scale * height), _ceil(scale * width))
        quality = (scale, -needed[0] * needed[1])
        if quality > best:
            best, chosen = quality, needed
    return chosen[0] * LARGEST_STRIDE, chosen[1] * LARGEST_STRIDE


def _ceil(value: Fraction) -> int:
    return -(-value.numerator // value.denominator)
