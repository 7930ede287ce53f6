"""The network: a crop in, a vector out.

A stem, three stages of omni-scale blocks, generalised-mean pooling (Radenović et al., 2019), and
the batch-normalisation neck of Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person
Re-Identification", 2019: the triplet loss looks at the vector before the neck, the identity loss
and every comparison after the training at the vector behind it.
"""

from __future__ import annotations

from typing import Annotated, cast

import pydantic
import torch
from torch import nn

from sightline.reid.network.blocks import ConvolutionNorm, OmniScaleBlock

__all__ = ["EmbeddingNetwork", "NetworkScale"]

Count = Annotated[int, pydantic.Field(ge=1)]


class NetworkScale(pydantic.BaseModel):
    """How large the network is."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    height: Count = pydantic.Field(default=128, description="Height of a crop in pixels.")
    width: Count = pydantic.Field(default=64, description="Width of a crop in pixels.")
    stem: Count = pydantic.Field(default=32, description="Channels of the stem.")
    stages: tuple[Count, Count, Count] = pydantic.Field(
        default=(96, 192, 320), description="Channels of the three stages."
    )
    blocks: tuple[Count, Count, Count] = pydantic.Field(
        default=(1, 2, 1), description="Omni-scale blocks of each stage."
    )
    streams: Count = pydantic.Field(default=3, description="Receptive fields of a block.")
    reduction: Count = pydantic.Field(
        default=3, description="Factor by which the streams of a block are narrower."
    )
    dimension: Annotated[int, pydantic.Field(ge=8, le=1024)] = pydantic.Field(
        default=128, description="Length of the vector."
    )


class GeneralisedMean(nn.Module):
    """Pools each channel to the p-th root of the mean of its p-th powers; p is learned."""

    def __init__(self, power: float = 3.0) -> None:
        super().__init__()
        self.power = nn.Parameter(torch.tensor(power))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(B, C, H, W), nowhere negative, to (B, C)."""
        raised = features.clamp(min=1e-6) ** self.power
        return raised.mean(dim=(2, 3)) ** (1 / self.power)


class EmbeddingNetwork(nn.Module):
    """Crops to vectors.

    Args:
        scale: How large it is.

    Attributes:
        scale: How large it is.
    """

    mean: torch.Tensor
    deviation: torch.Tensor

    def __init__(self, scale: NetworkScale) -> None:
        super().__init__()
        self.scale = scale
        # Of ImageNet, in BGR: a crop comes as OpenCV has it.
        self.register_buffer("mean", torch.tensor([103.53, 116.28, 123.675]).view(1, 3, 1, 1))
        self.register_buffer("deviation", torch.tensor([57.375, 57.12, 58.395]).view(1, 3, 1, 1))
        self.stem = nn.Sequential(
            ConvolutionNorm(3, scale.stem, 3, stride=2), nn.MaxPool2d(3, 2, 1)
        )
        stages: list[nn.Module] = []
        channels = scale.stem
        for number, (outputs, blocks) in enumerate(zip(scale.stages, scale.blocks, strict=True)):
            for block in range(blocks):
                inputs = channels if block == 0 else outputs
                stages.append(OmniScaleBlock(inputs, outputs, scale.streams, scale.reduction))
            channels = outputs
            if number == 0 or number == 1:
                stages.append(nn.Sequential(ConvolutionNorm(channels, channels), nn.AvgPool2d(2)))
        self.stages = nn.Sequential(*stages)
        self.pool = GeneralisedMean()
        self.project = nn.Linear(channels, scale.dimension, bias=False)
        self.neck = nn.BatchNorm1d(scale.dimension)
        # The shift would move all people alike and only weaken the angles between them.
        self.neck.bias.requires_grad_(False)

    def forward(self, crops: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Describe crops.

        Args:
            crops: (B, 3, height, width) float32, BGR 0…255.

        Returns:
            (B, D) vectors before the neck, and behind it; neither normalised.
        """
        features = self.stages(self.stem((crops - self.mean) / self.deviation))
        before = self.project(self.pool(features))
        return before, cast(torch.Tensor, self.neck(before))
