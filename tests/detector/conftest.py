"""Small ONNX networks that return what a test wants, and real pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import helper, numpy_helper

from sightline.structures import Frame

WriteNetwork = Callable[..., Path]


@pytest.fixture
def write_network(tmp_path: Path) -> WriteNetwork:
    """A function that writes a made network, and a YAML file beside it where one is given."""

    def write(
        outputs: Mapping[str, npt.NDArray[Any]],
        *,
        name: str = "made",
        input_shape: Sequence[int | str | None] = (1, 3, 64, 64),
        input_type: int = onnx.TensorProto.FLOAT,
        more_inputs: Sequence[str] = (),
        metadata: Mapping[str, str] | None = None,
        yaml: str | None = None,
    ) -> Path:
        nodes, infos = [], []
        for output, values in outputs.items():
            tensor = numpy_helper.from_array(values, name=f"{output}_value")
            nodes.append(helper.make_node("Constant", [], [output], value=tensor))
            kind = helper.np_dtype_to_tensor_dtype(values.dtype)
            infos.append(helper.make_tensor_value_info(output, kind, [None] * values.ndim))
        inputs = [helper.make_tensor_value_info("images", input_type, list(input_shape))]
        inputs += [helper.make_tensor_value_info(more, input_type, [1, 2]) for more in more_inputs]
        graph = helper.make_graph(nodes, "made", inputs, infos)
        opset = [helper.make_opsetid("", 17)]
        model = helper.make_model(graph, opset_imports=opset, ir_version=8)
        helper.set_model_props(model, dict(metadata or {}))
        path = tmp_path / f"{name}.onnx"
        onnx.save(model, str(path))
        if yaml is not None:
            path.with_suffix(".yaml").write_text(yaml)
        return path

    return write


@pytest.fixture(scope="session")
def street(shared: Path) -> list[Frame]:
    """One picture of each of three sequences of MOT17, of two sizes."""
    paths = [
        shared / "data" / "clips" / "MOT17-mini" / name / "img1" / "000001.jpg"
        for name in ("MOT17-02", "MOT17-05", "MOT17-09")
    ]
    if not all(path.is_file() for path in paths):
        pytest.skip("MOT17-mini is not there")
    images = [np.asarray(cv2.imread(str(path)), np.uint8) for path in paths]
    return [Frame(image, index=index) for index, image in enumerate(images)]


@pytest.fixture(scope="session")
def network() -> Any:
    """A small network of ours with random weights that see something everywhere."""
    torch = pytest.importorskip("torch", reason="exporting needs PyTorch")
    from sightline.detector.network import Network

    torch.manual_seed(0)
    made = Network(("person", "car", "bus"), "p")
    for module in made.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.3, 1.0)
    for layer in made.head.scores:
        torch.nn.init.normal_(layer.weight, 0, 0.5)
        torch.nn.init.constant_(layer.bias, -1.0)
    return made.eval()


@pytest.fixture(scope="session")
def exported(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That network as an ONNX file."""
    from sightline.detector.export import export
    from sightline.detector.exported import describe

    path = tmp_path_factory.mktemp("exported") / "own.onnx"
    metadata = describe(
        network.class_names,
        size=160,
        scale=network.scale,
        backbone=network.backbone_name,
        version="1.2.3",
        recipe_sha256="0" * 64,
        training_data="none",
        licence="Apache-2.0",
        average_precision={"AP50": 0.5},
    )
    export(network, path, metadata)
    return path
