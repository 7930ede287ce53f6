"""Detection on real pixels is right: AP50 of people, against values of independent code."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from sightline.detector import Detector

_BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "detection_accuracy.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detection_accuracy", _BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("file", "pictures", "expected"),
    [
        ("yolox_nano_416.onnx", "vtest", 90.7),
        ("yolox_nano_416.onnx", "mini", 43.7),
        ("rtmdet_nano_person_320_end2end.onnx", "vtest", 92.4),
        ("rtmdet_nano_person_320_end2end.onnx", "mini", 42.8),
    ],
)
def test_people_are_found_as_well_as_by_other_code(
    shared: Path, benchmark: ModuleType, file: str, pictures: str, expected: float
) -> None:
    detector = Detector(
        shared / "weights" / file,
        "cpu",
        confidence=0.01,
        classes=["person"],
        iou_threshold=0.65,
    )
    pairs = list(getattr(benchmark, pictures)(shared))
    found = [detector.detect([frame])[0] for frame, _ in pairs]
    score = benchmark.ap50([truth for _, truth in pairs], found, origin=0)
    assert score == pytest.approx(expected, abs=0.5)


@pytest.mark.parametrize("name", ["sightline-n", "sightline-n-int8"])
@pytest.mark.parametrize(("pictures", "expected"), [("vtest", 90.3), ("mini", 59.8)])
def test_the_embedded_networks_are_worth_what_their_card_says(
    shared: Path, benchmark: ModuleType, name: str, pictures: str, expected: float
) -> None:
    detector = Detector(name, "cpu", confidence=0.01, classes=["person"], iou_threshold=0.65)
    pairs = list(getattr(benchmark, pictures)(shared))
    found = [detector.detect([frame])[0] for frame, _ in pairs]
    score = benchmark.ap50([truth for _, truth in pairs], found, origin=0)
    assert score == pytest.approx(expected, abs=1.5)
