"""The parts that the network is built of: convolutions with ReLU.

ReLU is folded into the convolution before it by every runtime, and its range suits INT8.
Backbone and neck use dense 3x3 convolutions: CPUs with wide vectors run a dense layer at three
to four times the operations a second of a depthwise one, and so does training.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["Bottleneck", "ConvNormAct", "CrossStage", "Separable", "SpatialPyramidPooling"]


class ConvNormAct(nn.Sequential):
    """Convolution, batch normalisation, ReLU: (B, in, H, W) -> (B, out, H/stride, W/stride).

    Args:
        in_channels: Channels that come in.
        out_channels: Channels that go out.
        kernel: Side of the kernel.
        stride: Step of the kernel.
        groups: Groups of channels; `in_channels` for a depthwise convolution.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(
                in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
            ),
            nn.BatchNorm2d(out_channels, eps=1e-3, momentum=0.03),
            nn.ReLU(inplace=True),
        )


class Bottleneck(nn.Module):
    """Two 3x3 convolutions beside a shortcut: (B, C, H, W) -> the same."""

    def __init__(self, channels: int, *, shortcut: bool = True) -> None:
        super().__init__()
        self.first = ConvNormAct(channels, channels)
        self.second = ConvNormAct(channels, channels)
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y: Tensor = self.second(self.first(x))
        return x + y if self.shortcut else y


class Separable(nn.Sequential):
    """Depthwise 5x5, then 1x1 over the channels: (B, C, H, W) -> the same.

    For the head, where the finest grid makes dense kernels expensive and a wide view helps.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            ConvNormAct(channels, channels, 5, groups=channels), ConvNormAct(channels, channels, 1)
        )


class CrossStage(nn.Module):
    """Cross-stage partial block (Wang et al., 2020, arXiv:1911.11929).

    (B, in, H, W) -> (B, out, H, W): half of the channels go through `depth` bottlenecks, half
    around them.
    """

    def __init__(
        self, in_channels: int, out_channels: int, depth: int, *, shortcut: bool = True
    ) -> None:
        super().__init__()
        half = out_channels // 2
        self.through = ConvNormAct(in_channels, half, 1)
        self.around = ConvNormAct(in_channels, half, 1)
        self.blocks = nn.Sequential(*(Bottleneck(half, shortcut=shortcut) for _ in range(depth)))
        self.fuse = ConvNormAct(2 * half, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        y: Tensor = self.fuse(torch.cat([self.blocks(self.through(x)), self.around(x)], dim=1))
        return y


class SpatialPyramidPooling(nn.Module):
    """Pools of 5, 9 and 13 cells beside the cells themselves: (B, C, H, W) -> the same.

    He et al., 2015, arXiv:1406.4729; three pools of 5 in a row equal pools of 5, 9 and 13.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        self.reduce = ConvNormAct(channels, half, 1)
        self.pool = nn.MaxPool2d(5, stride=1, padding=2)
        self.fuse = ConvNormAct(4 * half, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block."""
        pyramid = [self.reduce(x)]
        for _ in range(3):
            pyramid.append(self.pool(pyramid[-1]))
        y: Tensor = self.fuse(torch.cat(pyramid, dim=1))
        return y
