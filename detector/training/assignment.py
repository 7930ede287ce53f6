"""Which cells answer for which object: SimOTA (Ge et al., 2021, arXiv:2107.08430).

Each object takes the cells that cost it least, among those whose centre lies in the object or
near its middle. How many it takes follows from how well boxes fit already: the sum of its ten
best overlaps. A cell that two objects want goes to the cheaper.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from sightline.learning.torch_vision import torchvision

__all__ = ["Assignment", "assign"]

CENTRE_RADIUS = 2.5
"""Cells within so many strides of an object's middle are candidates even outside its box."""

_BEST_OVERLAPS = 10
_OVERLAP_WEIGHT = 3.0
_OFF_CENTRE = 1e5  # such a cell is taken only where there is no other


@dataclass(frozen=True, slots=True)
class Assignment:
    """The positive cells of one picture.

    Args:
        cells: (P,) index of each positive cell.
        objects: (P,) the object that it answers for.
        overlaps: (P,) IoU of its present box with that object.
    """

    cells: Tensor
    objects: Tensor
    overlaps: Tensor


@torch.no_grad()
def assign(
    logits: Tensor,
    boxes: Tensor,
    corners: Tensor,
    strides: Tensor,
    targets: Tensor,
    classes: Tensor,
) -> Assignment:
    """Assign the cells of one picture to its objects.

    Args:
        logits: (A, C) scores before the sigmoid.
        boxes: (A, 4) present boxes x1 y1 x2 y2 in pixels.
        corners: (A, 2) column and row of each cell.
        strides: (A, 1) stride of each cell in pixels.
        targets: (N, 4) boxes of the objects in pixels.
        classes: (N,) class of each object.
    """
    centres = (corners + 0.5) * strides  # (A, 2)
    inside = _inside(centres, targets[:, None, :2], targets[:, None, 2:])  # (N, A)
    middle = (targets[:, :2] + targets[:, 2:])[:, None] / 2  # (N, 1, 2)
    reach = CENTRE_RADIUS * strides  # (A, 1)
    near = _inside(centres, middle - reach, middle + reach)
    candidates = (inside | near).any(dim=0).nonzero()[:, 0]  # (K,)
    if not len(candidates):
        nothing = candidates.new_zeros(0)
        return Assignment(nothing, nothing, boxes.new_zeros(0))
    overlaps = torchvision().ops.box_iou(targets, boxes[candidates])  # (N, K)
    chosen = logits[candidates].float()
    # Cross-entropy with the object's class alone: Σ softplus over the classes, less its logit.
    what = functional.softplus(chosen).sum(dim=1) - chosen[:, classes].T
    where = -torch.log(overlaps + 1e-8)
    off = ~(inside & near)[:, candidates]
    cost = what + _OVERLAP_WEIGHT * where + _OFF_CENTRE * off
    return _cheapest(cost, overlaps, candidates)


def _inside(points: Tensor, low: Tensor, high: Tensor) -> Tensor:
    return ((points > low) & (points < high)).all(dim=-1)


def _cheapest(cost: Tensor, overlaps: Tensor, candidates: Tensor) -> Assignment:
    """Each object takes its k cheapest candidates, k the sum of its best overlaps."""
    count = min(_BEST_OVERLAPS, overlaps.shape[1])
    wanted = overlaps.topk(count, dim=1).values.sum(dim=1).int().clamp(min=1)
    order = cost.topk(count, dim=1, largest=False).indices  # (N, count)
    rank = torch.arange(count, device=cost.device)
    taken = torch.zeros_like(cost, dtype=torch.bool)
    taken.scatter_(1, order, rank < wanted[:, None])
    # A cell that several want goes to the cheapest of those.
    objects = torch.where(taken, cost, torch.inf).argmin(dim=0)
    positive = taken.any(dim=0).nonzero()[:, 0]
    objects = objects[positive]
    return Assignment(candidates[positive], objects, overlaps[objects, positive])
