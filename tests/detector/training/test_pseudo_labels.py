from __future__ import annotations

import functools
import json
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.detector.training.pseudo_labels import Bands, Material, label, say_each_once
from sightline.detector.training.teachers import Committee, Teacher
from sightline.errors import InputError, StateError
from sightline.structures import Detections, Frame
from sightline.video import open_source

WriteNetwork = Callable[..., Path]
CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 3, "name": "car", "supercategory": "vehicle"},
    {"id": 6, "name": "truck", "supercategory": "vehicle"},
]
NAMES = [str(row["name"]) for row in CATEGORIES]


class _Scripted(Committee):
    """Sees what a test says, whatever the picture."""

    def __init__(self, seen: Detections, teacher: Teacher, interrupt_at: int = -1) -> None:
        super().__init__([teacher], NAMES)
        self.seen = seen
        self.calls = 0
        self.interrupt_at = interrupt_at

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.calls += 1
        if self.calls == self.interrupt_at:
            signal.raise_signal(signal.SIGINT)
        return [self.seen for _ in frames]


@pytest.fixture
def teacher(write_network: WriteNetwork) -> Teacher:
    """A network that knows persons and cars."""
    yaml = "resize: stretch\nchannels: bgr\nclasses: [person, car]\n"
    output = np.array([[[4, 4, 20, 20, 0.9, 0]]], np.float32)
    return Teacher(str(write_network({"output": output}, yaml=yaml)), flip=False)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Six pictures that differ, and one twice."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(6):
        image = np.full((48, 64, 3), 60, np.uint8)
        image[10:40, 10 * number : 10 * number + 10] = 200
        cv2.imwrite(str(folder / f"{number}.png"), image)
    cv2.imwrite(str(folder / "6.png"), image)
    return folder


def material(folder: Path, **more: Any) -> Material:
    return Material("set", functools.partial(open_source, folder, rate=1), **more)


def read(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "instances.json").read_text()))


def test_bands_part_objects_from_doubt_and_background(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    boxes = [[0, 0, 10, 10], [20, 0, 30, 10], [40, 0, 50, 10], [0, 20, 10, 40]]
    seen = Detections(boxes, [0.6, 0.3, 0.1, 0.3], [0, 0, 0, 1])
    counts = label(
        [material(pictures, limit=1)],
        _Scripted(seen, teacher),
        tmp_path / "out",
        CATEGORIES,
        {"car": Bands(positive=0.25, ignore=0.2, certain=0.6)},
    )
    dataset = read(tmp_path / "out")
    (image,) = dataset["images"]
    rows = [(row["category_id"], row["bbox"], row["score"]) for row in dataset["annotations"]]
    assert rows == [(1, [0, 0, 10, 10], 0.6), (3, [0, 20, 10, 20], 0.5)]
    assert image["ignore_boxes"] == [[20, 0, 10, 10]]
    assert image["labelled_classes"] == ["person", "car"]
    assert (image["set"], image["clip"], image["exhaustive"]) == ("set", "set", True)
    assert (counts.images, dict(counts.objects), counts.ignored) == (1, {"person": 1, "car": 1}, 1)


def test_pictures_that_are_there_twice_are_labelled_once(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    counts = label(
        [material(pictures)], _Scripted(Detections.empty(), teacher), tmp_path / "out", CATEGORIES
    )
    assert counts.images == 6
    assert len(list((tmp_path / "out" / "images" / "set").iterdir())) == 6


def test_a_second_run_does_only_what_is_missing(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    committee = _Scripted(Detections([[0, 0, 9, 9]], [0.9], [0]), teacher)
    label([material(pictures, limit=2)], committee, out, CATEGORIES)
    counts = label([material(pictures)], committee, out, CATEGORIES)
    assert (counts.there, counts.images, committee.calls) == (2, 4, 6)
    dataset = read(out)
    assert len({row["id"] for row in dataset["images"]}) == 6
    assert len({row["id"] for row in dataset["annotations"]}) == 6
    assert {row["image_id"] for row in dataset["annotations"]} == {
        row["id"] for row in dataset["images"]
    }


def test_an_interrupted_run_leaves_whole_labels_and_goes_on(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    seen = Detections([[0, 0, 9, 9]], [0.9], [0])
    before = signal.getsignal(signal.SIGINT)
    broken = tmp_path / "broken"
    counts = label(
        [material(pictures)], _Scripted(seen, teacher, interrupt_at=3), broken, CATEGORIES
    )
    assert signal.getsignal(signal.SIGINT) is before
    assert counts.interrupted
    assert len(read(broken)["images"]) == len(read(broken)["annotations"]) == 3
    label([material(pictures)], _Scripted(seen, teacher), broken, CATEGORIES)
    label([material(pictures)], _Scripted(seen, teacher), tmp_path / "whole", CATEGORIES)
    assert read(broken) == read(tmp_path / "whole")


def test_labels_of_other_bands_are_not_mixed(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    committee = _Scripted(Detections.empty(), teacher)
    label([material(pictures)], committee, tmp_path / "out", CATEGORIES)
    with pytest.raises(StateError, match="labelled in another way"):
        label([material(pictures)], committee, tmp_path / "out", CATEGORIES, {"person": Bands(0.3)})


def test_classes_that_cannot_occur_are_known_to_be_absent(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    seen = Detections([[0, 0, 9, 9], [20, 0, 30, 10]], [0.9, 0.9], [1, 0])
    indoors = material(pictures, limit=1, classes=("person",))
    label([indoors], _Scripted(seen, teacher), tmp_path / "out", CATEGORIES)
    dataset = read(tmp_path / "out")
    assert [row["category_id"] for row in dataset["annotations"]] == [1]
    assert dataset["images"][0]["labelled_classes"] == ["person", "car", "truck"]


def test_classes_of_a_teacher_that_is_not_thorough_do_not_count_as_labelled(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    teacher.thorough = False
    committee = _Scripted(Detections([[0, 0, 9, 9]], [0.9], [1]), teacher)
    label([material(pictures, limit=1)], committee, tmp_path / "out", CATEGORIES)
    dataset = read(tmp_path / "out")
    assert dataset["images"][0]["labelled_classes"] == []
    assert len(dataset["annotations"]) == 1


def test_large_frames_are_kept_smaller_with_their_boxes(teacher: Teacher, tmp_path: Path) -> None:
    folder = tmp_path / "large"
    folder.mkdir()
    cv2.imwrite(str(folder / "1.jpg"), np.zeros((1440, 2560, 3), np.uint8))
    seen = Detections([[100, 200, 300, 400], [0, 0, 3, 300]], [0.9, 0.9], [0, 0])
    label([material(folder)], _Scripted(seen, teacher), tmp_path / "out", CATEGORIES)
    dataset = read(tmp_path / "out")
    (image,) = dataset["images"]
    kept = cv2.imread(str(tmp_path / "out" / "images" / image["file_name"]))
    assert kept is not None
    assert kept.shape[:2] == (image["height"], image["width"]) == (720, 1280)
    # A box that is a pixel and a half wide now teaches nothing, and is no background either.
    assert [row["bbox"] for row in dataset["annotations"]] == [[50, 100, 100, 100]]
    assert image["ignore_boxes"] == [[0, 0, 1.5, 150]]


def test_one_vehicle_is_said_once() -> None:
    boxes = [[0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 10]]
    seen = Detections(boxes, [0.5, 0.6, 0.4], [1, 2, 0])
    kept = say_each_once(seen, NAMES, CATEGORIES)
    assert kept.classes.tolist() == [2, 0]


@pytest.mark.parametrize("bands", [(0.2, 0.5, 1), (0.5, 0, 1), (0.5, 0.2, 0.4), (0.5, 0.2, 1.1)])
def test_bands_out_of_order_are_refused(bands: tuple[float, float, float]) -> None:
    with pytest.raises(InputError, match="0 < ignore <= positive <= certain <= 1"):
        Bands(*bands)


def test_bands_of_a_class_that_is_not_there_are_refused(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="score bands for tram"):
        label(
            [material(pictures)], Committee([teacher], NAMES), tmp_path, CATEGORIES,
            {"tram": Bands()},
        )  # fmt: skip


def test_two_materials_of_one_name_are_refused(
    teacher: Teacher, pictures: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="distinct"):
        label([material(pictures)] * 2, Committee([teacher], NAMES), tmp_path, CATEGORIES)


def test_people_of_a_real_clip_are_labelled(shared: Path, tmp_path: Path) -> None:
    clip = shared / "data" / "clips" / "unlabelled-shopping-street.mp4"
    network = shared / "weights" / "rtmdet_nano_person_320_end2end.onnx"
    if not (clip.is_file() and network.is_file()):
        pytest.skip("the clip or the network is not there")
    street = Material("street", functools.partial(open_source, clip, end=1), limit=3)
    committee = Committee([Teacher(f"{network}@320", threads=1)], NAMES)
    counts = label([street], committee, tmp_path, CATEGORIES, {"person": Bands(0.35, 0.15)})
    dataset = read(tmp_path)
    assert len(dataset["images"]) == 3
    assert counts.objects["person"] == len(dataset["annotations"]) >= 6
    assert all(len(image["ignore_boxes"]) > 0 for image in dataset["images"])
