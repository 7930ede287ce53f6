from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from sightline import inference
from sightline.errors import InputError, ModelError
from sightline.inference import (
    DeviceReport,
    Session,
    TensorInfo,
    available_cores,
    device_reports,
    file_sha256,
)


@pytest.fixture
def doubling(tmp_path: Path) -> Path:
    """A network that adds its input (batch, 2) to itself."""
    kind = onnx.TensorProto.FLOAT
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "x"], ["y"])],
        "doubling",
        [helper.make_tensor_value_info("x", kind, ["batch", 2])],
        [helper.make_tensor_value_info("y", kind, ["batch", 2])],
    )
    opset = [helper.make_opsetid("", 17)]
    model = helper.make_model(graph, opset_imports=opset, ir_version=8)
    helper.set_model_props(model, {"author": "a test"})
    path = tmp_path / "doubling.onnx"
    onnx.save(model, str(path))
    return path


def test_a_session_runs_and_describes_itself(doubling: Path) -> None:
    session = Session(doubling, threads=1)
    (output,) = session.run({"x": np.ones((3, 2), np.float32)})
    np.testing.assert_array_equal(output, np.full((3, 2), 2))
    assert session.inputs == (TensorInfo("x", (None, 2), np.dtype(np.float32)),)
    assert str(session.outputs[0]) == "y (?, 2) float32"
    assert session.metadata["author"] == "a test"
    described = session.describe()
    assert described["device"] == "cpu"
    assert described["providers"] == ["CPUExecutionProvider"]
    assert described["threads"] == 1


def test_the_bytes_of_a_network_serve_as_well(doubling: Path) -> None:
    assert Session(doubling.read_bytes()).inputs == Session(doubling).inputs


def test_auto_is_the_cpu_where_nothing_better_is_and_says_why(doubling: Path) -> None:
    reports = device_reports()
    session = Session(doubling)
    if any(report.usable for report in reports if report.device == "cuda"):
        pytest.skip("this machine has CUDA")
    assert session.device == "cpu"
    assert set(session.describe()["unusable_devices"]) == {"cuda", "tensorrt"}
    assert all(session.describe()["unusable_devices"].values())


@pytest.mark.parametrize("device", ["cuda", "tensorrt"])
def test_a_device_asked_for_by_name_is_never_replaced(
    doubling: Path, device: inference.Device
) -> None:
    if any(report.usable for report in device_reports() if report.device == device):
        pytest.skip(f"this machine has {device}")
    with pytest.raises(ModelError, match=f"device {device} cannot be used: .+"):
        Session(doubling, device)


def test_a_provider_that_onnx_runtime_drops_silently_is_an_error(
    doubling: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usable = (DeviceReport("cuda", usable=True), DeviceReport("cpu", usable=True))
    monkeypatch.setattr(inference, "device_reports", lambda: usable)
    created: list[Any] = []

    def falls_back(*arguments: Any, **options: Any) -> Any:
        created.append(options["providers"])
        return SimpleNamespace(get_providers=lambda: ["CPUExecutionProvider"])

    monkeypatch.setattr("onnxruntime.InferenceSession", falls_back)
    with pytest.raises(ModelError, match=r"asked to run on cuda, but .* CPUExecutionProvider"):
        Session(doubling, "cuda")
    with pytest.raises(ModelError, match="asked to run on cuda"):
        Session(doubling, "auto")
    assert created == [["CUDAExecutionProvider", "CPUExecutionProvider"]] * 2


def test_auto_takes_tensorrt_only_where_an_engine_is_cached(
    doubling: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda name: tmp_path / name)
    reports = [DeviceReport(name, usable=True) for name in ("tensorrt", "cuda", "cpu")]
    assert inference._choose("auto", reports, doubling) == "cuda"
    engines = tmp_path / "sightline" / "tensorrt" / file_sha256(doubling)[:16]
    engines.mkdir(parents=True)
    (engines / "network.engine").touch()
    assert inference._choose("auto", reports, doubling) == "tensorrt"
    assert inference._choose("auto", reports, doubling.read_bytes()) == "tensorrt"


@pytest.mark.parametrize("content", [b"", b"no network\n" * 30, bytes(1000)])
def test_a_file_that_is_no_network_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "text.onnx"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"text\.onnx: not an ONNX network") as caught:
        Session(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"gone\.onnx: no such file"):
        Session(tmp_path / "gone.onnx")


def test_arrays_that_do_not_fit_are_a_model_error(doubling: Path) -> None:
    with pytest.raises(ModelError, match="the network failed") as caught:
        Session(doubling).run({"x": np.ones((3, 5), np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("device", "threads"), [("gpu", 0), ("cpu", -1)])
def test_wrong_parameters_are_refused(doubling: Path, device: Any, threads: int) -> None:
    with pytest.raises(InputError, match="expected"):
        Session(doubling, device, threads)


def test_cores_are_at_least_one_and_a_quota_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_cores() >= 1
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(8)), raising=False)
    monkeypatch.setattr(inference, "_container_quota", lambda: 2.5)
    assert available_cores() == 3
    monkeypatch.setattr(inference, "_container_quota", lambda: 0.2)
    assert available_cores() == 1


def test_the_container_quota_is_read_from_the_control_group(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for text, cores in (("max 100000", float("inf")), ("250000 100000\n", 2.5)):
        monkeypatch.setattr(Path, "read_text", lambda _, text=text: text)
        assert inference._container_quota() == cores


def test_a_session_writes_nothing_to_the_terminal(
    doubling: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    Session(doubling)
    (tmp_path / "bad.onnx").write_bytes(b"x" * 50)
    with pytest.raises(ModelError):
        Session(tmp_path / "bad.onnx")
    assert capfd.readouterr() == ("", "")
