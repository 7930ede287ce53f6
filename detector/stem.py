"""The first convolution on groups of pixels: the same sums, in a form that INT8 kernels like.

A 3x3 convolution of stride 2 over three channels gathers its input three bytes at a time, and
takes a fifth of an INT8 network's time. Four pixels side by side, as they lie in memory, are
twelve channels of one position: a convolution over two such positions, with the same weights
and zeros among them, gives two pixels of the output at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import helper, numpy_helper

__all__ = ["STEM_PREFIX", "grouped_kernel", "rewrite_stem"]

STEM_PREFIX = "stem/"
"""What the names of the nodes that sort the output begin with."""

_PLANES = "planes"
_GROUP = 4  # pixels of the input
_PAIR = 2  # pixels of the output, of stride 2


def rewrite_stem(model: onnx.ModelProto) -> onnx.ModelProto:
    """An export of ours with its first convolution on groups of pixels.

    Args:
        model: The export. It comes back as it is if its first layer is no 3x3 convolution of
            stride 2 with an activation, as that of some pre-trained backbones.
    """
    rewritten = onnx.ModelProto()
    rewritten.CopyFrom(model)
    graph = rewritten.graph
    weights = {tensor.name: tensor for tensor in graph.initializer}
    layer = _only_consumer(graph, _only_consumer(graph, _PLANES))
    activation = _only_consumer(graph, layer)
    if layer is None or activation is None or not _fits(layer, activation, weights):
        return rewritten
    kernel, bias = (numpy_helper.to_array(weights[name]) for name in layer.input[1:3])
    replaced = (grouped_kernel(kernel), np.tile(bias, _PAIR))
    for name, value in zip(layer.input[1:3], replaced, strict=True):
        weights[name].CopyFrom(numpy_helper.from_array(value, name))
    settings = {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 1, 0, 0]}
    for attribute in layer.attribute:
        if attribute.name in settings:
            attribute.CopyFrom(helper.make_attribute(attribute.name, settings[attribute.name]))
    _regroup(graph, activation, channels=len(bias))
    return rewritten


def grouped_kernel(kernel: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(O, C, 3, 3) of stride 2 and padding 1 to (2O, 4C, 3, 2) of stride (2, 1) over groups.

    The first O outputs are the left one of two pixels, the others the right one.
    """
    outputs, channels = kernel.shape[:2]
    grouped = np.zeros((_PAIR, outputs, _GROUP, channels, 3, 2), kernel.dtype)
    for right in range(_PAIR):
        for tap in range(3):
            column = 2 * right + tap - 1  # from the group's first pixel; -1 is in the one before
            grouped[right, :, column % _GROUP, :, :, int(column >= 0)] = kernel[..., tap]
    return grouped.reshape(_PAIR * outputs, _GROUP * channels, 3, 2)


def _only_consumer(
    graph: onnx.GraphProto, of: str | onnx.NodeProto | None
) -> onnx.NodeProto | None:
    """The one node that takes a tensor, or a node's output; None where there are others."""
    if of is None:
        return None
    name = of if isinstance(of, str) else of.output[0]
    found = [node for node in graph.node if name in node.input]
    return found[0] if len(found) == 1 else None


def _fits(
    layer: onnx.NodeProto, activation: onnx.NodeProto, weights: dict[str, onnx.TensorProto]
) -> bool:
    if layer.op_type != "Conv" or activation.op_type not in ("Relu", "Clip"):
        return False
    if len(layer.input) != 3 or not all(name in weights for name in layer.input[1:]):
        return False
    known = {attribute.name: helper.get_attribute_value(attribute) for attribute in layer.attribute}
    wanted = {"strides": [2, 2], "pads": [1, 1, 1, 1], "dilations": [1, 1], "group": 1}
    return list(weights[layer.input[1]].dims[1:]) == [3, 3, 3] and all(
        known.get(name, value) == value for name, value in wanted.items()
    )


def _regroup(graph: onnx.GraphProto, activation: onnx.NodeProto, channels: int) -> None:
    """Four pixels before the layer become one position; each of its positions becomes two."""
    shapes = {"stem_groups": [0, 0, -1, _GROUP * 3], "stem_pixels": [0, 0, -1, channels]}
    graph.initializer.extend(
        numpy_helper.from_array(np.array(shape, np.int64), name) for name, shape in shapes.items()
    )
    (planes,) = [node for node in graph.node if node.output[0] == _PLANES]
    place = list(graph.node).index(planes)
    planes.input[0] = "groups"
    graph.node.insert(
        place, helper.make_node("Reshape", ["images", "stem_groups"], ["groups"], "groups")
    )
    (after,) = activation.output
    activation.output[0] = f"{STEM_PREFIX}pairs"
    steps: list[tuple[str, list[str], str, dict[str, Any]]] = [
        ("Transpose", [f"{STEM_PREFIX}pairs"], f"{STEM_PREFIX}lines", {"perm": [0, 2, 3, 1]}),
        ("Reshape", [f"{STEM_PREFIX}lines", "stem_pixels"], f"{STEM_PREFIX}pixels", {}),
        ("Transpose", [f"{STEM_PREFIX}pixels"], after, {"perm": [0, 3, 1, 2]}),
    ]
    place = list(graph.node).index(activation) + 1
    for offset, (operator, inputs, output, settings) in enumerate(steps):
        name = output if output.startswith(STEM_PREFIX) else f"{STEM_PREFIX}planes"
        node = helper.make_node(operator, inputs, [output], name, **settings)
        graph.node.insert(place + offset, node)
