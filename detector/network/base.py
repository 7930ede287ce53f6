"""What every network of the detector is and can, whatever its head."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from sightline.detector.network.backbone import CrossStageBackbone
from sightline.detector.network.pretrained import TorchvisionBackbone
from sightline.detector.network.scales import SCALES, ScaleName
from sightline.errors import InputError

__all__ = ["MEAN", "SPREAD", "DetectorNetwork", "grid_corners"]

MEAN, SPREAD = 114.0, 58.0  # the grey of the padding becomes 0
"""Normalisation of pixels: (pixel - MEAN) / SPREAD; exports do it on bytes, so MEAN is whole."""

_OWN_BACKBONE = "csp"  # every other name is one of torchvision's


class DetectorNetwork(nn.Module, ABC):
    """A backbone and what a head makes of its features.

    Pictures are (B, 3, H, W) float32 BGR 0…255, letterboxed; H and W multiples of 32.

    Args:
        class_names: Names of the classes, in the order of the scores.
        scale: One of `SCALES`.
        backbone: `csp`, our own, or the name of a torchvision model.

    Attributes:
        class_layers: Prefix of the names of the parameters that belong to certain classes.

    Raises:
        InputError: No class, or an unknown scale or backbone.
    """

    class_layers: ClassVar[str]

    def __init__(self, class_names: Sequence[str], scale: ScaleName, backbone: str) -> None:
        super().__init__()
        if not class_names:
            raise InputError("a network has one class at least")
        if scale not in SCALES:
            raise InputError(f"scale {scale!r}: expected one of {', '.join(SCALES)}")
        self.class_names = tuple(class_names)
        self.scale: ScaleName = scale
        self.backbone_name = backbone
        self.backbone: CrossStageBackbone | TorchvisionBackbone
        if backbone == _OWN_BACKBONE:
            self.backbone = CrossStageBackbone(SCALES[scale])
        else:
            self.backbone = TorchvisionBackbone(backbone)

    @abstractmethod
    def features(self, pictures: Tensor) -> dict[int, Tensor]:
        """What the head looks at: (B, c, H/s, W/s) by stride s."""

    @abstractmethod
    def predict(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) x1 y1 x2 y2 in input pixels and class scores (B, A, C), 0…1."""

    @abstractmethod
    def anchors(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """The cell that each of `predict`'s boxes comes from.

        Returns:
            Centres (A, 2) x y in input pixels and strides (A,) in pixels, both float32.
        """


def grid_corners(rows: int, columns: int, device: torch.device | str = "cpu") -> Tensor:
    """Column and row of each cell, row by row: (rows, columns, 2) float32."""
    y, x = torch.meshgrid(
        torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
    )
    return torch.stack([x, y], dim=-1).float()
