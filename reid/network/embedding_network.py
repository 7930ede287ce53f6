"""The network: a crop in, a vector out.

A stem, three stages of omni-scale blocks, generalised-mean pooling (Radenović et al., 2019) of
the last, and the means of the first in horizontal stripes: who wears what above what is a matter
of colour and place (stripes: Sun et al., "Beyond Part Models", 2018). Then the batch-normalisation
neck of Luo et al., "Bag of Tricks and a Strong Baseline for Deep Person Re-Identification", 2019:
the triplet loss looks at the vector before the neck, the identity loss and every comparison after
the training at the vector behind it.
"""

from __future__ import annotations

import math
from itertools import pairwise
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
    stripes: Count = pydantic.Field(
        default=4, description="Horizontal stripes whose mean fine features are looked at as well."
    )
    coarse_stripes: Annotated[int, pydantic.Field(ge=0)] = pydantic.Field(
        default=0, description="Horizontal stripes of the second and of the third stage."
    )
    dimension: Annotated[int, pydantic.Field(ge=8, le=1024)] = pydantic.Field(
        default=128, description="Length of the vector."
    )

    @pydantic.model_validator(mode="after")
    def _stripes_fit(self) -> NetworkScale:
        if not self.fits(self.height):
            raise ValueError(f"height is a multiple of {self.row_unit}, for its stripes")
        return self

    def fits(self, height: int) -> bool:
        """Whether crops of a height fall into equal stripes."""
        return height % self.row_unit == 0

    @property
    def row_unit(self) -> int:
        """Pixels of which a height is a multiple; the stages have a row for every 4, 8 and 16."""
        fine = 4 * self.stripes
        return math.lcm(fine, 16 * self.coarse_stripes) if self.coarse_stripes else fine


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
        inputs = (scale.stem, *scale.stages[:-1])
        self.stages = nn.ModuleList(
            _stage(before, after, blocks, scale)
            for before, after, blocks in zip(inputs, scale.stages, scale.blocks, strict=True)
        )
        self.shrink = nn.AvgPool2d(2)
        self.pool = GeneralisedMean()
        gathered = scale.stages[-1] + scale.stripes * scale.stages[0]
        gathered += scale.coarse_stripes * sum(scale.stages[1:])
        self.project = nn.Linear(gathered, scale.dimension, bias=False)
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
        before = self.project(self.features(crops))
        return before, cast(torch.Tensor, self.neck(before))

    def early_layers(self, stages: int) -> list[nn.Module]:
        """The stem and so many stages behind it; nothing for 0."""
        return [self.stem, *self.stages[:stages]] if stages else []

    def features(self, crops: torch.Tensor) -> torch.Tensor:
        """(B, 3, height, width) crops to (B, F) pooled features, which the vectors are made of."""
        first, second, third = self.stages
        fine = first(self.stem((crops - self.mean) / self.deviation))
        middle = second(self.shrink(fine))
        coarse = third(self.shrink(middle))
        parts = [self.pool(coarse), _stripes(fine, self.scale.stripes)]
        if self.scale.coarse_stripes:
            parts += [_stripes(stage, self.scale.coarse_stripes) for stage in (middle, coarse)]
        return torch.cat(parts, dim=1)


def _stage(inputs: int, outputs: int, blocks: int, scale: NetworkScale) -> nn.Sequential:
    widths = [inputs, *[outputs] * blocks]
    return nn.Sequential(
        *(
            OmniScaleBlock(before, after, scale.streams, scale.reduction)
            for before, after in pairwise(widths)
        )
    )


def _stripes(features: torch.Tensor, count: int) -> torch.Tensor:
    """(B, C, H, W) to (B, count · C): the mean of each horizontal stripe."""
    batch, channels, height, width = features.shape
    parts = features.reshape(batch, channels, count, height // count * width)
    return parts.mean(dim=3).flatten(1)
