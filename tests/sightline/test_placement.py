"""What ran where is read from a real profile, and work in the wrong place is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from sightline.errors import ModelError
from sightline.placement import ProviderShare, check_placement, read_profile

CPU, CUDA, TENSORRT = "CPUExecutionProvider", "CUDAExecutionProvider", "TensorrtExecutionProvider"


def profile(path: Path, *nodes: tuple[str, str, int]) -> Path:
    """A profile of nodes: provider, operator, microseconds."""
    events: list[dict[str, Any]] = [{"cat": "Session", "name": "model_run", "dur": 9}]
    for index, (provider, operator, duration) in enumerate(nodes):
        arguments = {"provider": provider, "op_name": operator}
        name = f"node{index}_kernel_time"
        events.append({"cat": "Node", "name": name, "dur": duration, "args": arguments})
    path.write_text(json.dumps(events))
    return path


def test_a_real_profile_names_the_cpu(shared: Path, tmp_path: Path) -> None:
    options = onnxruntime.SessionOptions()
    options.enable_profiling = True
    options.profile_file_prefix = str(tmp_path / "profile")
    model = str(shared / "weights" / "yolox_nano_416.onnx")
    session = onnxruntime.InferenceSession(model, options, providers=[CPU])
    session.run(None, {"images": np.zeros((1, 3, 416, 416), np.float32)})
    (share,) = read_profile(Path(session.end_profiling()))
    assert share.provider == CPU
    assert share.nodes > 50
    assert share.milliseconds > 0
    assert sum(share.work.values()) > 50
    check_placement("net", "cpu", [share])
    with pytest.raises(ModelError, match=r"net: runs on cuda, but a run showed .*Conv on the CPU"):
        check_placement("net", "cuda", [share])


def test_the_provider_with_most_time_comes_first(tmp_path: Path) -> None:
    path = profile(tmp_path / "p.json", (CPU, "Shape", 5), (CUDA, "Conv", 20), (CUDA, "Concat", 4))
    assert read_profile(path) == (
        ProviderShare(CUDA, 2, 0.024, {"Conv": 1}),
        ProviderShare(CPU, 1, 0.005, {}),
    )


@pytest.mark.parametrize(
    ("device", "nodes"),
    [
        ("cuda", [(CUDA, "FusedConv", 20), (CPU, "Shape", 5), (CPU, "NonMaxSuppression", 5)]),
        ("tensorrt", [(TENSORRT, "TRTKernel_graph_0", 20), (CUDA, "MatMul", 5)]),
    ],
)
def test_small_things_may_run_elsewhere(
    tmp_path: Path, device: str, nodes: list[tuple[str, str, int]]
) -> None:
    check_placement("net", device, read_profile(profile(tmp_path / "p.json", *nodes)))


@pytest.mark.parametrize(
    ("device", "nodes", "message"),
    [
        ("cuda", [(CUDA, "Conv", 9), (CPU, "QLinearConv", 9)], "1 QLinearConv on the CPU"),
        ("cuda", [(CUDA, "Shape", 9)], "asked to run on cuda, but a run showed 1 nodes on CUDA"),
        ("tensorrt", [(CUDA, "Conv", 9)], "asked to run on tensorrt.*1 nodes on CUDA"),
        ("cuda", [], "a run showed nothing"),
    ],
)
def test_work_in_the_wrong_place_is_refused(
    tmp_path: Path, device: str, nodes: list[tuple[str, str, int]], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        check_placement("net", device, read_profile(profile(tmp_path / "p.json", *nodes)))
