from __future__ import annotations

import json
import logging
from collections import Counter
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from sightline.detector.training.coco import read_coco
from sightline.detector.training.examples import CLASSES, Example
from sightline.errors import InputError


class WriteCoco(Protocol):
    def __call__(self, annotations: Any = ..., **fields: Any) -> Path: ...


def read(path: Path, **options: Any) -> list[Example]:
    return read_coco(path, path.parent / "images", **options)


def test_real_labels_are_read_whole(shared: Path) -> None:
    folder = shared / "data" / "detection"
    examples = read_coco(folder / "instances_train.json", folder / "images")
    counts = Counter(number for example in examples for number in example.labels.classes.tolist())
    assert len(examples) == 4142
    named = {name: counts[number] for number, name in enumerate(CLASSES)}
    assert named["person"] == 16445
    assert named["bicycle"] == 67
    nepal = next(example for example in examples if example.set_name == "nepal-vehicles")
    labelled = dict(zip(CLASSES, nepal.labels.labelled.tolist(), strict=True))
    assert labelled == {name: name in ("car", "bus", "truck") for name in CLASSES}
    assert nepal.labels.uncertain.tolist() == [[0, 0, nepal.width, nepal.height]]
    assert sum(len(example.labels.ignore) > 0 for example in examples) == 143
    for example in examples[::200]:
        assert example.load().shape == (example.height, example.width, 3)


def test_categories_are_matched_by_name(write_coco: WriteCoco) -> None:
    path = write_coco(
        [{"category_id": 1, "bbox": [1, 2, 3, 4]}, {"category_id": 2, "bbox": [5, 6, 7, 8]}],
        categories=["Truck", "person"],
    )
    (example,) = read(path)
    assert example.labels.classes.tolist() == [5, 0]
    assert example.labels.boxes.tolist() == [[1, 2, 4, 6], [5, 6, 12, 14]]
    # The file has no other categories, so it says nothing about them.
    assert np.flatnonzero(example.labels.labelled).tolist() == [0, 5]


def test_crowds_ignore_boxes_and_scores(write_coco: WriteCoco) -> None:
    path = write_coco(
        [
            {"category_id": 3, "bbox": [0, 0, 10, 10], "iscrowd": 1},
            {"bbox": [20, 20, 10, 10], "score": 0.75},
        ],
        images=[
            {"ignore_boxes": [[30, 30, 5, 5]], "labelled_classes": ["car"], "exhaustive": False}
        ],
    )
    labels = read(path)[0].labels
    assert labels.ignore.tolist() == [[0, 0, 10, 10], [30, 30, 35, 35]]
    assert labels.ignore_classes.tolist() == [2, -1]
    assert (labels.classes.tolist(), labels.weights.tolist()) == ([0], [0.75])
    assert np.flatnonzero(labels.labelled).tolist() == [2]
    assert labels.uncertain.tolist() == [[0, 0, 64, 48]]


def test_picture_without_objects_is_an_example(write_coco: WriteCoco) -> None:
    assert len(read(write_coco())[0].labels) == 0


def test_rounding_beyond_the_picture_is_cut(write_coco: WriteCoco) -> None:
    labels = read(write_coco([{"bbox": [-1.5, 0, 67, 48.4]}]))[0].labels
    assert labels.boxes.tolist() == [[0, 0, 64, 48]]


def test_boxes_without_area_are_left_out_with_a_warning(
    write_coco: WriteCoco, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        examples = read(write_coco([{"bbox": [5, 5, 0, 3]}, {"bbox": [5, 5, 4, 3]}]))
    assert len(examples[0].labels) == 1
    assert "left out 1 boxes without area" in caplog.text


def test_sets_and_clips(write_coco: WriteCoco) -> None:
    images = [{"set": "lobby", "clip": "a"}, {"set": "lobby", "clip": "a"}, {"set": "lobby"}, {}]
    examples = read(write_coco(images=images))
    assert [example.set_name for example in examples] == ["lobby"] * 3 + ["labels"]
    assert examples[0].group == examples[1].group
    assert len({example.group for example in examples}) == 3


@pytest.mark.parametrize(
    ("annotation", "message"),
    [
        (
            {"bbox": [10, 10, 60, 10]},
            r"annotation 1 \(image 1\): the box .* reaches 6\.0 px beyond",
        ),
        ({"bbox": [-3, 10, 5, 10]}, r"annotation 1 \(image 1\): the box .* reaches 3\.0 px beyond"),
        ({"bbox": [float("nan"), 1, 2, 3]}, r"annotation 1 \(image 1\): .* not finite"),
        ({"bbox": [1, 1, float("inf"), 3]}, r"annotation 1 \(image 1\): .* not finite"),
        ({"bbox": [9, 9, -2, 3]}, r"annotation 1 \(image 1\): .* negative side"),
        ({"bbox": [1, 2, 3]}, r"annotation 1 \(image 1\): expected \[left, top, width, height\]"),
        ({"bbox": "all"}, r"annotation 1 \(image 1\): expected \[left, top, width, height\]"),
        ({}, r"annotation 1 \(image 1\): expected \[left, top, width, height\]"),
        ({"bbox": [1, 2, 3, 4], "category_id": 9}, r"annotation 1 \(image 1\): category 9 is not"),
        ({"bbox": [1, 2, 3, 4], "image_id": 7}, "annotation 1 is of image 7, which is not"),
        ({"bbox": [1, 2, 3, 4], "score": 0}, r"annotation 1 \(image 1\): expected a score in"),
    ],
)
def test_bad_annotation_is_one_line_that_names_file_and_annotation(
    write_coco: WriteCoco, annotation: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=r"labels\.json: " + message) as caught:
        read(write_coco([annotation]))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("image", "message"),
    [
        ({"width": 0}, r"image 1: expected file_name, and width and height"),
        ({"height": "48"}, r"image 1: expected file_name, and width and height"),
        (
            {"labelled_classes": ["cart"]},
            r"image 1: unknown class 'cart'; known are person, bicycle",
        ),
        ({"ignore_boxes": [[0, 0, 99, 9]]}, r"image 1, ignore_boxes: the box .* reaches 35\.0 px"),
    ],
)
def test_bad_image_is_one_line_that_names_file_and_image(
    write_coco: WriteCoco, image: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=r"labels\.json: " + message):
        read(write_coco(images=[image]))


def test_missing_picture_is_named(write_coco: WriteCoco) -> None:
    path = write_coco(images=[{}, {}])
    (path.parent / "images" / "2.jpg").unlink()
    with pytest.raises(InputError, match=r"labels\.json: image 2: the picture .*2\.jpg is missing"):
        read(path)


def test_unknown_class_lists_the_known_and_can_be_skipped(write_coco: WriteCoco) -> None:
    boxes = [{"category_id": 1, "bbox": [1, 2, 3, 4]}, {"category_id": 2, "bbox": [1, 2, 3, 4]}]
    path = write_coco(boxes, categories=["person", "dog"], images=[{"labelled_classes": ["dog"]}])
    with pytest.raises(InputError, match="category 2: unknown class 'dog'; known are person, bic"):
        read(path)
    labels = read(path, skip_classes=["Dog"])[0].labels
    assert labels.classes.tolist() == [0]
    assert not labels.labelled.any()


@pytest.mark.parametrize("field", ["images", "annotations", "categories"])
def test_ids_that_are_there_twice_are_refused(write_coco: WriteCoco, field: str) -> None:
    path = write_coco([{"bbox": [1, 2, 3, 4]}])
    dataset = json.loads(path.read_text())
    dataset[field].append(dataset[field][0])
    path.write_text(json.dumps(dataset))
    kind = {"images": "image", "annotations": "annotation", "categories": "category"}[field]
    with pytest.raises(InputError, match=rf"labels\.json: {kind} id 1 is there twice"):
        read(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[]", "no list 'images'"),
        ("{", "not JSON"),
        ('{"images": []}', "no list 'annotations'"),
        ('{"images": [], "annotations": [], "categories": []}', "'images' is empty"),
        ('{"images": [{}], "annotations": [], "categories": []}', "image number 0 has no 'id'"),
    ],
)
def test_what_is_not_coco_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "labels.json").write_text(text)
    with pytest.raises(InputError, match=rf"labels\.json: {message}"):
        read_coco(tmp_path / "labels.json", tmp_path)
