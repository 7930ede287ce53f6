"""Omni-scale blocks: features of several receptive fields, weighed for each picture.

Zhou et al., "Omni-Scale Feature Learning for Person Re-Identification", 2019. There, stream t is
a chain of t light convolutions of its own; here the streams share one chain and each taps it one
convolution later. The receptive fields are the same (3, 5, 7, …) for T convolutions instead of
T (T + 1) / 2, and what is saved goes into width.
"""

from __future__ import annotations

import functools

import torch
from torch import nn

__all__ = ["ConvolutionNorm", "LightConvolution", "OmniScaleBlock"]


class ConvolutionNorm(nn.Sequential):
    """Convolution, batch normalisation and, where wanted, ReLU.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        kernel: Side of the kernel; the picture keeps its size at stride 1.
        stride: Step of the kernel.
        groups: Groups of the convolution.
        active: Whether a ReLU follows.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int = 1,
        *,
        stride: int = 1,
        groups: int = 1,
        active: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
        ]
        super().__init__(*layers, *([nn.ReLU(inplace=True)] if active else []))


class LightConvolution(nn.Sequential):
    """A 3×3 convolution in two cheap steps: pointwise, then depthwise.

    Args:
        channels: Channels in and out.
    """

    def __init__(self, channels: int) -> None:
        super().__init__(
            nn.Conv2d(channels, channels, 1, bias=False),
            ConvolutionNorm(channels, channels, 3, groups=channels),
        )


class UnifiedGate(nn.Module):
    """Weights of a stream's channels for a picture, by one small network for all streams.

    Args:
        channels: Channels of a stream.
        reduction: Factor by which the hidden layer is narrower.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = max(channels // reduction, 8)
        self.weigh = nn.Sequential(
            nn.Conv2d(channels, hidden, 1),
            nn.ReLU(inplace=True),
            nn.Conv2d(hidden, channels, 1),
            nn.Sigmoid(),
        )

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W) features, each channel weighed."""
        weighed: torch.Tensor = features * self.weigh(features.mean(dim=(2, 3), keepdim=True))
        return weighed


class OmniScaleBlock(nn.Module):
    """A residual block whose streams see 3×3, 5×5, 7×7, … pixels.

    Args:
        inputs: Channels that come in.
        outputs: Channels that go out.
        streams: Number of receptive fields.
        reduction: Factor by which the streams are narrower than the output.
    """

    def __init__(self, inputs: int, outputs: int, streams: int, reduction: int) -> None:
        super().__init__()
        middle = outputs // reduction
        self.narrow = ConvolutionNorm(inputs, middle)
        self.chain = nn.ModuleList([LightConvolution(middle) for _ in range(streams)])
        self.gate = UnifiedGate(middle)
        self.widen = ConvolutionNorm(middle, outputs, active=False)
        self.shortcut: nn.Module = (
            nn.Identity() if inputs == outputs else ConvolutionNorm(inputs, outputs, active=False)
        )
        self.activate = nn.ReLU(inplace=True)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, inputs, H, W) to (B, outputs, H, W)."""
        stream = self.narrow(features)
        taps = []
        for convolution in self.chain:
            stream = convolution(stream)
            taps.append(self.gate(stream))
        gathered = functools.reduce(torch.add, taps)
        activated: torch.Tensor = self.activate(self.widen(gathered) + self.shortcut(features))
        return activated
