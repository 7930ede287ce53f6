"""`sightline eval-reid` and `sightline train-reid` as their user runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from sightline import demo

PLAZA = Path(demo.__file__).parent / "data" / "plaza"
RECIPE = """
seed: 1
network: {stem: 8, stages: [16, 32, 48], blocks: [1, 1, 1], streams: 2, reduction: 2, dimension: 16}
clips: [{video: plaza.mp4, tracks: gt.txt}]
mining: {spacing: 0.5}
losses: {imitation: 0, relations: 0}
validation_share: 0.4
optimisation: {epochs: 1, steps: 2, people: 4, views: 2, others: 0}
"""


def sightline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)


def test_default_network_is_compared_with_colours_on_the_demo() -> None:
    done = sightline(
        "eval-reid", PLAZA / "plaza.mp4", PLAZA / "gt/gt.txt", "--protocol", "plain",
        "--reid", "sightline-reid", "--reid", "colour", "--spacing", "0.5", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    output = json.loads(done.stdout)
    assert set(output["reid"]) == {"sightline-reid", "colour"}
    for scores in output["reid"].values():
        assert 0.6 < scores["AUC"] <= 1
        assert {"rank1", "rank5", "mAP", "track_threshold", "cpu_ms_per_crop"} <= set(scores)
        assert all(entry["tries"] > 0 for entry in scores["recovery"].values())
    assert output["manifest"]["parameters"]["spacing"] == 0.5


def test_table_names_the_embedders() -> None:
    done = sightline(
        "eval-reid", PLAZA / "plaza.mp4", PLAZA / "gt/gt.txt", "--protocol", "plain",
        "--reid", "colour",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for word in ("colour", "mAP", "found after 1–2 s", "CPU ms a crop"):
        assert word in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere.mp4", PLAZA / "gt/gt.txt"], 3, "nowhere.mp4"),
        ([PLAZA / "plaza.mp4", "nowhere.txt"], 2, "nowhere.txt"),
        ([PLAZA / "plaza.mp4", PLAZA / "gt/gt.txt", "--reid", "no.onnx"], 4, "no.onnx"),
        ([PLAZA / "plaza.mp4", PLAZA / "gt/gt.txt", "--reid", "off"], 2, "nothing to score"),
    ],
)
def test_bad_input_is_one_line(arguments: list[str | Path], code: int, words: str) -> None:
    done = sightline("eval-reid", *arguments)
    assert done.returncode == code, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert words in done.stderr


def test_training_leaves_a_network_that_can_be_used(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text(RECIPE)
    data, out = tmp_path / "data", tmp_path / "run"
    data.mkdir()
    shutil.copy(PLAZA / "plaza.mp4", data)
    command = ("train-reid", recipe, "--data", data, "--tracks", PLAZA / "gt", "--out", out)
    done = sightline(*command, "--device", "cpu", "--threads", "1")
    assert done.returncode == 0, done.stderr
    for name in ("crops.npz", "last.pt", "best.pt", "metrics.jsonl", "curves.png", "reid.onnx"):
        assert (out / name).is_file(), name
    again = sightline(*command)
    assert again.returncode == 2
    assert "--resume goes on with it" in again.stderr
    scored = sightline(
        "eval-reid", PLAZA / "plaza.mp4", PLAZA / "gt/gt.txt", "--protocol", "plain",
        "--reid", out / "reid.onnx", "--json",
    )  # fmt: skip
    assert scored.returncode == 0, scored.stderr
    assert "reid" in json.loads(scored.stdout)["reid"]


def test_recipe_that_names_no_clip_is_one_line(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="training needs the extra `train`")
    recipe = tmp_path / "empty.yaml"
    recipe.write_text("clips: []\n")
    done = sightline("train-reid", recipe, "--data", tmp_path, "--tracks", tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1, done.stderr
    assert "at least one is needed" in done.stderr
