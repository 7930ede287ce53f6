"""`head: yolov1` through the same trainer, run folder and commands as the other head."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.cli.export import export
from sightline.detector.network import Network, YoloV1
from sightline.detector.training.models import make_network, take_over
from sightline.detector.training.recipe import Recipe
from sightline.detector.training.run_folder import RunFolder, load_network
from sightline.errors import ModelError


@pytest.fixture
def recipe() -> Recipe:
    """The smallest network with the teaching head."""
    return Recipe(head="yolov1", scale="p", classes=("person", "car"))


@pytest.fixture
def best(tmp_path: Path, recipe: Recipe) -> Path:
    """A network of random weights as a training writes it."""
    folder = RunFolder(tmp_path / "random")
    folder.write_network(make_network(recipe).eval(), recipe, {"epoch": 1, "scores": {}})
    return folder.best


def test_network_comes_back_as_it_was_written(tmp_path: Path, recipe: Recipe) -> None:
    folder = RunFolder(tmp_path)
    network = make_network(recipe).eval()
    folder.write_network(network, recipe, {"epoch": 3, "scores": {"AP50": 0.5}})
    loaded, read, facts = load_network(tmp_path)
    assert isinstance(loaded, YoloV1)
    assert not loaded.training
    assert read == recipe
    assert facts["epoch"] == 3
    picture = torch.rand(1, 3, 64, 96) * 255
    for ours, theirs in zip(network.predict(picture), loaded.predict(picture), strict=True):
        assert torch.equal(ours, theirs)


def test_other_classes_take_over_all_but_the_last_layer(best: Path) -> None:
    torch.manual_seed(1)
    network = YoloV1(["dog", "cat"], "p")
    before = network.output.weight.clone()
    take_over(network, best)
    other, _, _ = load_network(best)
    assert torch.equal(network.output.weight, before)
    assert torch.equal(network.hidden[0][0].weight, other.hidden[0][0].weight)  # type: ignore[index,union-attr]


def test_other_head_is_not_taken_over(best: Path) -> None:
    with pytest.raises(ModelError, match="a network with head yolov1; the recipe says"):
        take_over(Network(["person", "car"], "p"), best)


def test_models_info_counts_what_it_is_made_of(best: Path) -> None:
    result = CliRunner().invoke(app, ["models", "info", str(best.parent), "--json"])
    assert result.exit_code == 0, result.output
    fields = json.loads(result.stdout)
    network, _, _ = load_network(best)
    assert fields["parameters"] == sum(weight.numel() for weight in network.parameters())
    last = 2 * network.output.weight.numel() * 13 * 13  # type: ignore[operator,union-attr]
    assert 0 < last / 1e9 < fields["gflops"] < 10
    assert (fields["head"], fields["epoch"], fields["classes"]) == ("yolov1", 1, ["person", "car"])


def test_it_is_not_exported(best: Path) -> None:
    with pytest.raises(ModelError, match="head yolov1 is for teaching and has no ONNX form"):
        export(best)


def test_command_trains_it(tmp_path: Path) -> None:
    images, annotations = [], []
    random = np.random.default_rng(2)
    for number in range(1, 9):
        picture = random.integers(90, 140, (64, 64, 3), np.uint8)
        picture[20:50, 16:40] = 255
        cv2.imwrite(str(tmp_path / f"{number}.png"), picture)
        images.append({"id": number, "file_name": f"{number}.png", "width": 64, "height": 64})
        box = {"id": number, "image_id": number, "category_id": 1, "bbox": [16, 20, 24, 30]}
        annotations.append(box | {"iscrowd": 0, "area": 720})
    labels = tmp_path / "labels.json"
    categories = [{"id": 1, "name": "person"}]
    labels.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    recipe = {
        "head": "yolov1",
        "scale": "p",
        "classes": ["person"],
        "epochs": 2,
        "batch": 4,
        "sizes": [64],
        "validation": {"size": 64, "share": 0.25},
        "yolov1": {"lambda_noobj": 0.4},
    }
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    out = tmp_path / "run"
    command = ["train", str(labels), "--recipe", str(tmp_path / "recipe.yaml"), "--out", str(out)]
    result = CliRunner().invoke(app, [*command, "--workers", "0", "--device", "cpu"])
    assert result.exit_code == 0, result.output
    rows = RunFolder(out).rows()
    terms = {"total", "xy", "wh", "object", "no_object", "classes", "positives"}
    assert [set(row["losses"]) for row in rows] == [terms, terms]
    assert (out / "curves.png").stat().st_size > 0
    network, read, _ = load_network(out)
    assert isinstance(network, YoloV1)
    assert read.yolov1.lambda_noobj == 0.4
