"""What a training minimises: scores towards overlaps, boxes towards objects.

- scores: binary cross-entropy a class; a positive cell's target is the IoU of its box, all
  others' 0 (Zhang et al., 2021, arXiv:2008.13367, for the target);
- boxes: GIoU (Rezatofighi et al., 2019, arXiv:1902.09630);
- late in the training also L1 of the raw boxes (Ge et al., 2021, arXiv:2107.08430).

Cells where the labels do not say what stands there teach nothing: those of a class that the
picture does not label, and those that lie, or whose box lies, in an ignored region.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Protocol

import pydantic
import torch
from torch import Tensor
from torch.nn import functional

from sightline.detector.network.network import Network, cells
from sightline.detector.training.assignment import assign
from sightline.detector.training.examples import Labels
from sightline.learning.torch_vision import torchvision

__all__ = [
    "IGNORED_SHARE",
    "DetectionLoss",
    "Loss",
    "LossWeights",
    "Losses",
    "covered_share",
    "raw_boxes",
    "within",
]

IGNORED_SHARE = 0.5
"""A box with more of its area in an ignored region teaches nothing."""


class LossWeights(pydantic.BaseModel):
    """How much each part of the loss counts."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    scores: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=1.0, description="Cross-entropy of the class scores."
    )
    boxes: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=2.5, description="GIoU of the boxes."
    )
    distance: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=0.5, description="L1 of the raw boxes, in the last part of the training."
    )
    uncertain: Annotated[float, pydantic.Field(ge=0, le=1)] = pydantic.Field(
        default=0.3, description="Weight of background where objects may stand unlabelled."
    )


@dataclass(frozen=True, slots=True)
class Losses:
    """The loss of a batch and its parts, each a scalar.

    Args:
        total: What is minimised.
        parts: The weighted terms that it is the sum of, by name, without gradients.
        positives: Cells or boxes of the batch that answer for an object.
    """

    total: Tensor
    parts: dict[str, Tensor]
    positives: int


class Loss(Protocol):
    """What a network's outputs cost."""

    def __call__(
        self, outputs: Any, labels: Sequence[Labels], size: tuple[int, int], *, late: bool = False
    ) -> Losses:
        """Compute the loss of a batch.

        Args:
            outputs: What the network's `forward` returns.
            labels: What each picture shows, in pixels of the network's input.
            size: Height and width of the input in pixels.
            late: Whether this is the last part of the training.
        """


class DetectionLoss:
    """The loss of `Network`'s outputs, in the parts `scores`, `boxes` and `distance`.

    Args:
        weights: How much each part counts.
    """

    def __init__(self, weights: LossWeights | None = None) -> None:
        self.weights = weights or LossWeights()

    def __call__(
        self,
        outputs: tuple[Tensor, Tensor],
        labels: Sequence[Labels],
        size: tuple[int, int],
        *,
        late: bool = False,
    ) -> Losses:
        """Compute the loss of a batch.

        Args:
            outputs: Logits (B, A, C) and raw boxes (B, A, 4), as `Network.forward` returns them.
            labels: What each picture shows, in pixels of the network's input.
            size: Height and width of the input in pixels.
            late: Whether the L1 part counts.
        """
        logits, raw = outputs[0].float(), outputs[1].float()
        boxes = Network.decode(raw, *size)
        corners, strides = cells(*size, logits.device)
        targets = torch.zeros_like(logits)
        mask = torch.ones_like(logits)
        found: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []
        for picture, label in enumerate(labels):
            self._mask_unknown(mask[picture], boxes[picture].detach(), corners, strides, label)
            if not len(label.boxes):
                continue
            objects = torch.from_numpy(label.boxes).to(boxes)
            classes = torch.from_numpy(label.classes).to(logits.device).long()
            share = torch.from_numpy(label.weights).to(boxes)
            match = assign(
                logits[picture].detach(),
                boxes[picture].detach(),
                corners,
                strides,
                objects,
                classes,
            )
            kind = classes[match.objects]
            targets[picture, match.cells, kind] = match.overlaps.clamp(0, 1)
            mask[picture, match.cells, kind] = share[match.objects]
            place = torch.full_like(match.cells, picture)
            found.append((place, match.cells, objects[match.objects], share[match.objects]))
        return self._sum(logits, raw, boxes, targets, mask, found, (corners, strides), late=late)

    def _sum(
        self,
        logits: Tensor,
        raw: Tensor,
        boxes: Tensor,
        targets: Tensor,
        mask: Tensor,
        found: list[tuple[Tensor, Tensor, Tensor, Tensor]],
        grid: tuple[Tensor, Tensor],
        *,
        late: bool,
    ) -> Losses:
        none = logits.sum() * 0 + raw.sum() * 0
        entropy = functional.binary_cross_entropy_with_logits(
            logits, targets, weight=mask, reduction="sum"
        )
        if not found:
            scores = self.weights.scores * entropy / max(len(logits), 1)
            return _losses(scores + none, none, none, 0)
        places, chosen, objects, share = (torch.cat(part) for part in zip(*found, strict=True))
        count = share.sum().clamp(min=1.0)
        mine = boxes[places, chosen]
        overlap = torchvision().ops.generalized_box_iou_loss(mine, objects)
        scores = self.weights.scores * entropy / count
        where = self.weights.boxes * (overlap * share).sum() / count
        distance = none
        if late:
            corners, strides = grid
            wanted = raw_boxes(objects, corners[chosen], strides[chosen])
            error = (raw[places, chosen] - wanted).abs().sum(dim=1)
            distance = self.weights.distance * (error * share).sum() / count
        return _losses(scores, where, distance, len(chosen))

    def _mask_unknown(
        self, mask: Tensor, boxes: Tensor, corners: Tensor, strides: Tensor, label: Labels
    ) -> None:
        """Set to 0 what the labels do not know and lower what is uncertain, in place."""
        centres = (corners + 0.5) * strides
        if len(label.uncertain):
            regions = torch.from_numpy(label.uncertain).to(boxes)
            mask[within(centres, regions).any(dim=1)] = self.weights.uncertain
        unlabelled = torch.from_numpy(~label.labelled).to(mask.device)
        mask[:, unlabelled] = 0
        if not len(label.ignore):
            return
        regions = torch.from_numpy(label.ignore).to(boxes)
        covered = within(centres, regions) | (covered_share(boxes, regions) > IGNORED_SHARE)
        for kind in set(label.ignore_classes.tolist()):
            of_kind = torch.from_numpy(label.ignore_classes == kind).to(mask.device)
            rows = covered[:, of_kind].any(dim=1)
            if kind < 0:
                mask[rows] = 0
            else:
                mask[rows, kind] = 0


def within(points: Tensor, regions: Tensor) -> Tensor:
    """(A, M): which points (A, 2) lie in which regions (M, 4)."""
    low = points[:, None] >= regions[None, :, :2]
    high = points[:, None] < regions[None, :, 2:]
    return (low & high).all(dim=-1)


def covered_share(boxes: Tensor, regions: Tensor) -> Tensor:
    """(A, M): share of the area of each box (A, 4) that lies in each region (M, 4)."""
    low = torch.maximum(boxes[:, None, :2], regions[None, :, :2])
    high = torch.minimum(boxes[:, None, 2:], regions[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=-1)
    area = (boxes[:, 2:] - boxes[:, :2]).clamp(min=1e-6).prod(dim=-1)
    return shared / area[:, None]


def _losses(scores: Tensor, boxes: Tensor, distance: Tensor, positives: int) -> Losses:
    parts = {"scores": scores.detach(), "boxes": boxes.detach(), "distance": distance.detach()}
    return Losses(scores + boxes + distance, parts, positives)


def raw_boxes(boxes: Tensor, corners: Tensor, strides: Tensor) -> Tensor:
    """The raw boxes that decode to these: the inverse of `Network.decode`."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / strides - corners
    sides = ((boxes[:, 2:] - boxes[:, :2]) / strides).clamp(min=1e-3).log()
    return torch.cat([centre, sides], dim=1)
