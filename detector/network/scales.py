"""The sizes in which the network comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["SCALES", "Scale", "ScaleName"]

ScaleName = Literal["p", "n", "s", "m", "l"]


@dataclass(frozen=True, slots=True)
class Scale:
    """How wide and deep the parts of a network are.

    Args:
        stages: Channels after the stem (stride 2) and the stages at strides 4, 8, 16, 32.
        depths: Bottlenecks in the stages at strides 4, 8, 16, 32.
        neck: Channels of the neck at strides 8, 16, 32.
        neck_depth: Bottlenecks in each of the neck's blocks.
        head: Channels of the head's branches.
    """

    stages: tuple[int, int, int, int, int]
    depths: tuple[int, int, int, int]
    neck: tuple[int, int, int]
    neck_depth: int
    head: int


SCALES: dict[ScaleName, Scale] = {
    "p": Scale((16, 24, 48, 96, 128), (1, 1, 1, 1), (32, 48, 64), 1, 48),
    "n": Scale((16, 32, 64, 128, 256), (1, 2, 2, 1), (64, 96, 128), 1, 64),
    "s": Scale((32, 64, 128, 256, 384), (1, 2, 2, 1), (96, 192, 256), 1, 96),
    "m": Scale((48, 96, 192, 384, 512), (2, 4, 4, 2), (128, 256, 384), 2, 128),
    "l": Scale((64, 128, 256, 512, 768), (3, 6, 6, 3), (192, 384, 512), 3, 192),
}
"""From pico, for small boards, to large, for servers with a GPU."""
