"""What holds for every head, shown with real networks on real pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from sightline.detector import Detector
from sightline.formats.mot import read_mot
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.structures import Detections, Frame


@dataclass(frozen=True)
class Network:
    """A network of the shared data.

    Args:
        file: Its file under weights/.
        head: The head that reads it.
        people: How many of the people of the first picture it finds at least.
        confidence: At this confidence.
    """

    file: str
    head: str
    people: int
    confidence: float = 0.3


NETWORKS = [
    Network("yolox_nano_416.onnx", "yolox", 6),
    Network("rtmdet_nano_person_320_end2end.onnx", "end-to-end", 5),
    Network("deimv2_atto_coco_int8_raw.onnx", "detr", 2, 0.02),
    Network("agpl-decoding-tests-only/yolov8n_int8.onnx", "yolov8", 5),
]


@pytest.fixture(scope="module", params=NETWORKS, ids=lambda network: network.head)
def network(request: pytest.FixtureRequest, shared: Path) -> tuple[Network, Path]:
    known: Network = request.param
    path = shared / "weights" / known.file
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    return known, path


@pytest.fixture(scope="module")
def found(network: tuple[Network, Path], street: list[Frame]) -> tuple[Detector, list[Detections]]:
    known, path = network
    detector = Detector(path, "cpu", confidence=known.confidence)
    return detector, detector.detect(street)


def rows_of(detections: Detections) -> list[tuple[float, ...]]:
    return [
        (*box, score, label)
        for box, score, label in zip(
            detections.boxes.tolist(),
            detections.scores.tolist(),
            detections.classes.tolist(),
            strict=True,
        )
    ]


def test_the_file_alone_tells_the_head(
    network: tuple[Network, Path], found: tuple[Detector, list[Detections]]
) -> None:
    detector, _ = found
    assert detector.describe()["head"] == network[0].head
    assert detector.class_names[0] == "person"


def test_people_are_found_where_they_are(
    network: tuple[Network, Path], found: tuple[Detector, list[Detections]], shared: Path
) -> None:
    detections = found[1][0]
    truth = read_mot(shared / "data" / "clips" / "MOT17-mini" / "MOT17-02" / "gt" / "gt.txt")
    truth = truth[(truth.frames == 1) & (truth.classes == 1)]
    boxes = ltwh_to_xyxy(truth.ltwh).astype(np.float32)
    people = detections[detections.classes == 0]
    assert (iou_matrix(boxes, people.boxes).max(axis=1) > 0.5).sum() >= network[0].people


def test_the_batch_does_not_matter(
    found: tuple[Detector, list[Detections]], street: list[Frame]
) -> None:
    detector, together = found
    apart = [detector.detect([frame])[0] for frame in reversed(street)][::-1]
    assert [rows_of(one) for one in apart] == [rows_of(one) for one in together]


def test_asking_for_a_class_is_the_same_as_choosing_its_rows(
    network: tuple[Network, Path], found: tuple[Detector, list[Detections]], street: list[Frame]
) -> None:
    detector = Detector(network[1], "cpu", confidence=network[0].confidence, classes=["Person "])
    for people, everything in zip(detector.detect(street), found[1], strict=True):
        assert rows_of(people) == rows_of(everything[everything.classes == 0])


def test_values_are_in_their_ranges_and_the_best_comes_first(
    network: tuple[Network, Path], found: tuple[Detector, list[Detections]]
) -> None:
    detector, pictures = found
    for detections in pictures:
        detections.check_values()
        assert (detections.scores > network[0].confidence).all()
        assert (np.diff(detections.scores) <= 0).all()
        assert (detections.classes < len(detector.class_names)).all()


@pytest.mark.parametrize("shape", [(1, 1), (1, 3000), (3000, 1), (7, 5)])
def test_pictures_of_any_shape_are_taken(
    found: tuple[Detector, list[Detections]], shape: tuple[int, int]
) -> None:
    detector, _ = found
    (detections,) = detector.detect([Frame(np.full((*shape, 3), 90, np.uint8))])
    detections.check_values()


def test_a_part_of_a_larger_array_is_taken_like_a_copy(
    found: tuple[Detector, list[Detections]], street: list[Frame]
) -> None:
    detector, _ = found
    part = street[0].image[100:900, 300:1500]
    views = [Frame(part), Frame(part.copy())]
    assert rows_of(detector.detect(views)[0]) == rows_of(detector.detect(views)[1])


def test_a_dynamic_network_takes_another_size(shared: Path, street: list[Frame]) -> None:
    path = shared / "weights" / "rtmdet_nano_person_320_end2end.onnx"
    small, large = Detector(path, "cpu"), Detector(path, "cpu", size=(384, 672))
    assert large.input_size == (384, 672)
    assert len(large.detect(street[:1])[0]) > 0
    boxes = small.detect(street[:1])[0].boxes[:3], large.detect(street[:1])[0].boxes[:5]
    assert (iou_matrix(*boxes).max(axis=1) > 0.5).all()


def test_a_network_that_is_no_detector_is_refused(shared: Path) -> None:
    from sightline.errors import ModelError

    with pytest.raises(ModelError, match=r"Its outputs are output \(1, 512\) float32"):
        Detector(shared / "weights" / "osnet_x0_25_msmt17.onnx")
