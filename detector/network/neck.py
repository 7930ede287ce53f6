"""The neck: features of three strides tell each other what they see."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sightline.detector.network.blocks import ConvNormAct, CrossStage

__all__ = ["PathAggregation"]


class PathAggregation(nn.Module):
    """Top-down and bottom-up paths (FPN, Lin et al. 2017; PAN, Liu et al. 2018).

    For features with channels (f8, f16, f32) and a neck of (n8, n16, n32), at height H and
    width W of the picture:

    | step | output |
    | --- | --- |
    | lateral of stride 32 | (B, n16, H/32, W/32) |
    | top-down, stride 16 | (B, n16, H/16, W/16), then lateral (B, n8, H/16, W/16) |
    | top-down, stride 8 | (B, n8, H/8, W/8), returned |
    | bottom-up, stride 16 | (B, n16, H/16, W/16), returned |
    | bottom-up, stride 32 | (B, n32, H/32, W/32), returned |

    Args:
        features: Channels of the backbone's features at strides 8, 16, 32.
        channels: Channels that are returned at strides 8, 16, 32.
        depth: Bottlenecks in each block.
    """

    def __init__(
        self, features: tuple[int, int, int], channels: tuple[int, int, int], depth: int
    ) -> None:
        super().__init__()
        f8, f16, f32 = features
        n8, n16, n32 = channels
        self.lateral32 = ConvNormAct(f32, n16, 1)
        self.down16 = CrossStage(n16 + f16, n16, depth, shortcut=False)
        self.lateral16 = ConvNormAct(n16, n8, 1)
        self.down8 = CrossStage(n8 + f8, n8, depth, shortcut=False)
        self.step16 = ConvNormAct(n8, n8, 3, 2)
        self.up16 = CrossStage(n8 + n8, n16, depth, shortcut=False)
        self.step32 = ConvNormAct(n16, n16, 3, 2)
        self.up32 = CrossStage(n16 + n16, n32, depth, shortcut=False)

    def forward(self, features: tuple[Tensor, Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Features at strides 8, 16 and 32."""
        f8, f16, f32 = features
        lateral32 = self.lateral32(f32)
        down16 = self.down16(torch.cat([_doubled(lateral32), f16], dim=1))
        lateral16 = self.lateral16(down16)
        out8 = self.down8(torch.cat([_doubled(lateral16), f8], dim=1))
        out16 = self.up16(torch.cat([self.step16(out8), lateral16], dim=1))
        out32 = self.up32(torch.cat([self.step32(out16), lateral32], dim=1))
        return out8, out16, out32


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2.0, mode="nearest")
