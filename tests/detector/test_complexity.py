from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from sightline.detector.complexity import complexity_facts, measure
from sightline.inference import Session


def made_network(*nodes: onnx.NodeProto, kernels: dict[str, tuple[int, ...]]) -> onnx.ModelProto:
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info("pictures", kind, ["batch", 3, "height", "width"])],
        [helper.make_tensor_value_info("output", kind, None)],
        initializer=[
            numpy_helper.from_array(np.zeros(shape, np.float32), name)
            for name, shape in kernels.items()
        ],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)


def convolution(source: str, kernel: str, target: str, side: int, stride: int) -> onnx.NodeProto:
    pads = [side // 2] * 4
    return helper.make_node(
        "Conv", [source, kernel], [target], kernel_shape=[side] * 2, strides=[stride] * 2, pads=pads
    )


def test_two_layers_by_hand() -> None:
    made = made_network(
        convolution("pictures", "first", "middle", 3, 2),
        convolution("middle", "second", "output", 5, 2),
        kernels={"first": (8, 3, 3, 3), "second": (4, 8, 5, 5)},
    )
    found = measure(made, 64, 96)
    assert found.parameters == 8 * 3 * 9 + 4 * 8 * 25
    assert found.operations == 2 * (8 * 27 * 32 * 48 + 4 * 200 * 16 * 24)
    assert found.receptive_fields == {4: 3 + 4 * 2}


def test_a_pool_of_the_whole_picture_sees_it() -> None:
    made = made_network(
        convolution("pictures", "first", "middle", 3, 2),
        helper.make_node("GlobalAveragePool", ["middle"], ["mean"]),
        helper.make_node("Mul", ["middle", "mean"], ["gated"]),
        convolution("gated", "second", "output", 1, 1),
        kernels={"first": (8, 3, 3, 3), "second": (4, 8, 1, 1)},
    )
    found = measure(made, 64, 64)
    assert found.receptive_fields == {2: math.inf}
    assert json.loads(complexity_facts(found)["receptive_field"]) == {"2": "whole picture"}


def test_our_own_network_says_how_large_it_is(network: Any, exported: Path) -> None:
    torch = pytest.importorskip("torch")
    facts = Session(exported, "cpu").metadata
    norms = [m for m in network.modules() if isinstance(m, torch.nn.BatchNorm2d)]
    # Exported, a norm's two numbers a channel have become one bias.
    trained = sum(p.numel() for p in network.parameters()) - sum(m.num_features for m in norms)
    assert int(facts["parameters"]) == trained
    assert 0.05 < float(facts["gflops"]) < 1
    fields = json.loads(facts["receptive_field"])
    assert list(fields) == ["8", "16", "32"]
    assert fields["8"] > 100
