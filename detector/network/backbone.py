"""The backbone: a picture in, features at strides 8, 16 and 32 out."""

from __future__ import annotations

from torch import Tensor, nn

from sightline.detector.network.blocks import ConvNormAct, CrossStage, SpatialPyramidPooling
from sightline.detector.network.scales import Scale

__all__ = ["CrossStageBackbone"]


class CrossStageBackbone(nn.Module):
    """Our own backbone, to be trained from random weights.

    With the scale's stages (c2, c4, c8, c16, c32), for pictures (B, 3, H, W):

    | layer | output |
    | --- | --- |
    | stem | (B, c2, H/2, W/2) |
    | stage at stride 4 | (B, c4, H/4, W/4) |
    | stage at stride 8 | (B, c8, H/8, W/8), returned |
    | stage at stride 16 | (B, c16, H/16, W/16), returned |
    | stage at stride 32, with spatial pyramid pooling | (B, c32, H/32, W/32), returned |

    Attributes:
        channels: Channels of the three features that are returned.
    """

    def __init__(self, scale: Scale) -> None:
        super().__init__()
        self.channels = (scale.stages[2], scale.stages[3], scale.stages[4])
        self.stem = ConvNormAct(3, scale.stages[0], 3, 2)
        stages = []
        for before, after, depth in zip(
            scale.stages[:-1], scale.stages[1:], scale.depths, strict=True
        ):
            stages.append(
                nn.Sequential(ConvNormAct(before, after, 3, 2), CrossStage(after, after, depth))
            )
        stages[-1].append(SpatialPyramidPooling(scale.stages[-1]))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Features at strides 8, 16 and 32."""
        x = self.stages[0](self.stem(x))
        fine = self.stages[1](x)
        middle = self.stages[2](fine)
        coarse = self.stages[3](middle)
        return fine, middle, coarse
