"""INT8 keeps what the network sees, and its first layer computes the same on groups of pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from sightline.detector import Detector
from sightline.errors import InputError, ModelError
from sightline.geometry import iou_matrix
from sightline.inference import Session
from sightline.structures import Frame


@pytest.fixture(scope="module")
def quantised(
    exported: Path, street: list[Frame], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    from sightline.detector.quantization import quantize

    path = tmp_path_factory.mktemp("quantised") / "own-int8.onnx"
    quantize(exported, path, street, "minmax")
    return path


def test_int8_sees_what_float_sees(exported: Path, quantised: Path, street: list[Frame]) -> None:
    whole, coarse = (Detector(path, "cpu", confidence=0.4) for path in (exported, quantised))
    for one, other in zip(whole.detect(street), coarse.detect(street), strict=True):
        overlap = iou_matrix(one.boxes, other.boxes)
        assert (overlap.max(axis=1) > 0.7).mean() > 0.8


def test_the_file_is_small_and_keeps_its_metadata(exported: Path, quantised: Path) -> None:
    assert quantised.stat().st_size < exported.stat().st_size / 2
    before, after = (Session(path, "cpu").metadata for path in (exported, quantised))
    assert before.items() <= after.items()
    assert after["precision"] == "int8"
    assert after["calibration"] == "minmax, 3 pictures"


def test_layers_are_int8_and_scores_and_boxes_are_float(quantised: Path) -> None:
    graph = onnx.load(str(quantised)).graph
    makers = {output: node for node in graph.node for output in node.output}
    layers = [node for node in graph.node if node.op_type == "Conv"]
    in_float = [layer for layer in layers if layer.input[1] not in makers]
    assert len(in_float) == 6  # scores and boxes of three grids
    for layer in layers:
        assert makers[layer.input[0]].op_type == "DequantizeLinear"
        if layer not in in_float:
            assert makers[layer.input[1]].op_type == "DequantizeLinear"
    quantised_tensors = {node.input[0] for node in graph.node if node.op_type == "QuantizeLinear"}
    results = {"network/logits", "network/raw", "boxes", "scores"}
    assert not quantised_tensors & (results | {layer.output[0] for layer in in_float})


def test_weights_are_quantised_per_channel(quantised: Path) -> None:
    graph = onnx.load(str(quantised)).graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    layer = next(node for node in graph.node if node.op_type == "Conv")
    kernel = makers[layer.input[1]]
    assert weights[kernel.input[0]].data_type == onnx.TensorProto.INT8
    assert list(weights[kernel.input[1]].dims) == list(weights[kernel.input[0]].dims[:1])


def test_only_our_own_float_exports_are_taken(
    quantised: Path, shared: Path, street: list[Frame], tmp_path: Path
) -> None:
    from sightline.detector.quantization import quantize

    with pytest.raises(ModelError, match="quantised already"):
        quantize(quantised, tmp_path / "out.onnx", street)
    with pytest.raises(ModelError, match="not one of Sightline's own exports"):
        quantize(shared / "weights" / "yolox_nano_416.onnx", tmp_path / "out.onnx", street)
    with pytest.raises(InputError, match="needs pictures"):
        quantize(quantised, tmp_path / "out.onnx", [])
    assert not (tmp_path / "out.onnx").exists()


def test_the_first_layer_on_groups_gives_the_same_boxes(
    exported: Path, street: list[Frame], tmp_path: Path
) -> None:
    from sightline.detector.stem import rewrite_stem

    path = tmp_path / "grouped.onnx"
    onnx.save(rewrite_stem(onnx.load(str(exported))), str(path))
    plain, grouped = (Detector(file, "cpu", confidence=0.3) for file in (exported, path))
    for one, other in zip(plain.detect(street), grouped.detect(street), strict=True):
        assert len(one) == len(other) > 0
        distances = np.abs(one.boxes[:, None] - other.boxes[None]).max(axis=2)
        assert distances.min(axis=1).max() < 0.01  # almost equal scores may change places
    layers = [node for node in onnx.load(str(path)).graph.node if node.op_type == "Conv"]
    strides = {a.name: list(a.ints) for a in layers[0].attribute}["strides"]
    assert strides == [2, 1]


def test_another_first_layer_is_left_alone(exported: Path) -> None:
    from sightline.detector.stem import rewrite_stem

    model = onnx.load(str(exported))
    layer = next(node for node in model.graph.node if node.op_type == "Conv")
    next(a for a in layer.attribute if a.name == "strides").ints[:] = [1, 1]
    assert rewrite_stem(model) == model
