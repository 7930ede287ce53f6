"""The teaching head: one grid, two boxes a cell."""

from __future__ import annotations

import pytest
import torch

from sightline.detector.network.yolov1 import Grid, YoloV1


@pytest.fixture(scope="module")
def network() -> YoloV1:
    """Two classes, random weights."""
    torch.manual_seed(0)
    return YoloV1(["person", "car"], "p").eval()


def test_cell_says_ten_numbers_for_its_boxes_and_one_for_each_class(network: YoloV1) -> None:
    assert network(torch.zeros(3, 3, 64, 96)).shape == (3, 2, 3, 10 + 2)


def test_numbers_are_read_box_by_box() -> None:
    grid = Grid.read(torch.arange(12.0).reshape(1, 1, 1, 12))
    assert grid.places[0, 0, 0].tolist() == [[0, 1], [5, 6]]
    assert grid.roots[0, 0, 0].tolist() == [[2, 3], [7, 8]]
    assert grid.confidences[0, 0, 0].tolist() == [4, 9]
    assert grid.classes[0, 0, 0].tolist() == [10, 11]


def test_sides_are_squares_of_the_roots_as_shares_of_the_picture() -> None:
    raw = torch.zeros(1, 2, 4, 11)  # 64 pixels high, 128 wide
    raw[0, 1, 2, :4] = torch.tensor([0.5, 0.25, 0.5, 1.0])
    box = Grid.read(raw).boxes()[0, 1, 2, 0]
    # Middle at (2.5 · 32, 1.25 · 32); a quarter of 128 wide, all of 64 high.
    assert box.tolist() == [80 - 16, 40 - 32, 80 + 16, 40 + 32]


def test_score_is_confidence_times_class_probability(network: YoloV1) -> None:
    with torch.no_grad():
        network.output.weight.zero_()
        network.output.bias.copy_(  # type: ignore[union-attr]
            torch.tensor([0.5, 0.5, 0.5, 0.5, 0.8, 0.5, 0.5, 0.5, 0.5, -0.1, 0.25, 1.5])
        )
    boxes, scores = network.predict(torch.zeros(1, 3, 64, 64))
    assert boxes.shape == (1, 8, 4)
    # Squared error leaves outputs free to pass 0 and 1; scores never do.
    assert scores[0, 0].tolist() == pytest.approx([0.8 * 0.25, 0.8])
    assert scores[0, 1].tolist() == [0, 0]


def test_anchors_are_the_cells_of_the_boxes(network: YoloV1) -> None:
    boxes, _ = network.predict(torch.rand(1, 3, 96, 64))
    centres, strides = network.anchors(96, 64)
    assert len(centres) == len(strides) == boxes.shape[1]
    assert centres[:3].tolist() == [[16, 16], [16, 16], [48, 16]]
    assert set(strides.tolist()) == {32}


@pytest.mark.parametrize("backbone", ["csp", "mobilenet_v3_small"])
def test_features_are_what_the_last_layer_sees(backbone: str) -> None:
    features = YoloV1(["person"], "p", backbone).eval().features(torch.zeros(1, 3, 64, 96))
    assert {stride: tuple(seen.shape[2:]) for stride, seen in features.items()} == {32: (2, 3)}
