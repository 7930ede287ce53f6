"""The loss of the first YOLO: each term by numbers worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from sightline.detector.network.yolov1 import YoloV1
from sightline.detector.training.examples import Labels
from sightline.detector.training.yolov1_loss import YoloV1Loss, YoloV1Weights

SIZE = (64, 64)
EVERY = (True, True)


@pytest.fixture
def outputs() -> Tensor:
    """A grid of 2x2 cells and two classes; the cell at the bottom left sees something."""
    raw = torch.zeros(1, 2, 2, 12)
    raw[0, 1, 0] = torch.tensor(
        [
            *(0.5, 0.5, 0.25, 0.25, 0.5),  # 4x4 pixels around (16, 48)
            *(0.5, 0.5, 0.5, 0.5, 0.25),  # 16x16 around the same
            *(0.25, 0.5),
        ]
    )
    raw[0, 0, 1, 4] = 0.4  # a confidence where nothing is
    return raw


@pytest.fixture
def labels() -> Labels:
    """An object of class 1, 32x16 pixels around (24, 48): x .75, y .5, w .5, h .25."""
    return Labels([(8, 40, 40, 56)], [1], EVERY)


@pytest.mark.parametrize(
    ("term", "value"),
    [
        ("xy", 5 * ((0.75 - 0.5) ** 2 + 0)),
        ("wh", 5 * ((0.5**0.5 - 0.5) ** 2 + (0.25**0.5 - 0.5) ** 2)),
        ("object", (256 / 512 - 0.25) ** 2),  # 16x16 pixels of the object's 32x16
        ("no_object", 0.5 * (0.5**2 + 0.4**2)),  # the cell's other box, and the empty cell's
        ("classes", (0 - 0.25) ** 2 + (1 - 0.5) ** 2),
    ],
)
def test_term_has_the_value_of_the_paper(
    outputs: Tensor, labels: Labels, term: str, value: float
) -> None:
    losses = YoloV1Loss()(outputs, [labels], SIZE)
    assert float(losses.parts[term]) == pytest.approx(value, rel=1e-6)
    assert losses.positives == 1


def test_total_is_the_sum_of_the_terms(outputs: Tensor, labels: Labels) -> None:
    losses = YoloV1Loss()(outputs, [labels], SIZE)
    assert float(losses.total) == pytest.approx(sum(float(part) for part in losses.parts.values()))


def test_weights_are_those_of_the_recipe(outputs: Tensor, labels: Labels) -> None:
    ours = YoloV1Loss(YoloV1Weights(lambda_coord=1, lambda_noobj=2))(outputs, [labels], SIZE)
    papers = YoloV1Loss()(outputs, [labels], SIZE)
    for term, factor in {"xy": 1 / 5, "wh": 1 / 5, "no_object": 4, "object": 1}.items():
        assert float(ours.parts[term]) == pytest.approx(factor * float(papers.parts[term]))


def test_batch_counts_as_the_mean_of_its_pictures(outputs: Tensor, labels: Labels) -> None:
    nothing = Labels([], [], EVERY)
    alone = YoloV1Loss()(outputs, [labels], SIZE)
    both = YoloV1Loss()(torch.cat([outputs, torch.zeros_like(outputs)]), [labels, nothing], SIZE)
    assert float(both.total) == pytest.approx(float(alone.total) / 2)


def test_same_error_counts_more_in_a_small_box() -> None:
    def loss_of(side: float) -> float:
        raw = torch.zeros(1, 2, 2, 12)
        raw[..., 2:4] = raw[..., 7:9] = ((side + 4) / 64) ** 0.5
        label = Labels([(16 - side / 2, 16 - side / 2, 16 + side / 2, 16 + side / 2)], [0], EVERY)
        return float(YoloV1Loss()(raw, [label], SIZE).parts["wh"])

    assert loss_of(4) > 2 * loss_of(16)


def test_confidence_learns_the_overlap_and_does_not_move_the_box(
    outputs: Tensor, labels: Labels
) -> None:
    outputs.requires_grad_()
    YoloV1Loss(YoloV1Weights(lambda_coord=0))(outputs, [labels], SIZE).total.backward()  # type: ignore[no-untyped-call]
    assert outputs.grad is not None
    assert outputs.grad[0, 1, 0, 5:9].tolist() == [0, 0, 0, 0]
    assert float(outputs.grad[0, 1, 0, 9]) == pytest.approx(2 * (0.25 - 0.5))


def test_cell_answers_for_the_largest_of_its_objects(outputs: Tensor, labels: Labels) -> None:
    both = Labels([(10, 42, 14, 46), (8, 40, 40, 56)], [0, 1], EVERY)
    one, two = (YoloV1Loss()(outputs, [each], SIZE) for each in (labels, both))
    assert float(two.total) == float(one.total)
    assert two.positives == 1


def test_object_counts_by_its_weight(outputs: Tensor, labels: Labels) -> None:
    half = Labels(labels.boxes, labels.classes, EVERY, weights=[0.5])
    whole, part = (YoloV1Loss()(outputs, [each], SIZE).parts for each in (labels, half))
    for term in ("xy", "wh", "object", "classes"):
        assert float(part[term]) == pytest.approx(float(whole[term]) / 2)
    assert float(part["no_object"]) == float(whole["no_object"])


@pytest.mark.parametrize(
    ("unknown", "left"),
    [
        ({"ignore": [(32, 0, 64, 32)]}, 0.5**2),  # holds the empty cell that is confident
        ({"ignore": [(32, 0, 64, 32)], "ignore_classes": [0]}, 0.5**2),
        ({"ignore": [(14, 46, 18, 50)]}, 0.4**2),  # covers the cell's smaller box
        ({"uncertain": [(32, 0, 64, 32)]}, 0.5**2 + 0.3 * 0.4**2),
        ({"labelled": (False, True)}, 0.0),
    ],
)
def test_background_is_learnt_where_the_labels_are_complete(
    outputs: Tensor, labels: Labels, unknown: dict[str, object], left: float
) -> None:
    fields: dict[str, object] = {"labelled": EVERY} | unknown
    partial = Labels(labels.boxes, labels.classes, **fields)  # type: ignore[arg-type]
    losses = YoloV1Loss()(outputs, [partial], SIZE)
    assert float(losses.parts["no_object"]) == pytest.approx(0.5 * left)
    assert float(losses.parts["object"]) == pytest.approx(0.0625)


def test_pictures_without_objects_have_a_loss_to_learn_from(outputs: Tensor) -> None:
    outputs.requires_grad_()
    losses = YoloV1Loss()(outputs, [Labels([], [], EVERY)], SIZE)
    losses.total.backward()  # type: ignore[no-untyped-call]
    assert losses.positives == 0
    assert losses.total.item() == pytest.approx(0.5 * (0.5**2 + 0.25**2 + 0.4**2))


coordinate = st.floats(1, 95, width=32)


@settings(max_examples=60)
@given(
    corners=st.tuples(coordinate, coordinate, coordinate, coordinate),
    kind=st.integers(0, 1),
    rows=st.integers(2, 3),
)
def test_right_answer_costs_nothing(
    corners: tuple[float, float, float, float], kind: int, rows: int
) -> None:
    height, width = 32 * rows, 96
    xs, ys = sorted(corners[:2]), sorted(corners[2:])
    box = (xs[0], ys[0] * rows / 3, xs[1] + 1, ys[1] * rows / 3 + 1)
    x, y = (box[0] + box[2]) / 2 / 32, (box[1] + box[3]) / 2 / 32
    column, row = min(int(x), 2), min(int(y), rows - 1)
    raw = torch.zeros(1, rows, 3, 12)
    raw[0, row, column, :5] = torch.tensor(
        [
            *(x - column, y - row),
            *(((box[2] - box[0]) / width) ** 0.5, ((box[3] - box[1]) / height) ** 0.5),
            1.0,
        ]
    )
    raw[0, row, column, 10 + kind] = 1.0
    losses = YoloV1Loss()(raw, [Labels([box], [kind], EVERY)], (height, width))
    assert float(losses.total) == pytest.approx(0, abs=1e-4)


@settings(max_examples=60)
@given(
    numbers=st.lists(st.floats(-2, 2, width=32), min_size=48, max_size=48),
    box=st.tuples(coordinate, coordinate).map(lambda p: (p[0] / 2, p[1] / 2)),
)
def test_terms_are_never_negative_and_always_finite(
    numbers: list[float], box: tuple[float, float]
) -> None:
    raw = torch.tensor(numbers).reshape(1, 2, 2, 12).requires_grad_()
    label = Labels([(box[0], box[1], box[0] + 9, box[1] + 7)], [0], EVERY)
    losses = YoloV1Loss()(raw, [label], SIZE)
    losses.total.backward()  # type: ignore[no-untyped-call]
    assert all(float(part) >= 0 for part in losses.parts.values())
    assert raw.grad is not None
    assert bool(raw.grad.isfinite().all())


@pytest.fixture
def pictures() -> Callable[[], tuple[Tensor, list[Labels]]]:
    """Four pictures, each with a bright or a dark thing on noise."""

    def make() -> tuple[Tensor, list[Labels]]:
        random = np.random.default_rng(5)
        images = random.integers(90, 140, (4, 64, 64, 3)).astype(np.float32)
        found = []
        for number, (x, y) in enumerate([(4, 4), (36, 6), (8, 34), (30, 38)]):
            images[number, y : y + 22, x : x + 16] = 255 if number % 2 else 0
            found.append(Labels([(x, y, x + 16, y + 22)], [number % 2], EVERY))
        return torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), found

    return make


def test_four_pictures_are_learnt_by_heart(
    pictures: Callable[[], tuple[Tensor, list[Labels]]],
) -> None:
    torch.manual_seed(0)
    x, labels = pictures()
    network, loss = YoloV1(["dark", "bright"], "p"), YoloV1Loss()
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for _ in range(80):
        losses = loss(network(x), labels, SIZE)
        optimizer.zero_grad()
        losses.total.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    with torch.no_grad():
        boxes, scores = network.predict(x)  # as trained: running statistics need more steps
    for picture, label in enumerate(labels):
        best = int(scores[picture].max(dim=1).values.argmax())
        assert int(scores[picture, best].argmax()) == label.classes[0]
        assert float(scores[picture, best].max()) > 0.5
        assert np.abs(boxes[picture, best].numpy() - label.boxes[0]).max() < 4
