"""SimOTA on grids small enough to check by hand."""

from __future__ import annotations

import torch
from torch import Tensor

from sightline.detector.network.network import cells
from sightline.detector.training.assignment import Assignment, assign

CORNERS, STRIDES = cells(64, 64)  # 64 + 16 + 4 cells
CENTRES = (CORNERS + 0.5) * STRIDES


def _assign(
    targets: list[list[float]],
    boxes: Tensor | None = None,
    logits: Tensor | None = None,
    classes: list[int] | None = None,
) -> Assignment:
    if boxes is None:  # every cell says: a square of my own stride
        boxes = torch.cat([CENTRES - STRIDES / 2, CENTRES + STRIDES / 2], dim=1)
    if logits is None:
        logits = torch.zeros(len(CENTRES), 2)
    kinds = torch.tensor(classes or [0] * len(targets))
    return assign(logits, boxes, CORNERS, STRIDES, torch.tensor(targets), kinds)


def _boxes(places: dict[int, list[float]]) -> Tensor:
    """Boxes that overlap nothing, but for these cells."""
    boxes = torch.tensor([1000.0, 1000.0, 1001.0, 1001.0]).repeat(len(CENTRES), 1)
    for cell, box in places.items():
        boxes[cell] = torch.tensor(box)
    return boxes


def test_a_cell_with_the_very_box_answers_for_the_object() -> None:
    match = _assign([[16, 16, 24, 24]])
    assert match.cells.tolist() == [2 * 8 + 2]
    assert match.overlaps.tolist() == [1.0]


def test_as_many_cells_as_the_best_overlaps_sum_to() -> None:
    target = [8.0, 8.0, 40.0, 40.0]
    middle = [3 * 8 + 2, 3 * 8 + 3, 2 * 8 + 2, 2 * 8 + 3]
    half = [8.0, 8.0, 40.0, 24.0]
    match = _assign([target], _boxes({**dict.fromkeys(middle[:3], target), middle[3]: half}))
    assert sorted(match.cells.tolist()) == sorted(middle[:3])  # 1 + 1 + 1 + 0.5, cut to 3
    assert match.overlaps.tolist() == [1.0, 1.0, 1.0]


def test_an_object_that_no_box_overlaps_still_gets_a_cell() -> None:
    match = _assign([[16, 16, 48, 48]], _boxes({}))
    assert len(match.cells) == 1
    assert match.overlaps.tolist() == [0.0]


def test_cells_near_the_middle_come_before_cells_at_the_rim() -> None:
    target = [0.0, 0.0, 64.0, 64.0]
    rim, near = 0, 4 * 8 + 4
    worse = [0.0, 0.0, 64.0, 60.0]
    match = _assign([target], _boxes({rim: target, near: worse}))
    assert near in match.cells.tolist()
    assert rim not in match.cells.tolist()


def test_an_object_smaller_than_a_cell_is_not_lost() -> None:
    match = _assign([[17, 17, 19, 19]])  # no centre of a cell lies in it
    assert len(match.cells) == 1
    assert (CENTRES[match.cells[0]] - 18).abs().max() < 2.5 * STRIDES[match.cells[0]]


def test_a_cell_that_two_objects_want_goes_to_the_cheaper() -> None:
    cell = 3 * 8 + 3
    first, second = [20.0, 20.0, 36.0, 36.0], [22.0, 22.0, 38.0, 38.0]
    match = _assign([first, second], _boxes({cell: second}))
    owner = dict(zip(match.cells.tolist(), match.objects.tolist(), strict=True))
    assert owner[cell] == 1
    assert len(set(match.cells.tolist())) == len(match.cells)


def test_the_class_score_decides_between_equal_boxes() -> None:
    target = [16.0, 16.0, 48.0, 48.0]
    cells_of = [3 * 8 + 3, 4 * 8 + 4]
    half = [16.0, 16.0, 48.0, 32.0]
    logits = torch.zeros(len(CENTRES), 2)
    logits[cells_of[0], 0], logits[cells_of[1], 1] = 4.0, 4.0
    for kind in (0, 1):
        match = _assign([target], _boxes(dict.fromkeys(cells_of, half)), logits, [kind])
        assert match.cells.tolist() == [cells_of[kind]]


def test_objects_outside_the_picture_take_nothing() -> None:
    match = _assign([[500, 500, 520, 520]])
    assert len(match.cells) == len(match.objects) == len(match.overlaps) == 0


def test_no_gradient_flows_through_the_assignment() -> None:
    logits = torch.zeros(len(CENTRES), 2, requires_grad=True)
    assert not _assign([[16, 16, 40, 40]], logits=logits).overlaps.requires_grad
