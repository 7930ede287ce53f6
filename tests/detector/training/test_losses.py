"""The loss of the anchor-free network: what teaches, and what must not."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.detector.network.network import Network, cells
from sightline.detector.training.assignment import assign
from sightline.detector.training.examples import Labels
from sightline.detector.training.losses import DetectionLoss, LossWeights, raw_boxes, within

SIZE = (64, 96)
CORNERS, STRIDES = cells(*SIZE)
CENTRES = (CORNERS + 0.5) * STRIDES
CLASSES = 3
OBJECT = [16.0, 8.0, 48.0, 56.0]


def _labels(**fields: object) -> Labels:
    given: dict[str, object] = {
        "boxes": [OBJECT],
        "classes": [0],
        "labelled": [True] * CLASSES,
    }
    return Labels(**(given | fields))  # type: ignore[arg-type]


def _outputs(pictures: int = 1) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(2)
    logits = torch.randn(pictures, len(CENTRES), CLASSES, generator=random) - 2
    raw = torch.randn(pictures, len(CENTRES), 4, generator=random) * 0.3
    return logits.requires_grad_(), raw.requires_grad_()


def _gradients(
    *labels: Labels, late: bool = False, weights: LossWeights | None = None
) -> tuple[Tensor, Tensor]:
    logits, raw = _outputs(len(labels))
    loss = DetectionLoss(weights)((logits, raw), labels, SIZE, late=late)
    loss.total.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert raw.grad is not None
    return logits.grad, raw.grad


def test_a_perfect_prediction_costs_next_to_nothing() -> None:
    raw = raw_boxes(torch.tensor([OBJECT]).repeat(len(CENTRES), 1), CORNERS, STRIDES)[None]
    inside = within(CENTRES, torch.tensor([OBJECT]))[:, 0]
    logits = torch.full((1, len(CENTRES), CLASSES), -12.0)
    labels = [_labels()]
    worst = DetectionLoss()((logits, raw), labels, SIZE, late=True)
    # Ten cells answer for it: those at which it is cheapest.
    boxes = Network.decode(raw, *SIZE)[0]
    match = assign(logits[0], boxes, CORNERS, STRIDES, torch.tensor([OBJECT]), torch.tensor([0]))
    assert inside[match.cells].all()
    logits[0, match.cells, 0] = 12.0
    best = DetectionLoss()((logits, raw), labels, SIZE, late=True)
    assert best.total < 0.01
    assert worst.total > 5
    assert best.positives == 10


def test_the_total_is_the_sum_of_its_parts() -> None:
    loss = DetectionLoss()(_outputs(2), [_labels(), _labels(boxes=[], classes=[])], SIZE, late=True)
    assert loss.total.item() == pytest.approx(sum(part.item() for part in loss.parts.values()))
    assert min(part.item() for part in loss.parts.values()) > 0


def test_a_class_that_is_not_labelled_teaches_nothing() -> None:
    gradient, _ = _gradients(_labels(labelled=[True, False, True]))
    assert gradient[0, :, 1].abs().max() == 0
    assert (gradient[0, :, [0, 2]] != 0).all()


def test_an_object_of_a_class_that_is_not_labelled_is_an_object_all_the_same() -> None:
    gradient, raw = _gradients(_labels(classes=[1], labelled=[True, False, True]))
    taught = gradient[0, :, 1] != 0
    assert 1 <= taught.sum() <= 10
    assert (raw[0].abs().sum(dim=1) != 0).equal(taught)


def test_an_ignored_region_teaches_nothing_of_its_class() -> None:
    region = [60.0, 0.0, 96.0, 64.0]
    there = within(CENTRES, torch.tensor([region]))[:, 0]
    gradient, raw = _gradients(_labels(ignore=[region], ignore_classes=[2]))
    assert gradient[0, there, 2].abs().max() == 0
    assert (gradient[0, there, :2] != 0).all()
    every, raw = _gradients(_labels(ignore=[region]))
    assert every[0, there].abs().max() == 0
    assert raw[0, there].abs().max() == 0
    assert (every[0, ~there] != 0).any(dim=1).sum() > 20


def test_a_box_that_lies_in_an_ignored_region_teaches_nothing_wherever_its_cell_is() -> None:
    region = [64.0, 0.0, 96.0, 32.0]
    logits, raw = _outputs()
    with torch.no_grad():
        raw[0, 0] = raw_boxes(torch.tensor([[70.0, 4, 90, 28]]), CORNERS[:1], STRIDES[:1])[0]
    loss = DetectionLoss()((logits, raw), [_labels(ignore=[region])], SIZE)
    loss.total.backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad[0, 0].abs().max() == 0


def test_an_object_in_an_ignored_region_is_learnt() -> None:
    gradient, raw = _gradients(_labels(ignore=[[0, 0, 96, 64]]))
    taught = (gradient[0] != 0).any(dim=1)
    assert 1 <= taught.sum() <= 10
    assert (gradient[0, taught][:, 1:] == 0).all()
    assert (raw[0, taught] != 0).any(dim=1).all()


def test_uncertain_background_counts_less() -> None:
    sure, _ = _gradients(_labels())
    unsure, _ = _gradients(_labels(uncertain=[[0, 0, 96, 64]]), weights=LossWeights(uncertain=0.25))
    ratio = (unsure / sure)[0, :, 1]
    torch.testing.assert_close(ratio, torch.full_like(ratio, 0.25))


def test_a_picture_without_objects_teaches_that_all_is_background() -> None:
    gradient, raw = _gradients(_labels(boxes=[], classes=[]))
    assert (gradient > 0).all()
    assert raw.abs().max() == 0


def test_pictures_do_not_meddle_with_each_other() -> None:
    empty = _labels(boxes=[], classes=[], ignore=[[0, 0, 96, 64]])
    gradient, raw = _gradients(_labels(), empty)
    assert gradient[1].abs().max() == 0
    assert raw[1].abs().max() == 0
    assert gradient[0].abs().max() > 0


def test_objects_that_a_teacher_is_less_sure_of_pull_less() -> None:
    two = {"boxes": [OBJECT, [60, 8, 90, 56]], "classes": [0, 0]}
    _, equal = _gradients(_labels(**two))
    _, unequal = _gradients(_labels(**two, weights=[1.0, 0.5]))
    right = CENTRES[:, 0] > 56
    pull = [float(g[0, right].norm() / g[0, ~right].norm()) for g in (equal, unequal)]
    assert pull[1] == pytest.approx(0.5 * pull[0], rel=1e-4)


def test_the_distance_counts_late_only() -> None:
    outputs = _outputs()
    early = DetectionLoss()(outputs, [_labels()], SIZE)
    late = DetectionLoss()(outputs, [_labels()], SIZE, late=True)
    assert early.parts["distance"] == 0
    assert late.total.item() == pytest.approx((early.total + late.parts["distance"]).item())


def test_wild_outputs_and_odd_boxes_give_finite_losses() -> None:
    random = np.random.default_rng(1)
    logits = torch.tensor(random.normal(0, 60, (1, len(CENTRES), CLASSES)), dtype=torch.float32)
    raw = torch.tensor(random.normal(0, 30, (1, len(CENTRES), 4)), dtype=torch.float32)
    logits.requires_grad_()
    raw.requires_grad_()
    thin = [[10.0, 10, 10.001, 40], [0, 0, 96, 64], [95.9, 63.9, 96, 64]]
    loss = DetectionLoss()((logits, raw), [_labels(boxes=thin, classes=[0, 1, 2])], SIZE, late=True)
    loss.total.backward()  # type: ignore[no-untyped-call]
    assert loss.total.isfinite()
    assert logits.grad is not None
    assert raw.grad is not None
    assert logits.grad.isfinite().all()
    assert raw.grad.isfinite().all()
