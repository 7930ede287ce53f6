"""Networks are told apart by what they return; what they cannot say is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest

from sightline.detector import COCO_CLASSES, Detector
from sightline.detector.heads import grid_size
from sightline.errors import ConfigError, ModelError
from sightline.structures import Detections, Frame

WriteNetwork = Callable[..., Path]

FEEDING = "resize: letterbox-top-left\nchannels: bgr\n"
FRAME = Frame(np.zeros((128, 128, 3), np.uint8))  # twice the made networks' input
ANCHORS = grid_size(64, 64)
BOXES = np.array([[[8, 8, 24, 40], [30, 30, 50, 60]]], np.float32)
SCORES = np.array([[0.9, 0.6]], np.float32)
LABELS = np.array([[0, 1]])
COUNT = np.array([[2]], np.int32)


def grid(classes: int) -> npt.NDArray[np.float32]:
    """A raw YOLOX grid in which the second anchor sees the last class."""
    rows = np.zeros((1, ANCHORS, 5 + classes), np.float32)
    rows[0, 1, [4, -1]] = 0.9
    return rows


def detect(model: Path, **options: Any) -> Detections:
    (detections,) = Detector(model, "cpu", **options).detect([FRAME])
    return detections


def test_a_raw_grid_needs_no_description(write_network: WriteNetwork) -> None:
    model = write_network({"output": grid(80)})
    detector = Detector(model)
    assert detector.describe()["head"] == "yolox"
    assert detector.class_names == COCO_CLASSES
    (found,) = detector.detect([FRAME])
    np.testing.assert_allclose(found.boxes, [[8, -8, 24, 8]])  # cell (1, 0), stride 8, doubled
    np.testing.assert_allclose(found.scores, [0.81])
    assert found.classes.tolist() == [79]


def test_a_grid_of_one_class_is_no_end_to_end_list(write_network: WriteNetwork) -> None:
    detector = Detector(write_network({"output": grid(1)}))
    assert detector.describe()["head"] == "yolox"
    assert detector.class_names == ("class0",)


def test_the_size_that_was_asked_for_tells_the_grid(write_network: WriteNetwork) -> None:
    rows = np.zeros((1, grid_size(96, 160), 6), np.float32)
    model = write_network({"output": rows}, input_shape=("batch", 3, "height", "width"))
    assert Detector(model, size=(96, 160)).input_size == (96, 160)
    with pytest.raises(ModelError, match="multiples of 32"):
        Detector(model, size=100)


def test_a_fixed_input_takes_no_other_size(write_network: WriteNetwork) -> None:
    with pytest.raises(ModelError, match=r"fixed at 64x64.*96x96 was asked for"):
        Detector(write_network({"output": grid(1)}), size=96)


@pytest.mark.parametrize(
    "names", ["{0: 'cat', 1: 'dog'}", "['cat', 'dog']", "cat\ndog", "cat, dog"]
)
def test_columns_of_anchors_are_yolov8_with_the_names_of_its_metadata(
    write_network: WriteNetwork, names: str
) -> None:
    columns = np.zeros((1, 6, ANCHORS), np.float32)
    columns[0, :, 3] = [20, 20, 10, 10, 0.2, 0.7]
    model = write_network({"output0": columns}, metadata={"names": names, "task": "detect"})
    detector = Detector(model)
    assert detector.describe()["head"] == "yolov8"
    assert detector.class_names == ("cat", "dog")
    np.testing.assert_allclose(detector.detect([FRAME])[0].boxes, [[30, 30, 50, 50]])


def test_names_that_do_not_fit_the_columns_are_refused(write_network: WriteNetwork) -> None:
    columns = np.zeros((1, 56, ANCHORS), np.float32)
    model = write_network({"output0": columns}, metadata={"names": "{0: 'person'}"})
    with pytest.raises(ModelError, match=r"52 classes.*names 1"):
        Detector(model)


def test_a_network_for_another_task_is_refused(write_network: WriteNetwork) -> None:
    columns = np.zeros((1, 56, ANCHORS), np.float32)
    with pytest.raises(ModelError, match="'pose'"):
        Detector(write_network({"output0": columns}, metadata={"task": "pose"}))


@pytest.mark.parametrize(
    ("columns", "activation", "score"),
    [(3, "", 1 / (1 + np.exp(-2))), (4, "", np.exp(2) / (np.exp(2) + 3))],
)
def test_logits_with_one_more_than_the_classes_mean_a_softmax(
    write_network: WriteNetwork, columns: int, activation: str, score: float
) -> None:
    logits = np.zeros((1, 5, columns), np.float32)
    logits[0, 2, 1] = 2
    boxes = np.full((1, 5, 4), 0.5, np.float32)
    model = write_network(
        {"pred_boxes": boxes, "pred_logits": logits},
        yaml="resize: stretch\nchannels: rgb\nstd: [255, 255, 255]\nclasses: [a, b, c]\n",
    )
    detector = Detector(model, confidence=0.501 if columns == 3 else 0.3)
    assert detector.describe()["head"] == "detr"
    (found,) = detector.detect([FRAME])
    np.testing.assert_allclose(found.boxes, [[32, 32, 96, 96]])
    np.testing.assert_allclose(found.scores, [score], rtol=1e-6)
    assert found.classes.tolist() == [1]


END_TO_END: dict[str, dict[str, npt.NDArray[Any]]] = {
    "rows": {"output": np.concatenate([BOXES, SCORES[..., None], LABELS[..., None]], axis=2)},
    "boxes with scores and labels": {
        "dets": np.concatenate([BOXES, SCORES[..., None]], axis=2),
        "labels": LABELS,
    },
    "boxes, scores, classes": {
        "labels": LABELS,
        "boxes": BOXES,
        "scores": SCORES,
    },
    "count, boxes, scores, classes": {
        "num_dets": COUNT,
        "det_boxes": BOXES,
        "det_scores": SCORES,
        "det_classes": LABELS.astype(np.int32),
    },
    "count, boxes, scores, classes as numbers with a point": {
        "num_detections": COUNT[:, 0],
        "det_boxes": BOXES,
        "det_scores": SCORES,
        "det_classes": LABELS.astype(np.float32),
    },
}


@pytest.mark.parametrize("layout", END_TO_END)
def test_every_end_to_end_layout_is_read_alike(write_network: WriteNetwork, layout: str) -> None:
    outputs = {
        name: values.astype(np.float32) if values.dtype == np.float64 else values
        for name, values in END_TO_END[layout].items()
    }
    model = write_network(outputs, yaml=FEEDING + "classes: [person, car]\n")
    assert Detector(model).describe()["head"] == "end-to-end"
    found = detect(model)
    np.testing.assert_allclose(found.boxes, BOXES[0] * 2)
    np.testing.assert_allclose(found.scores, SCORES[0])
    assert found.classes.tolist() == [0, 1]


def test_an_end_to_end_network_must_say_how_it_is_fed(write_network: WriteNetwork) -> None:
    outputs = END_TO_END["boxes with scores and labels"]
    with pytest.raises(ModelError, match=r"resized and normalised.*dets \(1, 2, 5\).*made\.yaml"):
        Detector(write_network(outputs))


def test_an_end_to_end_network_must_say_its_classes(write_network: WriteNetwork) -> None:
    with pytest.raises(ModelError, match=r"how many classes.*classes:.*made\.yaml"):
        Detector(write_network(END_TO_END["boxes, scores, classes"], yaml=FEEDING))


def test_a_file_of_the_yolo_family_that_suppresses_itself_says_so(
    write_network: WriteNetwork,
) -> None:
    rows = END_TO_END["rows"]["output"].astype(np.float32)
    metadata = {"end2end": "True", "names": "{0: 'person', 1: 'car'}"}
    detector = Detector(write_network({"output0": rows}, metadata=metadata))
    assert detector.preprocessing.std == (255.0, 255.0, 255.0)
    assert detector.preprocessing.resize == "letterbox-centred"


@pytest.mark.parametrize(
    "outputs",
    [
        {"embedding": np.zeros((1, 512), np.float32)},
        {"output": np.zeros((1, 25, 85), np.float32)},
        {"boxes": np.zeros((1, 9, 4), np.float32), "scores": np.zeros((1, 9, 3), np.float32)},
        {"dets": np.zeros((1, 9, 5), np.float32), "masks": np.zeros((1, 9, 8, 8), np.float32)},
        {"mask": np.zeros((1, 21, 64, 64), np.float32)},
    ],
)
def test_what_is_no_detector_is_refused_with_the_outputs_that_were_seen(
    write_network: WriteNetwork, outputs: dict[str, npt.NDArray[Any]]
) -> None:
    with pytest.raises(ModelError, match="not recognised as a detector") as caught:
        Detector(write_network(outputs))
    for name, values in outputs.items():
        sides = ", ".join(map(str, values.shape))
        assert f"{name} ({sides}) float32" in str(caught.value)
    assert "made.yaml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_described_head_must_fit_the_outputs(write_network: WriteNetwork) -> None:
    with pytest.raises(ModelError, match="not recognised"):
        Detector(write_network({"output": grid(2)}, yaml="head: yolov8\n"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"input_shape": (1, 64, 64, 3)}, r"\(B, 3, H, W\) float32, got images \(1, 64, 64, 3\)"),
        ({"input_shape": (1, 3, 64)}, r"got images \(1, 3, 64\)"),
        ({"input_type": onnx.TensorProto.UINT8}, "uint8"),
        ({"more_inputs": ["orig_sizes"]}, "takes one input.*orig_sizes"),
    ],
)
def test_an_input_that_is_no_picture_is_refused(
    write_network: WriteNetwork, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelError, match=message):
        Detector(write_network({"output": grid(1)}, **options))


def test_the_yaml_beside_a_file_describes_it(write_network: WriteNetwork) -> None:
    model = write_network({"output": grid(1)}, yaml="classes: [person]\nlicence: MIT\n")
    detector = Detector(model, classes=["person"])
    assert detector.class_names == ("person",)
    assert detector.describe()["licence"] == "MIT"


def test_a_yaml_file_stands_for_the_model_that_it_names(write_network: WriteNetwork) -> None:
    model = write_network({"output": grid(1)})
    description = model.with_name("people.yaml")
    description.write_text("file: made.onnx\nclasses: [person]\n")
    assert Detector(description).class_names == ("person",)


def test_a_description_of_another_file_is_refused(write_network: WriteNetwork) -> None:
    model = write_network({"output": grid(1)}, yaml=f"sha256: {'a' * 64}\n")
    with pytest.raises(ModelError, match="not the file that its description means"):
        Detector(model)


def test_a_wrong_field_is_named(write_network: WriteNetwork) -> None:
    with pytest.raises(ConfigError, match=r"made\.yaml: chanels: .*'bgr'"):
        Detector(write_network({"output": grid(1)}, yaml="chanels: bgr\n"))
