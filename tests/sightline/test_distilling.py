"""`sightline train --teacher`: other networks label what is trained on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.cli.distilling import label_unlabelled
from sightline.errors import ConfigError, InputError


def test_a_teacher_labels_frames_of_a_clip_once(shared: Path, tmp_path: Path) -> None:
    teacher = f"{shared / 'weights/yolox_nano_416.onnx'}=person"
    clip = str(shared / "data/clips/unlabelled-office.mp4")

    def run() -> dict[str, list[dict[str, object]]]:
        labels = label_unlabelled(
            [teacher], [clip], tmp_path, classes=("person",), frames=2, bands=["person=0.3,0.1"]
        )
        data: dict[str, list[dict[str, object]]] = json.loads(labels.read_text())
        return data

    first = run()
    assert [image["labelled_classes"] for image in first["images"]] == [["person"]] * 2
    assert all(
        (tmp_path / "images" / str(image["file_name"])).is_file() for image in first["images"]
    )
    assert first["annotations"]
    assert run()["annotations"] == first["annotations"]


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"teachers": ["net.onnx=person"], "unlabelled": []}, ConfigError, "go together"),
        ({"teachers": ["net.onnx"], "unlabelled": ["a.mp4"]}, InputError, "--teacher: expected"),
    ],
)
def test_what_is_missing_is_said(
    arguments: dict[str, list[str]], kind: type[Exception], message: str, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=message):
        label_unlabelled(**arguments, out=tmp_path, classes=("person",), frames=2, bands=[])


def test_wrong_bands_are_one_line(shared: Path, tmp_path: Path) -> None:
    teacher = f"{shared / 'weights/yolox_nano_416.onnx'}=person"
    with pytest.raises(InputError, match="expected CLASS=POSITIVE,IGNORE"):
        label_unlabelled(
            [teacher], ["a.mp4"], tmp_path, classes=("person",), frames=2, bands=["person=high"]
        )


def test_the_command_lists_its_options() -> None:
    result = CliRunner().invoke(app, ["train", "--help"])
    assert "--teacher" in result.stdout
    assert "--unlabelled" in result.stdout
