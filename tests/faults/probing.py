"""What tests of faults look at: figures of a running service, and its processes."""

from __future__ import annotations

from pathlib import Path

import cv2
import httpx
import numpy as np
import numpy.typing as npt
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.running_service import RunningService

__all__ = ["engine_process", "metric", "plaza_picture", "reader_processes"]


def metric(client: httpx.Client, name: str, **labels: str) -> float:
    """The value of a metric."""
    text = client.get("/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and labels.items() <= sample.labels.items():
                return float(sample.value)
    raise AssertionError(f"no {name} {labels} in {text}")


def engine_process(service: RunningService) -> int:
    """Process number of the one that owns the network."""
    (engine,) = _children_with(service, "onnxruntime")
    return engine


def reader_processes(service: RunningService) -> set[int]:
    """Process numbers of those that read cameras."""
    return _children_with(service, "libavformat") - _children_with(service, "onnxruntime")


def plaza_picture(shared: Path) -> npt.NDArray[np.uint8]:
    """A frame of `vtest.avi` in which people stand apart; (576, 768, 3) uint8 BGR."""
    clip = cv2.VideoCapture(str(shared / "data" / "clips" / "vtest.avi"))
    read, picture = clip.read()
    clip.release()
    assert read
    return np.asarray(picture, np.uint8)


def _children_with(service: RunningService, library: str) -> set[int]:
    children = service.processes() - {service.pid}
    return {pid for pid in children if library in Path(f"/proc/{pid}/maps").read_text()}
