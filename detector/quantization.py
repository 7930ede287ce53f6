"""INT8 by static quantisation: weights per channel, ranges of activations from real pictures.

The network's layers become 8-bit; what stands before it works on bytes anyway, and its last
convolutions, the decoding and the suppression stay in float32: a score's or an exponent's 256
steps would be too coarse. Activations are unsigned and weights signed, the pair that x86's
VNNI and ARM's dot product instructions multiply directly.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnxruntime.quantization import CalibrationMethod, QuantType
from onnxruntime.quantization.calibrate import (
    CalibrationDataReader,
    TensorsData,
    create_calibrator,
)
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

from sightline.detector.exported import PREPROCESSING, read_exported
from sightline.detector.inputs import Inputs
from sightline.detector.preprocessing import PixelWriter
from sightline.detector.sizes import PixelBudget
from sightline.detector.stem import STEM_PREFIX, rewrite_stem
from sightline.errors import InputError, ModelError
from sightline.inference import Session
from sightline.structures import Frame

__all__ = ["Calibration", "quantize"]

Calibration = Literal["minmax", "percentile", "entropy"]
"""How the range of an activation is chosen: all of it, nearly all, or what loses least."""

_METHODS: dict[Calibration, CalibrationMethod] = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
_OPERATORS = ["Add", "Clip", "Concat", "Conv", "MaxPool", "Relu", "Reshape", "Resize", "Transpose"]
_PREFIX = "network/"


def quantize(
    model: Path,
    out: Path,
    pictures: Sequence[Frame],
    calibration: Calibration = "percentile",
) -> None:
    """Write the INT8 version of one of our own exports.

    Args:
        model: The export, in float32.
        out: The file to write.
        pictures: Pictures like those that it will see, of all kinds; fitted to the network as
            the detector does. A hundred are enough.
        calibration: How the ranges of activations are chosen.

    Raises:
        InputError: There are no pictures.
        ModelError: The file is no float32 export of ours.
    """
    if not pictures:
        raise InputError("calibration needs pictures like those that the network will see")
    session = Session(model, "cpu", 1)
    exported = read_exported(session)
    if exported is None:
        raise ModelError(f"{model}: not one of Sightline's own exports, which `quantize` takes")
    network = onnx.load(str(model))
    if any(node.op_type == "QuantizeLinear" for node in network.graph.node):
        raise ModelError(f"{model}: is quantised already; give the float32 export")
    inputs = Inputs(PixelBudget(exported.size), PREPROCESSING, PixelWriter)
    quantised = _quantised(rewrite_stem(network), _feeds(inputs, pictures), calibration)
    onnx.helper.set_model_props(
        quantised,
        {key: value for key, value in session.metadata.items() if not key.startswith("onnx")}
        | {"precision": "int8", "calibration": f"{calibration}, {len(pictures)} pictures"},
    )
    onnx.checker.check_model(quantised)
    out.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(quantised, str(out))


def _feeds(inputs: Inputs, pictures: Sequence[Frame]) -> Iterator[dict[str, npt.NDArray[np.uint8]]]:
    for size, indices in inputs.by_size(pictures).items():
        for index in indices:
            yield {"images": inputs.write([pictures[index]], size, 1)[0]}


def _quantised(
    network: onnx.ModelProto,
    feeds: Iterator[dict[str, npt.NDArray[np.uint8]]],
    calibration: Calibration,
) -> onnx.ModelProto:
    silenced = logging.getLogger()
    level = silenced.level
    silenced.setLevel(logging.ERROR)  # ONNX Runtime advises on the root logger
    network = onnx.shape_inference.infer_shapes(network)
    try:
        quantizer = QDQQuantizer(
            network,
            per_channel=True,
            reduce_range=False,
            weight_qType=QuantType.QInt8,
            activation_qType=QuantType.QUInt8,
            tensors_range=_ranges(network, feeds, calibration),
            nodes_to_quantize=_layers(network.graph),
            nodes_to_exclude=[],
            op_types_to_quantize=_OPERATORS,
            extra_options={},
        )
        quantizer.quantize_model()
        quantizer.model.topological_sort()
    finally:
        silenced.setLevel(level)
    model: onnx.ModelProto = quantizer.model.model
    del model.graph.value_info[:]
    return model


def _layers(graph: onnx.GraphProto) -> list[str]:
    """Names of the nodes to quantise: the network's, but for its last convolutions."""
    makers = {output: node for node in graph.node for output in node.output}
    kept_in_float = set()
    waiting = [f"{_PREFIX}logits", f"{_PREFIX}raw"]
    while waiting:
        node = makers.get(waiting.pop())
        if node is not None and node.name not in kept_in_float:
            kept_in_float.add(node.name)
            if node.op_type != "Conv":
                waiting.extend(node.input)
    return [
        node.name
        for node in graph.node
        if node.name.startswith((_PREFIX, STEM_PREFIX)) and node.name not in kept_in_float
    ]


def _ranges(
    network: onnx.ModelProto,
    feeds: Iterator[dict[str, npt.NDArray[np.uint8]]],
    calibration: Calibration,
) -> TensorsData:
    """The range of every activation."""
    results = [f"{_PREFIX}logits", f"{_PREFIX}raw"]
    layers = onnx.utils.Extractor(network).extract_model(["images"], results)
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.redirect_stdout(io.StringIO()),  # it tells what it does, line by line
    ):
        model = Path(folder) / "network.onnx"
        onnx.save(layers, str(model))
        calibrator = create_calibrator(
            model,
            _OPERATORS,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=_METHODS[calibration],
            extra_options={"symmetric": False},
        )
        for feed in feeds:  # one at a time: what a picture leaves behind is large
            calibrator.collect_data(_One(feed))
        return calibrator.compute_data()


class _One(CalibrationDataReader):  # type: ignore[misc]
    """Hands over a single feed."""

    def __init__(self, feed: dict[str, Any]) -> None:
        self._feed: dict[str, Any] | None = feed

    def get_next(self) -> dict[str, Any] | None:
        feed, self._feed = self._feed, None
        return feed
