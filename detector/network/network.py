"""The whole network: an anchor-free YOLO, from pictures to scores and boxes of every cell."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sightline.detector.heads import STRIDES
from sightline.detector.network.backbone import CrossStageBackbone
from sightline.detector.network.head import DecoupledHead
from sightline.detector.network.neck import PathAggregation
from sightline.detector.network.pretrained import TorchvisionBackbone
from sightline.detector.network.scales import SCALES, ScaleName
from sightline.errors import InputError

__all__ = ["MEAN", "OWN_BACKBONE", "SPREAD", "Network", "cells"]

OWN_BACKBONE = "csp"
"""Name of our own backbone; every other name is one of torchvision's."""

_LARGEST_EXPONENT = 8.0  # exp(8) cells are wider than any picture
MEAN, SPREAD = 114.0, 58.0  # the grey of the padding becomes 0
"""Normalisation of pixels: (pixel - MEAN) / SPREAD; exports do it on bytes, so MEAN is whole."""


class Network(nn.Module):
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

    def __init__(
        self,
        class_names: Sequence[str],
        scale: ScaleName = "n",
        backbone: str = OWN_BACKBONE,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if not class_names:
            raise InputError("a network has one class at least")
        if scale not in SCALES:
            raise InputError(f"scale {scale!r}: expected one of {', '.join(SCALES)}")
        self.class_names = tuple(class_names)
        self.scale: ScaleName = scale
        self.backbone_name = backbone
        widths = SCALES[scale]
        self.backbone: CrossStageBackbone | TorchvisionBackbone
        if backbone == OWN_BACKBONE:
            self.backbone = CrossStageBackbone(widths)
        else:
            self.backbone = TorchvisionBackbone(backbone)
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
        x = (pictures - MEAN) * (1 / SPREAD)
        logits, raw = self.head(self.neck(self.backbone(x)))
        return logits, raw

    def predict(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) x1 y1 x2 y2 in input pixels and class scores (B, A, C) of every cell."""
        logits, raw = self(pictures)
        return self.decode(raw, pictures.shape[2], pictures.shape[3]), logits.sigmoid()

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


def cells(height: int, width: int, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Column and row of each cell, (A, 2), and its stride, (A, 1); both float32."""
    corners, strides = [], []
    for stride in STRIDES:
        rows, columns = height // stride, width // stride
        y, x = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
        )
        corners.append(torch.stack([x, y], dim=-1).reshape(-1, 2))
        strides.append(torch.full((rows * columns, 1), stride, device=device))
    return torch.cat(corners).float(), torch.cat(strides).float()
