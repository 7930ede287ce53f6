"""The anchor-free network: shapes, sizes, boxes, gradients."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from sightline.detector.network import Network
from sightline.detector.network.network import cells
from sightline.detector.network.scales import SCALES, ScaleName
from sightline.detector.training.losses import raw_boxes
from sightline.errors import InputError

CLASSES = ("person", "car", "bus")
BACKBONES = ("csp", "mobilenet_v2", "mobilenet_v3_small", "resnet18")


def _parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _pictures(height: int = 64, width: int = 96, batch: int = 2) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(3)) * 255


@pytest.mark.parametrize("scale", SCALES)
def test_each_scale_sees_every_cell_of_its_three_strides(scale: ScaleName) -> None:
    network = Network(CLASSES, scale).eval()
    with torch.inference_mode():
        features = network.backbone(_pictures())
        necks = network.features(_pictures())
        logits, raw = network(_pictures())
    stages, neck = SCALES[scale].stages, SCALES[scale].neck
    for place, (stride, feature) in enumerate(zip((8, 16, 32), features, strict=True)):
        assert feature.shape == (2, stages[2 + place], 64 // stride, 96 // stride)
        assert necks[stride].shape == (2, neck[place], 64 // stride, 96 // stride)
    count = 8 * 12 + 4 * 6 + 2 * 3
    assert logits.shape == (2, count, 3)
    assert raw.shape == (2, count, 4)
    assert (logits.sigmoid().mean() - 0.01).abs() < 0.01, "every class starts with its prior"


@pytest.mark.parametrize(("scale", "most"), [("p", 1_000_000), ("n", 2_600_000)])
def test_the_small_scales_keep_their_budget(scale: ScaleName, most: int) -> None:
    assert _parameters(Network(CLASSES * 2, scale)) <= most


def test_each_scale_is_larger_than_the_one_before() -> None:
    with torch.device("meta"):
        counts = [_parameters(Network(CLASSES, scale)) for scale in SCALES]
    assert counts == sorted(set(counts))


@pytest.mark.parametrize("backbone", BACKBONES)
def test_gradients_flow_to_every_parameter(backbone: str) -> None:
    network = Network(CLASSES, "p", backbone).train()
    logits, raw = network(_pictures())
    (logits.square().sum() + raw.square().sum()).backward()
    dead = [
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert dead == []


def test_a_picture_s_result_does_not_depend_on_its_batch() -> None:
    network = Network(CLASSES, "p").eval()
    with torch.inference_mode():
        together, _ = network(_pictures())
        alone, _ = network(_pictures()[:1])
    torch.testing.assert_close(together[:1], alone, rtol=1e-4, atol=1e-4)


def test_dropout_acts_in_training_only() -> None:
    network = Network(CLASSES, "p", dropout=0.5)
    network.eval()
    with torch.inference_mode():
        assert torch.equal(network(_pictures())[0], network(_pictures())[0])
        network.head.train()
        assert not torch.equal(network(_pictures())[0], network(_pictures())[0])


def test_cells_are_counted_row_by_row_from_the_finest_stride() -> None:
    corners, strides = cells(64, 32)
    assert corners[:5].tolist() == [[0, 0], [1, 0], [2, 0], [3, 0], [0, 1]]
    assert strides[:, 0].tolist() == [8.0] * 32 + [16.0] * 8 + [32.0] * 2
    centres, _ = Network(CLASSES, "p").anchors(64, 32)
    assert centres[[0, 1, 32, 40, 41]].tolist() == [[4, 4], [12, 4], [8, 8], [16, 16], [16, 48]]


@given(
    st.integers(0, 8 * 12 + 4 * 6 + 2 * 3 - 1),
    st.tuples(*[st.floats(-50, 150)] * 2),
    st.tuples(*[st.floats(0.5, 400)] * 2),
)
def test_decoding_undoes_the_raw_box_of_every_cell(
    cell: int, centre: tuple[float, float], sides: tuple[float, float]
) -> None:
    corners, strides = cells(64, 96)
    middle, half = torch.tensor(centre), torch.tensor(sides) / 2
    wanted = torch.cat([middle - half, middle + half])[None]
    raw = torch.zeros(1, len(corners), 4)
    raw[0, cell] = raw_boxes(wanted, corners[cell], strides[cell])[0]
    decoded = Network.decode(raw, 64, 96)[0, cell]
    torch.testing.assert_close(decoded, wanted[0], rtol=1e-4, atol=1e-3)


def test_prediction_is_decoded_scores_and_boxes() -> None:
    network = Network(CLASSES, "p").eval()
    with torch.inference_mode():
        boxes, scores = network.predict(_pictures())
        logits, raw = network(_pictures())
    torch.testing.assert_close(scores, logits.sigmoid())
    torch.testing.assert_close(boxes, Network.decode(raw, 64, 96))
    assert (boxes[..., 2:] > boxes[..., :2]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((), "p"), "one class at least"),
        ((CLASSES, "x"), "scale 'x': expected one of p, n, s, m, l"),
        ((CLASSES, "p", "mobilenet"), "backbone 'mobilenet': neither csp nor"),
        ((CLASSES, "p", "squeezenet1_0"), "do not give features at strides 8, 16 and 32"),
    ],
)
def test_what_cannot_be_built_is_refused(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Network(*arguments)  # type: ignore[arg-type]
