"""Runs through device buffers give what plain runs give; the host's memory stands for a GPU's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sightline.binding import BoundRuns
from sightline.inference import Session, device_reports


@pytest.fixture(scope="module")
def network(shared: Path) -> Path:
    return shared / "weights" / "rtmdet_nano_person_320_end2end.onnx"


def test_buffers_are_used_again_and_change_nothing(network: Path) -> None:
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]
    bound = BoundRuns(session, outputs, "cpu")
    random = np.random.default_rng(0)
    for side in (320, 192, 320, 192):
        feed = {"input": random.uniform(0, 255, (1, 3, side, side)).astype(np.float32)}
        for one, other in zip(bound.run(feed), session.run(outputs, feed), strict=True):
            np.testing.assert_array_equal(one, other)
    assert len(bound._buffers) == 2


def test_buffers_do_not_pile_up(network: Path) -> None:
    session = onnxruntime.InferenceSession(str(network), providers=["CPUExecutionProvider"])
    bound = BoundRuns(session, [output.name for output in session.get_outputs()], "cpu")
    for step in range(1, 20):
        bound.run({"input": np.zeros((1, 3, 32, 32 * step), np.float32)})
    assert len(bound._buffers) == 16


def test_a_gpu_returns_what_the_cpu_returns(network: Path) -> None:
    report = next(report for report in device_reports() if report.device == "cuda")
    if not report.usable:
        pytest.skip(f"needs CUDA: {report.reason}")
    feed = {"input": np.full((1, 3, 320, 320), 90, np.float32)}
    on_cpu, on_gpu = (Session(network, device).run(feed) for device in ("cpu", "cuda"))
    for one, other in zip(on_cpu, on_gpu, strict=True):
        np.testing.assert_allclose(one, other, atol=0.5)
