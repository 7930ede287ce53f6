"""The trained network as ONNX: uint8 crops in, vectors of length 1 out, checked against PyTorch.

Input `crops` uint8 (N, H, W, 3) BGR, output `vectors` float32 (N, D); N is free. Normalisation
of the pixels and of the vectors lies inside. Needs the `train` extra.
"""

from __future__ import annotations

import datetime as dt
import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

import sightline
from sightline.errors import ModelError
from sightline.inference import Session
from sightline.reid.network import EmbeddingNetwork
from sightline.reid.recognition import TASK_KEY, TASK_VALUE

__all__ = ["export_network"]

_OPSET = 18
_TOLERANCE = 1e-3


def export_network(network: EmbeddingNetwork, path: Path, notes: Mapping[str, Any]) -> float:
    """Write a network as ONNX and compare the file with the network.

    Args:
        network: The network, in evaluation mode.
        path: The ONNX file.
        notes: Metadata: what it was trained on, its licence, its scores.

    Returns:
        The largest difference of a vector's entry between PyTorch and ONNX Runtime.

    Raises:
        ModelError: The file computes something else.
    """
    import onnx

    scale = network.scale
    serving = _Serving(network).eval()
    example = torch.zeros((2, scale.height, scale.width, 3), dtype=torch.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # torch's exporter about itself
        program = torch.onnx.export(
            serving,
            (example,),
            input_names=["crops"],
            output_names=["vectors"],
            dynamic_shapes={"crops": {0: torch.export.Dim("count", min=1)}},
            opset_version=_OPSET,
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    program.optimize()
    model = program.model_proto
    for node in model.graph.node:  # traces of this machine's source files
        del node.metadata_props[:]
    metadata = {
        TASK_KEY: TASK_VALUE,
        "sightline.version": sightline.__version__,
        "sightline.exported": dt.datetime.now(dt.UTC).date().isoformat(),
        **{f"sightline.{key}": _text(value) for key, value in notes.items()},
    }
    onnx.helper.set_model_props(model, metadata)
    onnx.save(model, str(part))
    part.replace(path)
    return _largest_difference(serving, path)


class _Serving(nn.Module):
    """The network between bytes and vectors of length 1."""

    def __init__(self, network: EmbeddingNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, crops: torch.Tensor) -> torch.Tensor:
        vectors = self.network(crops.permute(0, 3, 1, 2).float())[1]
        return nn.functional.normalize(vectors)


def _largest_difference(serving: nn.Module, path: Path) -> float:
    network = serving.network
    assert isinstance(network, EmbeddingNetwork)
    shape = (5, network.scale.height, network.scale.width, 3)
    crops = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    with torch.no_grad():
        expected = serving(torch.from_numpy(crops)).numpy()
    (found,) = Session(path, "cpu").run({"crops": crops})
    difference = float(np.abs(found - expected).max())
    if not difference <= _TOLERANCE:
        raise ModelError(
            f"{path}: the exported network differs from the trained one by {difference:.2g}; "
            f"at most {_TOLERANCE} was expected"
        )
    return difference


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
