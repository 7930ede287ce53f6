"""`sightline export` and `sightline quantize`, from a training's folder to two files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.detector import Detector
from sightline.errors import InputError, ModelError
from sightline.structures import Frame

run = CliRunner()


@pytest.fixture(scope="module")
def pictures(street: list[Frame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of three pictures with labels."""
    folder = tmp_path_factory.mktemp("pictures")
    images, boxes = [], []
    for number, frame in enumerate(street, start=1):
        image = cv2.resize(frame.image, (320, 192))
        cv2.imwrite(str(folder / f"{number}.png"), image)
        images.append({"id": number, "file_name": f"{number}.png", "width": 320, "height": 192})
        box = {"id": number, "image_id": number, "category_id": 1, "bbox": [40, 40, 30, 90]}
        boxes.append(box | {"area": 2700, "iscrowd": 0})
    categories = [
        {"id": index, "name": name} for index, name in enumerate(("person", "car", "bus"), start=1)
    ]
    labels = {"images": images, "annotations": boxes, "categories": categories}
    (folder / "labels.json").write_text(json.dumps(labels))
    return folder


@pytest.fixture(scope="module")
def trained(network: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a training that ended."""
    from sightline.detector.training.recipe import Recipe, Validation
    from sightline.detector.training.run_folder import RunFolder

    folder = RunFolder(tmp_path_factory.mktemp("run"))
    recipe = Recipe(
        name="small",
        scale="p",
        classes=network.class_names,
        licence="CC0-1.0",
        validation=Validation(size=160),
    )
    folder.write_network(network, recipe, {"epoch": 1, "scores": {"AP50": 0.25}})
    return folder.path


@pytest.fixture(scope="module")
def written(trained: Path, pictures: Path) -> tuple[Path, str]:
    options = ["--pictures", str(pictures), "--training-data", "three streets"]
    result = run.invoke(app, ["export", str(trained), *options], catch_exceptions=False)
    return trained / "small.onnx", result.stdout


def test_export_prints_the_comparison_and_describes_the_file(written: tuple[Path, str]) -> None:
    path, said = written
    assert said.count("boxes differ from PyTorch's by") == 4
    assert "160x160, 3 at once" in said
    detector = Detector(path, "cpu")
    assert detector.exported is not None
    assert detector.exported.size == 160
    facts = detector.exported.facts
    assert facts["training_data"] == "three streets"
    assert facts["licence"] == "CC0-1.0"
    assert json.loads(facts["average_precision"]) == {"AP50": 0.25}
    assert not list(path.parent.glob("*.part"))


def test_quantize_prints_size_time_and_scores_of_both(
    written: tuple[Path, str], pictures: Path, tmp_path: Path
) -> None:
    out = tmp_path / "coarse.onnx"
    labels = str(pictures / "labels.json")
    options = ["--data", str(pictures), "--out", str(out), "--score", labels]
    result = run.invoke(app, ["quantize", str(written[0]), *options], catch_exceptions=False)
    rows = [line.rsplit(maxsplit=2) for line in result.stdout.splitlines()]
    table = {row[0].strip(): row[1:] for row in rows if len(row) == 3}
    assert table["AP50 person, percent"]
    before, after = map(float, table["size, MB"])
    assert after < before / 2
    assert "times as fast" in result.stdout
    assert Detector(out, "cpu").class_names == ("person", "car", "bus")


def test_a_file_that_differs_from_pytorch_is_not_written(
    trained: Path, pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exported: Path
) -> None:
    def wrong(network: Any, path: Path, metadata: dict[str, str]) -> None:
        path.write_bytes(exported.read_bytes())
        for layer in network.head.boxes:
            layer.bias.data += 0.3

    monkeypatch.setattr("sightline.detector.export.export", wrong)
    out = tmp_path / "wrong.onnx"
    options = ["--pictures", str(pictures), "--out", str(out)]
    with pytest.raises(ModelError, match=r"wrong\.onnx: not written: .* differ from PyTorch's"):
        run.invoke(app, ["export", str(trained), *options], catch_exceptions=False)
    assert list(tmp_path.iterdir()) == []


def test_pictures_to_compare_on_are_asked_for(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="name a folder by --pictures"):
        run.invoke(
            app, ["export", str(trained), "--pictures", str(tmp_path)], catch_exceptions=False
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--calibration", "maximum"], "minmax, percentile, entropy"), ([], "no pictures in it")],
)
def test_quantize_names_what_is_wrong(
    exported: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run.invoke(
            app,
            ["quantize", str(exported), "--data", str(tmp_path), *options],
            catch_exceptions=False,
        )
