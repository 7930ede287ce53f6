"""The loss of the first YOLO, term by term (Redmon et al., 2016, arXiv:1506.02640, equation 3).

With 𝟙(obj, i) for a cell i that holds the middle of an object, and 𝟙(obj, i, j) for the one of its
boxes j that overlaps the object most and so is responsible for it:

| part | term |
| --- | --- |
| `xy` | λ_coord Σ 𝟙(obj, i, j) [(x - x̂)² + (y - ŷ)²] |
| `wh` | λ_coord Σ 𝟙(obj, i, j) [(√w - √ŵ)² + (√h - √ĥ)²] |
| `object` | Σ 𝟙(obj, i, j) (IoU - Ĉ)² |
| `no_object` | λ_noobj Σ (1 - 𝟙(obj, i, j)) Ĉ² |
| `classes` | Σ 𝟙(obj, i) Σ_c (p(c) - p̂(c))² |

Each is summed over a picture and averaged over the batch. The roots make an error of 10 pixels
count more in a small box than in a large one; λ_noobj keeps the many empty boxes from drowning the
few others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pydantic
import torch
from torch import Tensor
from torch.nn import functional

from sightline.detector.network.base import grid_corners
from sightline.detector.network.yolov1 import STRIDE, Grid
from sightline.detector.training.examples import Labels
from sightline.detector.training.losses import IGNORED_SHARE, Losses, covered_share, within
from sightline.learning.torch_vision import torchvision

__all__ = ["YoloV1Loss", "YoloV1Weights"]


class YoloV1Weights(pydantic.BaseModel):
    """How much each term of the first YOLO's loss counts."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    lambda_coord: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=5.0, description="λ_coord of the paper: place and size of responsible boxes."
    )
    lambda_noobj: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=0.5, description="λ_noobj of the paper: confidence of boxes without an object."
    )
    uncertain: Annotated[float, pydantic.Field(ge=0, le=1)] = pydantic.Field(
        default=0.3, description="Weight of background where objects may stand unlabelled."
    )


@dataclass(frozen=True, slots=True)
class _Objects:
    """The objects of a batch that a cell answers for, one a cell; L of them.

    Args:
        cells: Picture, row and column of each one's cell, (L,) each.
        boxes: (L, 4) x1 y1 x2 y2 in input pixels.
        classes: (L,) class.
        weights: (L,) how much each counts.
    """

    cells: tuple[Tensor, Tensor, Tensor]
    boxes: Tensor
    classes: Tensor
    weights: Tensor


class YoloV1Loss:
    """The loss of `YoloV1`'s outputs.

    A cell has one set of class probabilities, so it answers for one object: the largest of those
    whose middle lies in it. The others are not learnt, which is the paper's known weakness with
    groups of small things.

    The confidence knows no classes. A box without an object is therefore background only where
    the labels speak for every class: nowhere in a picture with unlabelled classes, and not in
    ignored regions of any class.

    Args:
        weights: How much each term counts.
    """

    def __init__(self, weights: YoloV1Weights | None = None) -> None:
        self.weights = weights or YoloV1Weights()

    def __call__(
        self,
        outputs: Tensor,
        labels: Sequence[Labels],
        size: tuple[int, int],
        *,
        late: bool = False,  # noqa: ARG002 - Loss protocol; the paper has no late part
    ) -> Losses:
        """Compute the loss of a batch.

        Args:
            outputs: (B, H/32, W/32, 2·5 + C), as `YoloV1.forward` returns them.
            labels: What each picture shows, in pixels of the network's input.
            size: Height and width of the input in pixels.
            late: Without effect.
        """
        grid = Grid.read(outputs.float())
        boxes = grid.boxes()
        objects = _one_a_cell(labels, boxes)
        pictures = max(len(labels), 1)

        overlaps = torchvision().ops.box_iou(
            boxes[objects.cells].detach(), objects.boxes[:, None]
        )  # (L, 2, 1)
        overlap, responsible = overlaps[:, :, 0].max(dim=1)
        chosen = (*objects.cells, responsible)

        xy, roots = _targets(objects, size)
        share = objects.weights
        coordinates = self.weights.lambda_coord / pictures
        place = coordinates * _squares(grid.places[chosen], xy, share)
        side = coordinates * _squares(grid.roots[chosen], roots, share)

        fits = _squares(grid.confidences[chosen][:, None], overlap[:, None], share) / pictures
        empty = self._background(boxes.detach(), labels)
        empty[chosen] = 0
        nothing = self.weights.lambda_noobj * (empty * grid.confidences.square()).sum() / pictures

        kinds = functional.one_hot(objects.classes, grid.classes.shape[-1]).to(share)
        what = _squares(grid.classes[objects.cells], kinds, share) / pictures

        terms = {"xy": place, "wh": side, "object": fits, "no_object": nothing, "classes": what}
        total = torch.stack(list(terms.values())).sum()
        return Losses(total, {name: term.detach() for name, term in terms.items()}, len(share))

    def _background(self, boxes: Tensor, labels: Sequence[Labels]) -> Tensor:
        """How sure the labels are that each box is background: (B, R, K, 2)."""
        certain = boxes.new_ones(boxes.shape[:-1])
        rows, columns = boxes.shape[1:3]
        centres = ((grid_corners(rows, columns, boxes.device) + 0.5) * STRIDE).reshape(-1, 2)
        for picture, label in enumerate(labels):
            if not label.labelled.all():
                certain[picture] = 0
                continue
            if len(label.uncertain):
                regions = torch.from_numpy(label.uncertain).to(boxes)
                rough = within(centres, regions).any(dim=1).reshape(rows, columns)
                certain[picture][rough] = self.weights.uncertain
            if len(label.ignore):
                regions = torch.from_numpy(label.ignore).to(boxes)
                cells = within(centres, regions).any(dim=1).reshape(rows, columns)
                certain[picture][cells] = 0
                mine = boxes[picture]
                shares = covered_share(mine.reshape(-1, 4), regions).reshape(*mine.shape[:-1], -1)
                certain[picture][(shares > IGNORED_SHARE).any(dim=-1)] = 0
        return certain


def _one_a_cell(labels: Sequence[Labels], boxes: Tensor) -> _Objects:
    """The largest object whose middle lies in each cell."""
    rows, columns = boxes.shape[1:3]
    cells, found, classes, weights = [], [], [], []
    for picture, label in enumerate(labels):
        sides = label.boxes[:, 2:] - label.boxes[:, :2]
        middle = (label.boxes[:, :2] + label.boxes[:, 2:]) / 2
        at = np.clip((middle // STRIDE).astype(np.int64), 0, (columns - 1, rows - 1))
        largest_first = np.argsort(-sides.prod(axis=1), kind="stable")
        _, first = np.unique(at[largest_first], axis=0, return_index=True)
        kept = largest_first[first]
        cells.append(np.column_stack([np.full(len(kept), picture), at[kept, 1], at[kept, 0]]))
        found.append(label.boxes[kept])
        classes.append(label.classes[kept])
        weights.append(label.weights[kept])
    places = torch.from_numpy(np.concatenate(cells)).to(boxes.device)
    return _Objects(
        (places[:, 0], places[:, 1], places[:, 2]),
        torch.from_numpy(np.concatenate(found)).to(boxes),
        torch.from_numpy(np.concatenate(classes)).to(boxes.device).long(),
        torch.from_numpy(np.concatenate(weights)).to(boxes),
    )


def _targets(objects: _Objects, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Places in the cells, (L, 2), and √w and √h as shares of the picture, (L, 2)."""
    _, row, column = objects.cells
    low, high = objects.boxes[:, :2], objects.boxes[:, 2:]
    xy = (low + high) / 2 / STRIDE - torch.stack([column, row], dim=1)
    height, width = size
    return xy, ((high - low) / low.new_tensor([width, height])).sqrt()


def _squares(found: Tensor, wanted: Tensor, weights: Tensor) -> Tensor:
    """Σ of squared differences (L, …), each row by its weight."""
    return ((found - wanted).square().sum(dim=1) * weights).sum()
