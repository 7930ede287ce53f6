"""The head: what each cell of the three grids sees."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from sightline.detector.network.blocks import ConvNormAct, Separable

__all__ = ["DecoupledHead"]

PRIOR = 0.01
"""Score that every class starts with (Lin et al., 2017, arXiv:1708.02002)."""


class DecoupledHead(nn.Module):
    """Separate branches for what and where (Ge et al., 2021, arXiv:2107.08430).

    For each of the strides s, with h channels and C classes:

    | layer | output |
    | --- | --- |
    | shared 1x1 | (B, h, H/s, W/s) |
    | class branch: separable 5x5, then 1x1 | (B, C, H/s, W/s) |
    | box branch: separable 5x5, then 1x1 | (B, 4, H/s, W/s) |

    There is no objectness: a class score is trained towards the overlap of its box.

    Args:
        features: Channels at each stride.
        channels: Channels of the branches.
        classes: Number of classes.
        dropout: Share of the shared features dropped in training.
    """

    def __init__(
        self, features: tuple[int, ...], channels: int, classes: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.classes = classes
        self.shared = nn.ModuleList(ConvNormAct(count, channels, 1) for count in features)
        self.dropout = nn.Dropout2d(dropout)
        self.what = nn.ModuleList(Separable(channels) for _ in features)
        self.where = nn.ModuleList(Separable(channels) for _ in features)
        self.scores = nn.ModuleList(nn.Conv2d(channels, classes, 1) for _ in features)
        self.boxes = nn.ModuleList(nn.Conv2d(channels, 4, 1) for _ in features)
        for layer in self.scores:
            nn.init.constant_(layer.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]

    def forward(self, features: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Logits (B, A, C) and raw boxes (B, A, 4), stride by stride, row by row."""
        logits, raw = [], []
        for level, feature in enumerate(features):
            shared = self.dropout(self.shared[level](feature))
            logits.append(self.scores[level](self.what[level](shared)).flatten(2))
            raw.append(self.boxes[level](self.where[level](shared)).flatten(2))
        return torch.cat(logits, dim=2).transpose(1, 2), torch.cat(raw, dim=2).transpose(1, 2)
