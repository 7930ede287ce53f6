"""The head of the first YOLO, for teaching (Redmon et al., 2016, arXiv:1506.02640).

One grid of cells looks at the whole picture. A cell says once what stands in it and twice where,
with a confidence each time. Its loss is in `sightline.detector.training.yolov1_loss`;
docs/yolov1.md says what differs from the paper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.detector.network.base import MEAN, SPREAD, DetectorNetwork, grid_corners
from sightline.detector.network.blocks import ConvNormAct
from sightline.detector.network.scales import SCALES, ScaleName

__all__ = ["BOXES", "STRIDE", "Grid", "YoloV1"]

BOXES = 2
"""Boxes that a cell predicts, the paper's B."""

STRIDE = 32
"""Input pixels a cell; the paper's 448 pixels in 7 cells are 64."""

_FIRST_ROOT = 0.5  # boxes begin with a quarter of the picture's sides, in the middle of their cell


@dataclass(frozen=True, slots=True)
class Grid:
    """What the cells of R rows and K columns say, by its meaning.

    Args:
        places: (B, R, K, 2, 2) x and y of each box's middle in its cell, in cells.
        roots: (B, R, K, 2, 2) √w and √h of each box; w and h as shares of the picture.
        confidences: (B, R, K, 2) how well each box is thought to fit an object: its IoU, or 0.
        classes: (B, R, K, C) probability of each class, if there is an object.
    """

    places: Tensor
    roots: Tensor
    confidences: Tensor
    classes: Tensor

    @classmethod
    def read(cls, raw: Tensor) -> Grid:
        """Part what the network returns: five numbers a box, then the classes."""
        boxes = raw[..., : 5 * BOXES].reshape(*raw.shape[:-1], BOXES, 5)
        return cls(boxes[..., :2], boxes[..., 2:4], boxes[..., 4], raw[..., 5 * BOXES :])

    def boxes(self) -> Tensor:
        """(B, R, K, 2, 4) x1 y1 x2 y2 in input pixels."""
        rows, columns = self.places.shape[1:3]
        corners = grid_corners(rows, columns, self.places.device)[:, :, None]
        centre = (corners + self.places) * STRIDE
        half = self.roots.square() * (centre.new_tensor([columns, rows]) * (STRIDE / 2))
        return torch.cat([centre - half, centre + half], dim=-1)


class YoloV1(DetectorNetwork):
    """The grid of the first YOLO on a backbone of ours.

    With C classes and n channels (the neck's at stride 32 in the other networks):

    | layer | output |
    | --- | --- |
    | backbone, its features at stride 32 | (B, c32, H/32, W/32) |
    | two 3x3 convolutions | (B, n, H/32, W/32) |
    | 1x1 convolution, linear | (B, 2·5 + C, H/32, W/32) |

    Args:
        class_names: Names of the classes, in the order of the scores.
        scale: One of `SCALES`.
        backbone: `csp`, our own, or the name of a torchvision model.
        dropout: Share of the channels before the last layer dropped in training.

    Raises:
        InputError: No class, or an unknown scale or backbone.
    """

    class_layers = "output"

    def __init__(
        self,
        class_names: Sequence[str],
        scale: ScaleName = "n",
        backbone: str = "csp",
        dropout: float = 0.0,
    ) -> None:
        super().__init__(class_names, scale, backbone)
        channels = SCALES[scale].neck[2]
        self.hidden = nn.Sequential(
            ConvNormAct(self.backbone.channels[2], channels), ConvNormAct(channels, channels)
        )
        self.dropout = nn.Dropout2d(dropout)
        self.output = nn.Conv2d(channels, 5 * BOXES + len(self.class_names), 1)
        first = [0.5, 0.5, _FIRST_ROOT, _FIRST_ROOT, 0.0] * BOXES + [0.0] * len(self.class_names)
        with torch.no_grad():
            self.output.bias.copy_(torch.tensor(first))  # type: ignore[union-attr]

    def forward(self, pictures: Tensor) -> Tensor:
        """What every cell says: (B, H/32, W/32, 2·5 + C), which `Grid.read` parts."""
        raw: Tensor = self.output(self.dropout(self.features(pictures)[STRIDE]))
        return raw.permute(0, 2, 3, 1)

    def features(self, pictures: Tensor) -> dict[int, Tensor]:
        """What the last layer looks at: (B, n, H/32, W/32) at stride 32."""
        _, _, coarse = self.backbone((pictures - MEAN) * (1 / SPREAD))
        return {STRIDE: self.hidden(coarse)}

    def predict(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Boxes (B, A, 4) in input pixels and scores (B, A, C), A = 2 · H/32 · W/32.

        A score is confidence times class probability, as in the paper. Both are linear outputs
        trained by squared error and may leave 0…1 a little; they are cut to it.
        """
        grid = Grid.read(self(pictures))
        scores = grid.confidences.clamp(0, 1)[..., None] * grid.classes.clamp(0, 1)[..., None, :]
        return grid.boxes().flatten(1, 3), scores.flatten(1, 3)

    def anchors(self, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Centre (A, 2) in input pixels and stride (A,) of the cell of every box."""
        corners = grid_corners(height // STRIDE, width // STRIDE).reshape(-1, 2)
        centres = ((corners + 0.5) * STRIDE).repeat_interleave(BOXES, dim=0)
        return centres, torch.full((len(centres),), float(STRIDE))
