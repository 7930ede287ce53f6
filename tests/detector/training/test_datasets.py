from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pytest

from sightline.detector.training.datasets import image_folder_of, read_data
from sightline.detector.training.mot import read_mot_sequences
from sightline.errors import InputError


class WriteCoco(Protocol):
    def __call__(self, annotations: Any = ..., **fields: Any) -> Path: ...


@pytest.fixture
def sequence(shared: Path, tmp_path: Path) -> Path:
    """A copy of a real sequence that a test may change."""
    target = tmp_path / "MOT17-05"
    shutil.copytree(shared / "data" / "clips" / "MOT17-mini" / "MOT17-05", target)
    target.chmod(0o755)
    for path in target.rglob("*"):
        path.chmod(0o755)
    return target


def test_mot_sequences_are_read_by_visibility(shared: Path) -> None:
    folder = shared / "data" / "clips" / "MOT17-mini"
    examples = read_mot_sequences(folder)
    assert len(examples) == 39
    assert {example.set_name for example in examples} == {path.name for path in folder.iterdir()}
    assert len({example.group for example in examples}) == 7
    for example in examples:
        labels = example.labels
        assert set(labels.classes.tolist()) | set(labels.ignore_classes.tolist()) <= {0}
        assert np.flatnonzero(labels.labelled).tolist() == [0]
        corners = np.concatenate([labels.boxes, labels.ignore])
        assert (corners >= 0).all()
        assert (corners <= (example.width, example.height) * 2).all()
    rows = np.loadtxt(folder / "MOT17-02" / "gt" / "gt.txt", delimiter=",")
    first = rows[(rows[:, 0] == 1) & (rows[:, 7] == 1)]
    # A box's visible share counts, and so does what of it lies inside the picture.
    assert 0 < len(examples[0].labels) <= (first[:, 8] >= 0.25).sum()
    assert examples[0].load().shape == (examples[0].height, examples[0].width, 3)


def test_mot_box_becomes_an_object_by_class_and_visibility(sequence: Path) -> None:
    rows = [
        "1,1,11,21,100,200,1,1,0.9",  # an object; the text counts from 1
        "1,2,11,21,100,200,1,1,0.2",  # hidden
        "1,3,11,21,100,200,0,1,0.9",  # not considered
        "1,4,11,21,100,200,1,7,1",  # a static person
        "1,5,11,21,100,200,1,3,1",  # a car
        "1,6,-179,21,200,200,1,1,1",  # a tenth of it is in the picture
    ]
    (sequence / "gt" / "gt.txt").write_text("\n".join(rows))
    labels = read_mot_sequences(sequence)[0].labels
    assert labels.boxes.tolist() == [[10, 20, 110, 220]]
    assert sorted(labels.ignore.tolist()) == [[0, 20, 20, 220]] + [[10, 20, 110, 220]] * 3


def test_frame_without_picture_is_named(sequence: Path) -> None:
    (sequence / "img1" / "000003.jpg").unlink()
    with pytest.raises(InputError, match=r"gt\.txt: frame 3 has rows but no picture in .*img1"):
        read_mot_sequences(sequence)


def test_empty_image_folder_is_named(sequence: Path) -> None:
    for path in (sequence / "img1").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"img1: no \.jpg pictures in it"):
        read_mot_sequences(sequence)


def test_mot_needs_people_among_the_classes(sequence: Path) -> None:
    with pytest.raises(InputError, match="'person' is not among"):
        read_mot_sequences(sequence, ["car"])


def test_data_is_read_by_what_is_there(sequence: Path, write_coco: WriteCoco) -> None:
    path = write_coco([{"bbox": [1, 2, 3, 4]}])
    assert len(read_data(path)) == 1
    assert len(read_data(sequence)) == 6
    joined = read_data(path) + read_data(sequence)
    assert [example.set_name for example in joined] == ["labels"] + ["MOT17-05"] * 6


def test_folder_of_coco_needs_no_file_name(write_coco: WriteCoco) -> None:
    folder = write_coco().parent
    assert len(read_data(folder)) == 1
    shutil.copy(folder / "labels.json", folder / "other.json")
    with pytest.raises(InputError, match=r"2 JSON files \(labels\.json, other\.json\); name the"):
        read_data(folder)
    shutil.copy(folder / "labels.json", folder / "instances_train.json")
    assert read_data(folder)[0].set_name == "instances_train"


@pytest.mark.parametrize("name", ["nothing", "."])
def test_nothing_to_learn_from_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"no such file or folder|no training data in it"):
        read_data(tmp_path / name)


@pytest.mark.parametrize(
    ("file", "folder"),
    [
        ("labels.json", "images"),
        ("annotations/instances_train2017.json", "train2017"),
        ("annotations/instances_train2017.json", "images/train2017"),
        ("annotations/instances_train2017.json", "images"),
        ("labels.json", "."),
    ],
)
def test_pictures_are_found_where_coco_files_have_them(
    tmp_path: Path, file: str, folder: str
) -> None:
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    path = tmp_path / file
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({}))
    assert image_folder_of(path) == tmp_path / folder
