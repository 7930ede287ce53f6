"""One file from bytes to boxes, and the same boxes as PyTorch's."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.detector import Detector
from sightline.detector.exported import FORMAT_KEY, read_exported
from sightline.errors import InputError, ModelError
from sightline.inference import Session, device_reports
from sightline.structures import Detections, Frame

SIZES = [(160, 160), (96, 192)]


def run(path: Path, images: npt.NDArray[np.uint8], **options: float) -> npt.NDArray[np.float32]:
    feed: dict[str, npt.NDArray[Any]] = {"images": images}
    feed |= {name: np.full(1, value, np.float32) for name, value in options.items()}
    (rows,) = Session(path, "cpu").run(feed)
    return rows


def assert_alike(one: Detections, other: Detections) -> None:
    """The same up to rounding; rows of almost equal scores may have changed places."""
    rows = [np.c_[each.boxes, each.scores * 1e3, each.classes * 1e3] for each in (one, other)]
    distances = np.abs(rows[0][:, None] - rows[1][None]).max(axis=2)
    assert len(one) == len(other)
    assert distances.min(axis=1).max() < 0.05


def test_boxes_equal_pytorchs_at_every_size_and_batch(
    network: Any, exported: Path, street: list[Frame]
) -> None:
    from sightline.detector.export import BATCHES, compare

    found = list(compare(network, exported, [frame.image for frame in street], SIZES))
    assert [(one.height, one.width, one.batch) for one in found] == [
        (*size, batch) for size in SIZES for batch in BATCHES
    ]
    assert all(one.good and one.rows > 100 for one in found)


def test_a_file_of_other_weights_is_noticed(exported: Path, street: list[Frame]) -> None:
    torch = pytest.importorskip("torch")
    from sightline.detector.export import compare
    from sightline.detector.network import Network

    torch.manual_seed(1)
    other = Network(("person", "car", "bus"), "p").eval()
    (first, *_) = compare(other, exported, [street[0].image], SIZES[:1])
    assert not first.good


def test_a_comparison_without_pictures_is_refused(network: Any, exported: Path) -> None:
    from sightline.detector.export import compare

    with pytest.raises(InputError, match="at least one"):
        list(compare(network, exported, [], SIZES))


def test_thresholds_are_inputs_with_defaults(exported: Path, street: list[Frame]) -> None:
    images = np.asarray(cv2.resize(street[0].image, (320, 192)), np.uint8)[None]
    default, strict = run(exported, images), run(exported, images, confidence=0.35)
    assert len(default) > len(strict) > 0
    assert default[:, 5].min() > 0.1
    assert strict[:, 5].min() > 0.35
    assert len(run(exported, images, iou_threshold=0.01)) < len(default)
    assert len(run(exported, images, confidence=1.0)) == 0
    every = run(exported, images, confidence=0.0, iou_threshold=1.0)
    assert len(every) == 1000


def test_the_file_says_what_it_is(network: Any, exported: Path) -> None:
    known = read_exported(Session(exported, "cpu"))
    assert known is not None
    assert known.class_names == network.class_names
    assert known.size == 160
    assert known.facts["licence"] == "Apache-2.0"
    detector = Detector(exported, "cpu")
    assert detector.describe()["head"] == "sightline"
    assert detector.describe()["licence"] == "Apache-2.0"
    assert detector.class_names == network.class_names


def test_the_file_tells_nothing_of_the_machine_that_wrote_it(exported: Path) -> None:
    content = exported.read_bytes()
    for secret in (b"site-packages", b"stack_trace", str(Path.cwd()).encode()):
        assert secret not in content


def test_normalisation_and_norms_cost_nothing_of_their_own(exported: Path) -> None:
    operators = [node.op_type for node in onnx.load(str(exported)).graph.node]
    assert "BatchNormalization" not in operators
    assert operators.count("DequantizeLinear") == 1


def rewritten(exported: Path, tmp_path: Path, change: Mapping[str, str]) -> Path:
    model = onnx.load(str(exported))
    metadata = {entry.key: entry.value for entry in model.metadata_props} | dict(change)
    onnx.helper.set_model_props(model, {key: value for key, value in metadata.items() if value})
    path = tmp_path / "changed.onnx"
    onnx.save(model, str(path))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({FORMAT_KEY: "detector-9"}, "written as 'detector-9'.*export the network again"),
        ({"size": "large"}, "do not say classes and size"),
        ({"classes": ""}, "do not say classes and size"),
    ],
)
def test_a_file_that_this_version_cannot_read_is_refused(
    exported: Path, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        Detector(rewritten(exported, tmp_path, change))


def test_each_frame_gets_the_input_of_its_shape(exported: Path, street: list[Frame]) -> None:
    wide, narrow = street[0], Frame(np.ascontiguousarray(street[0].image[:, :800]))
    detector = Detector(exported, "cpu", confidence=0.3)
    together = detector.detect([wide, narrow, wide])
    for frame, found in zip([wide, narrow, wide], together, strict=True):
        (alone,) = detector.detect([frame])
        np.testing.assert_array_equal(found.boxes, alone.boxes)
        assert len(found) > 0
        assert found.boxes[:, 2].max() > frame.image.shape[1] / 2


def test_height_and_width_fix_the_input(exported: Path, street: list[Frame]) -> None:
    detector = Detector(exported, "cpu", size=(96, 192))
    assert detector.input_size == (96, 192)
    assert not detector.describe()["input_follows_frame"]
    with pytest.raises(ModelError, match="multiples of 32"):
        Detector(exported, "cpu", size=(100, 192))
    with pytest.raises(ModelError, match="at least 32"):
        Detector(exported, "cpu", size=16)


class PretendedGpu(Session):
    """A session on the CPU that says it runs on a GPU, and keeps the batches that it ran."""

    def __init__(self, model: Path | bytes, *_: object) -> None:
        super().__init__(model, "cpu")
        self.device = "cuda"
        self.batches: list[int] = []

    def run(self, feed: Mapping[str, npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        self.batches.append(len(feed["images"]))
        return super().run(feed)


def test_frames_of_a_shape_go_together_on_a_gpu_and_find_the_same(
    exported: Path, street: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    narrow = Frame(np.ascontiguousarray(street[0].image[:, :800]))
    frames = [street[0], narrow, street[1], narrow, street[2]]
    alone = Detector(exported, "cpu", confidence=0.3).detect(frames)
    monkeypatch.setattr("sightline.detector.detector.Session", PretendedGpu)
    detector = Detector(exported, confidence=0.3)
    together = detector.detect(frames)
    assert isinstance(detector.session, PretendedGpu)
    assert sorted(detector.session.batches[2:]) == [2, 3]  # after the warm-up and the trial
    for one, other in zip(alone, together, strict=True):
        assert_alike(one, other)


def test_info_of_our_own_export_shows_what_it_says_of_itself(exported: Path) -> None:
    fields = json.loads(CliRunner().invoke(app, ["models", "info", str(exported), "--json"]).stdout)
    assert fields["licence"] == "Apache-2.0"
    assert fields["size"] == "as many pixels as 160x160"
    assert fields["parameters"] > 100_000
    assert [entry.split(":")[0] for entry in fields["receptive_field"]] == ["8", "16", "32"]
    assert fields["average_precision"] == ["AP50: 0.5"]


def test_a_gpus_boxes_equal_the_cpus(exported: Path, street: list[Frame]) -> None:
    report = next(report for report in device_reports() if report.device == "cuda")
    if not report.usable:
        pytest.skip(f"needs CUDA: {report.reason}")
    on_cpu, on_gpu = (Detector(exported, device, confidence=0.3) for device in ("cpu", "cuda"))
    for one, other in zip(on_cpu.detect(street), on_gpu.detect(street), strict=True):
        assert abs(len(one) - len(other)) <= len(one) // 50  # a score at the threshold
        distances = np.abs(one.boxes[:, None] - other.boxes[None]).max(axis=2).min(axis=1)
        assert np.quantile(distances, 0.98) < 0.5
