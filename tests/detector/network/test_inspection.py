"""Which cells made which box, on a network whose answers are known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor

from sightline.detector.network import Network, YoloV1
from sightline.detector.network.inspection import IOU_THRESHOLD, look_inside
from sightline.geometry import iou_matrix

IMAGE = np.full((96, 160, 3), 90, np.uint8)


class Scripted(Network):
    """Says what a test wants of the cells it names, and nothing of the others."""

    said: dict[int, tuple[tuple[float, float, float, float], float, int]]

    def predict(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """The script."""
        cells = len(self.anchors(pictures.shape[2], pictures.shape[3])[0])
        boxes, scores = torch.zeros(1, cells, 4), torch.zeros(1, cells, len(self.class_names))
        for cell, (box, score, kind) in self.said.items():
            boxes[0, cell] = torch.tensor(box)
            scores[0, cell, kind] = score
        return boxes, scores


@pytest.fixture
def scripted() -> Scripted:
    """Two cells for one person, one cell for another, one for a car in the same place."""
    network = Scripted(["person", "car"], "p").eval()
    network.said = {
        0: ((10, 10, 50, 90), 0.6, 0),
        21: ((12, 10, 50, 90), 0.9, 0),
        243: ((100, 20, 140, 80), 0.5, 0),  # the first cells have stride 8: 12 · 20 of them
        300: ((12, 10, 50, 90), 0.7, 1),
        5: ((10, 10, 50, 90), 0.2, 0),  # too weak to fire
    }
    return network


def test_box_has_the_cells_that_found_it_best_first(scripted: Scripted) -> None:
    inside = look_inside(scripted, IMAGE, 128, confidence=0.3)
    assert inside.input_size == (96, 160)
    assert inside.cells == 240 + 60 + 15
    assert [(found.class_index, round(found.score, 2)) for found in inside.found] == [
        (0, 0.9),
        (1, 0.7),
        (0, 0.5),
    ]
    person, car, far = inside.found
    assert person.scores.tolist() == pytest.approx([0.9, 0.6])
    assert person.points.tolist() == [[8 * 1.5, 8 * 1.5], [4, 4]]
    assert person.strides.tolist() == [8, 8]
    assert car.strides.tolist() == [32]
    assert far.points.tolist() == [[16 * 3.5, 8]]


def test_places_are_pixels_of_the_picture(scripted: Scripted) -> None:
    large = IMAGE.repeat(2, axis=0).repeat(2, axis=1)
    inside = look_inside(scripted, large, 128, confidence=0.3)
    assert inside.input_size == (96, 160)
    assert inside.covered == (320.0, 192.0)
    assert inside.found[0].box.tolist() == [24, 20, 100, 180]
    assert inside.found[0].points[1].tolist() == [8, 8]


def test_nothing_fires_without_scores(scripted: Scripted) -> None:
    assert look_inside(scripted, IMAGE, 128, confidence=0.95).found == []


@pytest.mark.parametrize("kind", [Network, YoloV1])
def test_every_cell_that_fires_belongs_to_one_box(kind: type[Network | YoloV1]) -> None:
    torch.manual_seed(3)
    network = kind(["person", "car"], "p").eval()
    if isinstance(network, YoloV1):
        _make_bold(network)
    random = np.random.default_rng(3)
    image: npt.NDArray[np.uint8] = random.integers(0, 256, (90, 150, 3), np.uint8)
    confidence = 0.005
    inside = look_inside(network, image, 128, confidence)
    height, width = inside.input_size
    assert {stride: maps.shape[1:] for stride, maps in inside.features.items()} == {
        stride: (height // stride, width // stride) for stride in inside.features
    }
    for found in inside.found:
        assert (found.scores > confidence).all()
        assert found.scores[0] == found.scores.max() == np.float32(found.score)
    kept = np.stack([found.box for found in inside.found])
    kinds = np.array([found.class_index for found in inside.found])
    overlaps = iou_matrix(kept, kept)[(kinds[:, None] == kinds) & ~np.eye(len(kept), dtype=bool)]
    assert (overlaps <= IOU_THRESHOLD).all()
    assert sum(len(found.points) for found in inside.found) == _firing(network, image, confidence)


def _make_bold(network: YoloV1) -> None:
    """An untrained grid is not confident of anything."""
    with torch.no_grad():
        network.output.bias[[4, 9, 10, 11]] += 0.4  # type: ignore[index]


def _firing(network: Network | YoloV1, image: npt.NDArray[np.uint8], confidence: float) -> int:
    canvas = np.full((96, 160, 3), 114, np.uint8)
    canvas[:96, :160] = cv2.resize(image, (160, 96), interpolation=cv2.INTER_LINEAR)
    with torch.inference_mode():
        pictures = torch.from_numpy(canvas).permute(2, 0, 1)[None].float()
        _, scores = network.predict(pictures)
    return int((scores[0].max(dim=1).values > confidence).sum())


@pytest.mark.parametrize("backbone", ["csp", "resnet18"])
def test_first_filters_are_those_of_the_picture_as_opencv_has_it(backbone: str) -> None:
    network = Network(["person"], "p", backbone).eval()
    own = next(part for part in network.backbone.modules() if isinstance(part, torch.nn.Conv2d))
    with torch.no_grad():
        own.weight.zero_()
        # Blue is the first channel of our own backbone's input and the last of torchvision's.
        own.weight[:, 0 if backbone == "csp" else 2] = 1
    filters = look_inside(network, IMAGE, 128, confidence=0.9).filters
    assert (filters[:, 0] == 1).all()
    assert not filters[:, 1:].any()
