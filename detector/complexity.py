"""How large a network is, what a picture costs it, and how far its cells see: a walk over ONNX."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass

import onnx
from onnx import helper

__all__ = ["Complexity", "complexity_facts", "measure"]


@dataclass(frozen=True, slots=True)
class Complexity:
    """What `measure` finds.

    Args:
        parameters: Numbers that training has found.
        operations: Multiplications and additions for one picture, in convolutions.
        receptive_fields: By stride, the side in pixels of what a cell can see at most; infinite
            where it is the whole picture.
    """

    parameters: int
    operations: int
    receptive_fields: dict[int, float]


@dataclass(frozen=True, slots=True)
class _View:
    """What one position of a tensor sees: a side in pixels, and the step to its neighbour."""

    side: float = 1.0
    step: float = 1.0


def measure(network: onnx.ModelProto, height: int, width: int) -> Complexity:
    """Measure a network of convolutions for a size of picture.

    Args:
        network: Takes one input (B, 3, H, W).
        height: Height of the picture in pixels.
        width: Width of the picture in pixels.
    """
    sized = onnx.ModelProto()
    sized.CopyFrom(network)
    (pictures,) = sized.graph.input
    for dimension, side in zip(
        pictures.type.tensor_type.shape.dim, (1, 3, height, width), strict=True
    ):
        dimension.dim_value = side
    del sized.graph.value_info[:]
    graph = onnx.shape_inference.infer_shapes(sized, data_prop=True).graph
    shapes = {
        info.name: [dimension.dim_value for dimension in info.type.tensor_type.shape.dim]
        for info in (*graph.value_info, *graph.output)
    }
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    layers = [node for node in graph.node if node.op_type == "Conv"]
    return Complexity(
        # By layer: an exporter may let two layers share numbers that happen to be equal.
        parameters=sum(math.prod(weights[name]) for node in layers for name in node.input[1:]),
        operations=sum(
            2 * math.prod(shapes[node.output[0]]) * math.prod(weights[node.input[1]][1:])
            for node in layers
        ),
        receptive_fields=_receptive_fields(graph, pictures.name),
    )


def complexity_facts(complexity: Complexity) -> dict[str, str]:
    """The metadata of a file: `parameters`, `gflops`, `receptive_field` by stride, in pixels."""
    fields = {
        str(stride): "whole picture" if math.isinf(side) else int(side)
        for stride, side in complexity.receptive_fields.items()
    }
    return {
        "parameters": str(complexity.parameters),
        "gflops": f"{complexity.operations / 1e9:.3f}",
        "receptive_field": json.dumps(fields),
    }


def _receptive_fields(graph: onnx.GraphProto, pictures: str) -> dict[int, float]:
    """The largest view at each stride, of the convolutions that no convolution follows."""
    views = {pictures: _View()}
    last: dict[str, _View] = {}  # by tensor: views of the last convolutions before it
    ends: dict[str, set[str]] = {pictures: set()}
    for node in graph.node:
        seen = [views[name] for name in node.input if name in views]
        if not seen:
            continue
        view = _after(node, seen)
        origins = set().union(*(ends[name] for name in node.input if name in ends))
        if node.op_type == "Conv":
            origins = {node.output[0]}
            last[node.output[0]] = view
        for name in node.output:
            views[name], ends[name] = view, origins
    found: dict[int, float] = {}
    for output in graph.output:
        for name in ends[output.name]:
            stride = int(last[name].step)
            found[stride] = max(found.get(stride, 0.0), last[name].side)
    return dict(sorted(found.items()))


def _after(node: onnx.NodeProto, seen: list[_View]) -> _View:
    side = max(view.side for view in seen)
    step = max(view.step for view in seen)
    settings = {item.name: helper.get_attribute_value(item) for item in node.attribute}
    if node.op_type in ("Conv", "MaxPool", "AveragePool"):
        kernel = max(settings["kernel_shape"])
        dilation = max(settings.get("dilations", [1]))
        return _View(side + (kernel - 1) * dilation * step, step * settings.get("strides", [1])[0])
    if node.op_type in ("GlobalAveragePool", "ReduceMean"):
        return _View(math.inf, step)
    if node.op_type in ("Resize", "Upsample"):  # the networks' only factor
        return _View(side, step / 2)
    if node.op_type in ("Add", "Concat", "Mul"):
        # A gate from the whole picture has no grid of its own.
        return _View(side, min(view.step for view in seen))
    return _View(side, step)
