from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.detector.training.completion import complete
from sightline.detector.training.pseudo_labels import Bands
from sightline.detector.training.teachers import Committee, Teacher
from sightline.errors import InputError, StateError

WriteNetwork = Callable[..., Path]
CATEGORIES = [
    {"id": 1, "name": "person", "supercategory": "person"},
    {"id": 3, "name": "car", "supercategory": "vehicle"},
    {"id": 6, "name": "truck", "supercategory": "vehicle"},
]
NAMES = [str(row["name"]) for row in CATEGORIES]
PERSON, LEFT, RIGHT = [0, 0, 20, 40, 0.9, 0], [0, 44, 20, 60, 0.8, 1], [40, 40, 60, 60, 0.3, 1]


@pytest.fixture
def committee(write_network: WriteNetwork) -> Committee:
    """Sees a person and a car surely, and another car perhaps, in every picture."""
    yaml = "resize: stretch\nchannels: bgr\nclasses: [person, car]\n"
    output = np.array([[PERSON, LEFT, RIGHT]], np.float32)
    path = write_network({"output": output}, yaml=yaml)
    return Committee([Teacher(str(path), flip=False)], NAMES)


def dataset(folder: Path, images: list[dict[str, Any]], labels: list[dict[str, Any]]) -> Path:
    """A COCO file with its 64 x 64 pictures beside it."""
    for number, image in enumerate(images, 1):
        image |= {"id": number, "file_name": f"{number}.png", "width": 64, "height": 64}
        cv2.imwrite(str(folder / f"{number}.png"), np.zeros((64, 64, 3), np.uint8))
    for number, row in enumerate(labels, 1):
        row |= {"id": number, "area": 1, "iscrowd": row.get("iscrowd", 0)}
    path = folder / "labels.json"
    path.write_text(json.dumps({"images": images, "annotations": labels, "categories": CATEGORIES}))
    return path


def run(labels: Path, committee: Committee) -> dict[str, Any]:
    out = labels.with_name("completed.json")
    complete(labels, labels.parent, committee, out)
    return dict(json.loads(out.read_text()))


def test_a_class_that_is_not_labelled_gets_objects_and_doubt(
    tmp_path: Path, committee: Committee
) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": ["person"]}], [])
    done = run(labels, committee)
    rows = [(row["category_id"], row["bbox"], row["score"]) for row in done["annotations"]]
    assert rows == [(3, [0, 44, 20, 16], 0.8)]
    assert done["images"][0]["ignore_boxes"] == [[40, 40, 20, 20]]
    assert done["images"][0]["labelled_classes"] == ["person"]


def test_a_class_that_is_not_exhaustive_gets_doubt_only(
    tmp_path: Path, committee: Committee
) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": NAMES, "exhaustive": False}], [])
    done = run(labels, committee)
    assert done["annotations"] == []
    assert done["images"][0]["ignore_boxes"] == [
        [0, 0, 20, 40],
        [0, 44, 20, 16],
        [40, 40, 20, 20],
    ]


def test_exhaustive_images_with_all_classes_are_left_alone(
    tmp_path: Path, committee: Committee
) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": NAMES}, {}], [])
    done = run(labels, committee)
    assert done["annotations"] == []
    assert not any("ignore_boxes" in image for image in done["images"])


def test_what_is_labelled_is_not_added_again(tmp_path: Path, committee: Committee) -> None:
    rows = [
        {"image_id": 1, "category_id": 1, "bbox": [0, 0, 20, 36]},
        {"image_id": 1, "category_id": 6, "bbox": [0, 44, 20, 18]},  # a truck by hand stays one
    ]
    labels = dataset(tmp_path, [{"labelled_classes": ["truck"], "exhaustive": False}], rows)
    done = run(labels, committee)
    assert done["annotations"] == json.loads(labels.read_text())["annotations"]
    assert done["images"][0]["ignore_boxes"] == [[40, 40, 20, 20]]


def test_crowds_and_ignored_boxes_hide_what_is_in_them(
    tmp_path: Path, committee: Committee
) -> None:
    rows = [{"image_id": 1, "category_id": 1, "bbox": [0, 0, 64, 42], "iscrowd": 1}]
    image = {"labelled_classes": [], "ignore_boxes": [[30, 30, 34, 34]]}
    done = run(dataset(tmp_path, [image], rows), committee)
    assert [row["bbox"] for row in done["annotations"][1:]] == [[0, 44, 20, 16]]
    assert done["images"][0]["ignore_boxes"] == [[30, 30, 34, 34]]


def test_a_picture_that_cannot_be_read_is_left_as_it_is(
    tmp_path: Path, committee: Committee
) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": []}, {"labelled_classes": []}], [])
    (tmp_path / "1.png").write_bytes(b"no picture")
    out = tmp_path / "completed.json"
    counts = complete(labels, tmp_path, committee, out)
    assert counts.images == 1
    (warning,) = counts.warnings
    assert "1.png: not a picture" in warning
    assert "completed" not in json.loads(out.read_text())["images"][0]


def test_a_second_run_adds_nothing(tmp_path: Path, committee: Committee) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": []}, {"labelled_classes": []}], [])
    first = run(labels, committee)
    assert run(labels, committee) == first
    out = tmp_path / "completed.json"
    assert complete(labels, tmp_path, committee, out).there == 2
    with pytest.raises(StateError, match="in another way"):
        complete(labels, tmp_path, committee, out, {"car": Bands(0.9)})


def test_the_labels_themselves_are_never_written_over(tmp_path: Path, committee: Committee) -> None:
    labels = dataset(tmp_path, [{"labelled_classes": []}], [])
    with pytest.raises(InputError, match="another file"):
        complete(labels, tmp_path, committee, labels)


@pytest.mark.parametrize("text", ["{", "[]", '{"images": [], "annotations": {}}'])
def test_a_file_that_is_no_dataset_is_named(
    tmp_path: Path, committee: Committee, text: str
) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(InputError, match=r"bad\.json: not"):
        complete(tmp_path / "bad.json", tmp_path, committee, tmp_path / "out.json")
