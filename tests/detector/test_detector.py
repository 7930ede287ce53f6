from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from sightline.detector import Detector
from sightline.errors import InputError, ModelError
from sightline.inference import Session
from sightline.structures import Frame

WriteNetwork = Callable[..., Path]
YAML = "resize: letterbox-top-left\nchannels: bgr\nclasses: [person, car]\n"


def rows(*detections: list[float]) -> npt.NDArray[np.float32]:
    """(1, K, 6) end-to-end rows."""
    return np.array([detections], np.float32)


def frame(height: int = 64, width: int = 64) -> Frame:
    return Frame(np.zeros((height, width, 3), np.uint8))


@pytest.fixture
def two(write_network: WriteNetwork) -> Path:
    """A network that sees a weak person and a strong car, partly outside the picture."""
    found = rows([-8, 4, 20, 30, 0.4, 0], [10, 10, 80, 40, 0.9, 1])
    return write_network({"output": found}, yaml=YAML)


def test_the_best_comes_first_and_boxes_reach_outside_the_picture(two: Path) -> None:
    (found,) = Detector(two).detect([frame()])
    np.testing.assert_allclose(found.boxes, [[10, 10, 80, 40], [-8, 4, 20, 30]])
    assert found.classes.tolist() == [1, 0]


def test_classes_and_confidence_choose_rows(two: Path) -> None:
    (people,) = Detector(two, classes=["person"]).detect([frame()])
    assert people.classes.tolist() == [0]
    (strong,) = Detector(two, confidence=0.5).detect([frame()])
    assert strong.classes.tolist() == [1]
    (best,) = Detector(two, max_detections=1).detect([frame()])
    assert best.classes.tolist() == [1]


def test_empty_and_endless_boxes_are_dropped(write_network: WriteNetwork) -> None:
    found = rows(
        [5, 5, 5, 9, 0.9, 0],
        [9, 5, 5, 9, 0.9, 0],
        [0, 0, np.inf, 9, 0.9, 0],
        [0, 0, np.nan, 9, 0.9, 0],
        [1, 1, 2, 2, 0.9, 0],
    )
    (kept,) = Detector(write_network({"output": found}, yaml=YAML)).detect([frame()])
    np.testing.assert_allclose(kept.boxes, [[1, 1, 2, 2]])


def test_frames_of_different_sizes_go_together(two: Path) -> None:
    frames = [frame(64, 64), frame(128, 64), frame(32, 32)]
    scales = [np.ptp(found.boxes[0, ::2]) / 70 for found in Detector(two).detect(frames)]
    np.testing.assert_allclose(scales, [1, 2, 0.5])


def test_the_time_of_each_stage_is_counted(two: Path) -> None:
    detector = Detector(two)
    assert set(detector.stage_seconds.values()) == {0}
    detector.detect([frame()] * 50)
    assert list(detector.stage_seconds) == ["letterbox", "infer", "decode boxes"]
    assert sum(detector.stage_seconds.values()) > 0


def test_no_frames_give_no_detections(two: Path) -> None:
    assert Detector(two).detect([]) == []


def test_a_fixed_batch_is_filled_up(write_network: WriteNetwork) -> None:
    found = np.concatenate([rows([1, 1, 9 + index, 9, 0.9, 0]) for index in range(4)])
    model = write_network({"output": found}, yaml=YAML, input_shape=(4, 3, 64, 64))
    widths = [x.boxes[0, 2] for x in Detector(model).detect([frame()] * 6)]
    np.testing.assert_allclose(widths, [9, 10, 11, 12, 9, 10])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": -0.1}, "confidence: .*0 to 1, got -0.1"),
        ({"iou_threshold": 2}, "iou_threshold"),
        ({"max_detections": 0}, "max_detections"),
        ({"classes": ["peron"]}, "did you mean person"),
        ({"device": "gpu"}, "device 'gpu': expected one of auto"),
        ({"threads": -1}, "threads"),
    ],
)
def test_a_wrong_parameter_is_named(two: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Detector(two, **options)


@pytest.mark.parametrize("name", ["missing.onnx", "folder/missing"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ModelError, match=f"{name}: no such file"):
        Detector(tmp_path / name)


def test_an_unknown_name_is_answered_with_near_ones() -> None:
    with pytest.raises(ModelError, match=r"did you mean.*yolox-nano"):
        Detector("yolox_nano")


def test_what_runs_is_described_in_json_values(two: Path) -> None:
    described = Detector(two, "cpu", threads=1).describe()
    assert described["device"] == "cpu"
    assert described["providers"] == ["CPUExecutionProvider"]
    assert described["threads"] == 1
    assert described["input_size"] == [64, 64]


class PretendedGpu(Session):
    """A session on the CPU that says it runs on a GPU, and keeps the batches that it ran."""

    def __init__(self, model: Path | bytes, *_: object) -> None:
        super().__init__(model, "cpu")
        self.device = "cuda"
        self.batches: list[int] = []

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        self.batches += [len(pictures) for pictures in feed.values()]
        return super().run(feed)


def brightness_network(path: Path) -> Path:
    """A network with an open batch: a box as wide as its picture is bright."""
    row = np.array([[[8, 8, 24, 40, 0.9, 0]]], np.float32)
    wider = np.array([[[0, 0, 1, 0, 0, 0]]], np.float32)
    nodes = [
        helper.make_node("ReduceMax", ["images"], ["brightest"], axes=[2, 3], keepdims=1),
        helper.make_node("Slice", ["brightest", "start", "end", "axis"], ["first"]),
        helper.make_node("Squeeze", ["first", "last"], ["scale"]),
        helper.make_node("Mul", ["scale", "wider"], ["change"]),
        helper.make_node("Add", ["change", "row"], ["output"]),
    ]
    constants = {"row": row, "wider": wider, "start": 0, "end": 1, "axis": 1, "last": 3}
    kind = TensorProto.FLOAT
    graph = helper.make_graph(
        nodes,
        "brightness",
        [helper.make_tensor_value_info("images", kind, ["batch", 3, 64, 64])],
        [helper.make_tensor_value_info("output", kind, ["batch", 1, 6])],
        initializer=[
            numpy_helper.from_array(np.atleast_1d(np.asarray(value)), name=name)
            for name, value in constants.items()
        ],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), str(path))
    path.with_suffix(".yaml").write_text(YAML)
    return path


def test_an_open_batch_is_filled_on_a_gpu_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = brightness_network(tmp_path / "brightness.onnx")
    frames = [Frame(np.full((64, 64, 3), 20 + index, np.uint8)) for index in range(5)]
    alone = Detector(model, "cpu").detect(frames)
    assert [found.boxes[0, 2] for found in alone] == [44, 45, 46, 47, 48]
    monkeypatch.setattr("sightline.detector.detector.Session", PretendedGpu)
    detector = Detector(model)
    together = detector.detect(frames)
    assert isinstance(detector.session, PretendedGpu)
    assert detector.session.batches == [1, 2, 5]  # for the shapes, as a trial, the frames
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one.boxes, other.boxes)
    assert len(detector.detect(frames[:2])) == 2


def test_an_export_that_fails_at_two_pictures_is_run_one_by_one(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shared / "weights" / "rtmdet_nano_person_320_end2end.onnx"
    monkeypatch.setattr("sightline.detector.detector.Session", PretendedGpu)
    detector = Detector(path)
    assert len(detector.detect([frame(), frame()])) == 2
    assert isinstance(detector.session, PretendedGpu)
    assert detector.session.batches == [1, 2, 1, 1]
