"""The whole network: an anchor-free YOLO, from pictures to scores and boxes of every cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sightline.detector.heads import STRIDES
from sightline.detector.network.base import MEAN, SPREAD, DetectorNetwork, grid_corners
from sightline.detector.network.head import DecoupledHead
from sightline.detector.network.neck import PathAggregation
from sightline.detector.network.scales import SCALES, ScaleName

__all__ = ["Network", "cells"]

_LARGEST_EXPONENT = 8.0  # exp(8) cells are wider than any picture


class Network(DetectorNetwork):
    """Anchor-free YOLO: backbone, path aggregation, decoupled head at strides 8, 16 and 32.

    Args:
        class_names: Names of the classes, in the order of the scores.
        scale: One of `SCALES`.
        backbone: `csp`, our own, or the name of a torchvision model.
        dropout: Share of the head's shared features dropped in training.

    Raises:
        InputError: No class, or an unknown scale or backbone.
    """

    strides = STRIDES
    class_layers = "head.scores"

    def __init__(
        self,
        class_names: Sequence[str],
        scale: ScaleName = "n",
        backbone: str = "csp",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(class_names, scale, backbone)
        widths = SCALES[scale]
        self.neck = PathAggregation(self.backbone.channels, widths.neck, widths.neck_depth)
        self.head = DecoupledHead(widths.neck, widths.head, len(self.class_names), dropout)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """What every cell sees.

        Args:
            pictures: (B, 3, H, W) float32 BGR 0…255, letterboxed; H and W multiples of 32.

        Returns:
            Logits (B, A, C), whose sigmoid is the score of each class, and raw boxes (B, A, 4),
            which `decode` reads; A = Σ H/s · W/s, stride by stride, row by row.
        """
        logits, raw = self.head(self._aggregated(pictures))
        return logits, raw

    def features(self, pictures: Tensor) -> dict[int, Tensor]:
        """The neck's features: (B, n, H/s, W/s) by stride s."""
        return dict(zip(STRIDES, self._aggregated(pictures), strict=True))

    def predict(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) x1 y1 x2 y2 in input pixels and class scores (B, A, C) of every cell."""
        logits, raw = self(pictures)
        return self.decode(raw, pictures.shape[2], pictures.shape[3]), logits.sigmoid()

    def anchors(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Centre (A, 2) in input pixels and stride (A,) of every cell."""
        corners, strides = cells(height, width)
        return (corners + 0.5) * strides, strides[:, 0]

    @staticmethod
    def decode(raw: Tensor, height: int, width: int) -> Tensor:
        """Raw boxes to x1 y1 x2 y2 in input pixels.

        A cell (x, y) of stride s says cx = (x + raw0)·s, cy = (y + raw1)·s, w = exp(raw2)·s,
        h = exp(raw3)·s, as YOLOX does (arXiv:2107.08430).

        Args:
            raw: (…, A, 4).
            height: Height of the input in pixels.
            width: Width of the input in pixels.
        """
        corners, strides = cells(height, width, raw.device)
        centre = (raw[..., :2] + corners) * strides
        half = raw[..., 2:].clamp(max=_LARGEST_EXPONENT).exp() * (strides / 2)
        return torch.cat([centre - half, centre + half], dim=-1)

    def _aggregated(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = (pictures - MEAN) * (1 / SPREAD)
        fine, middle, coarse = self.neck(self.backbone(x))
        return fine, middle, coarse


def cells(height: int, width: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Column and row of each cell, (A, 2), and its stride, (A, 1); both float32."""
    corners, strides = [], []
    for stride in STRIDES:
        grid = grid_corners(height // stride, width // stride, device).reshape(-1, 2)
        corners.append(grid)
        strides.append(torch.full((len(grid), 1), float(stride), device=device))
    return torch.cat(corners), torch.cat(strides)
