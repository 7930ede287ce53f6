"""`sightline explain`: its pictures, its listing, its errors."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.cli.explain import explain
from sightline.detector.network import YoloV1
from sightline.detector.network.inspection import look_inside
from sightline.detector.training.models import make_network
from sightline.detector.training.recipe import Recipe, Validation
from sightline.detector.training.run_folder import RunFolder, load_network
from sightline.errors import InputError, ModelError

CONFIDENCE = 0.02


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """Coloured noise in patches, 144 wide and 96 high."""
    patches = np.random.default_rng(4).integers(0, 256, (6, 9, 3), np.uint8)
    path = tmp_path / "patches.png"
    cv2.imwrite(str(path), cv2.resize(patches, (144, 96), interpolation=cv2.INTER_NEAREST))
    return path


@pytest.fixture
def run(tmp_path: Path, head: str) -> Path:
    """The folder of a training that never was: random weights."""
    torch.manual_seed(0)
    recipe = Recipe(
        head=head,  # type: ignore[arg-type]
        scale="p",
        classes=("person", "car"),
        validation=Validation(size=128),
    )
    folder = RunFolder(tmp_path / "run")
    network = make_network(recipe).eval()
    with torch.no_grad():
        for layer in network.modules():
            if isinstance(layer, torch.nn.BatchNorm2d):
                layer.momentum = None
        network.train()(255 * torch.rand(2, 3, 96, 160))  # its features vary from then on
        network.eval()
        if isinstance(network, YoloV1):  # an untrained grid is not confident of anything
            network.output.bias[[4, 9, 10, 11]] += 0.4  # type: ignore[index]
    folder.write_network(network, recipe, {"scores": {}})
    return folder.path


@pytest.mark.parametrize(("head", "strides"), [("yolo", (8, 16, 32)), ("yolov1", (32,))])
def test_command_writes_a_picture_of_each_kind(
    run: Path, picture: Path, tmp_path: Path, strides: tuple[int, ...]
) -> None:
    out = tmp_path / "inside"
    command = ["explain", str(picture), "--model", str(run), "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--confidence", str(CONFIDENCE)])
    assert result.exit_code == 0, result.output
    names = ["boxes", *(f"stride-{stride}" for stride in strides), "filters"]
    pictures = [out / f"patches-{name}.png" for name in names]
    assert sorted(out.iterdir()) == sorted([*pictures, out / "patches-boxes.json"])
    for path in pictures:
        image = cv2.imread(str(path))
        assert image is not None
        assert image.shape[1] == 1600
        assert image.std() > 5  # not one colour
    network, _, _ = load_network(run)
    original = np.asarray(cv2.imread(str(picture)), np.uint8)
    expected = look_inside(network, original, 128, CONFIDENCE).found
    listed = json.loads((out / "patches-boxes.json").read_text())
    assert len(listed) == len(expected) > 0
    assert [row["score"] for row in listed] == [round(found.score, 4) for found in expected]
    assert [len(row["cells"]) for row in listed] == [len(found.points) for found in expected]
    assert {cell["stride"] for row in listed for cell in row["cells"]} <= set(strides)


@pytest.mark.parametrize("head", ["yolo"])
def test_boxes_and_cells_are_drawn_where_they_are(run: Path, picture: Path, tmp_path: Path) -> None:
    for confidence, name in [(CONFIDENCE, "some"), (1.0, "none")]:
        explain(picture, run, tmp_path / name, None, confidence)
    drawn, bare = (
        np.asarray(cv2.imread(str(tmp_path / name / "patches-boxes.png"))).astype(int)
        for name in ("some", "none")
    )
    head = len(drawn) - 1600 * 96 // 144
    changed = np.abs(drawn - bare).max(axis=2) > 20
    (row, *_) = json.loads((tmp_path / "some" / "patches-boxes.json").read_text())
    assert json.loads((tmp_path / "none" / "patches-boxes.json").read_text()) == []
    scale = 1600 / 144
    for cell in row["cells"]:
        x, y = round(cell["x"] * scale), round(cell["y"] * scale) + head
        assert changed[y - 3 : y + 4, x - 3 : x + 4].any()


def test_onnx_file_is_refused_with_the_way_out(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"an ONNX file keeps only .* best\.pt in the folder"):
        explain(picture, tmp_path / "sightline-n.onnx", tmp_path, None, 0.3)


@pytest.mark.parametrize(
    ("content", "reason"), [(None, "no such file"), (b"no picture", "damaged or no picture")]
)
def test_unreadable_picture_is_named(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "street.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=rf"street\.jpg: {reason}"):
        explain(path, tmp_path, tmp_path, None, 0.3)


def test_folder_without_a_network_is_an_error(picture: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"best\.pt: no such checkpoint"):
        explain(picture, tmp_path, tmp_path / "out", None, 0.3)
