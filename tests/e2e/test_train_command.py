"""`sightline train` as its user runs it: real pictures, a kill, an export, and bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime
import pytest
import torch

from sightline.cli.app import main
from sightline.detector.training.datasets import read_data
from sightline.detector.training.run_folder import load_network
from sightline.detector.training.validation import letterboxed

_PICTURES = 64
_LONGEST = 3600  # seconds that a loaded machine may take for what takes one or two minutes
_BIG = (0.12, 0.45)  # width and height of a person that is big, in long sides of the picture


def _sightline(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sightline", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=_LONGEST)


@contextmanager
def _started(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "sightline", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _wait_for_epochs(process: subprocess.Popen[str], folder: Path, count: int) -> None:
    """Wait until so many epochs are complete: their checkpoint is written."""
    end = time.monotonic() + _LONGEST
    while len(_rows(folder)) <= count:  # the next row comes after the checkpoint of this one
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, f"not {count} epochs in {_LONGEST} s"
        time.sleep(0.1)


def _rows(folder: Path) -> list[dict[str, Any]]:
    path = folder / "metrics.jsonl"
    if not path.exists():
        return []
    lines = path.read_text().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture(scope="module")
def people(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """64 photographs of up to three big people."""
    folder = shared / "data/detection"
    dataset = json.loads((folder / "instances_train.json").read_text())
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in dataset["annotations"]:
        if row["category_id"] == 1:
            rows.setdefault(row["image_id"], []).append(row)
    chosen = []
    for image in dataset["images"]:
        side = max(image["width"], image["height"])
        boxes = [row["bbox"] for row in rows.get(image["id"], ()) if not row["iscrowd"]]
        if (
            image["set"] in ("pennfudan", "people-mixed", "voc2012", "coco128-train")
            and 1 <= len(boxes) == len(rows[image["id"]]) <= 3
            and not image.get("ignore_boxes")
            and all(w > _BIG[0] * side and h > _BIG[1] * side for _, _, w, h in boxes)
        ):
            path = str(folder / "images" / image["file_name"])
            chosen.append(image | {"file_name": path, "labelled_classes": ["person"]})
    chosen = chosen[:_PICTURES]
    assert len(chosen) == _PICTURES
    labels = tmp_path_factory.mktemp("people") / "people.json"
    annotations = [row for image in chosen for row in rows[image["id"]]]
    labels.write_text(
        json.dumps(
            {
                "images": chosen,
                "annotations": annotations,
                "categories": [{"id": 1, "name": "person"}],
            }
        )
    )
    return labels


@pytest.fixture(scope="module")
def trained(people: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smoke training, killed in its middle and resumed."""
    out = tmp_path_factory.mktemp("runs") / "smoke"
    command = ("train", people, "--validation", people, "--recipe", "smoke", "--out", out)
    with _started(*command) as process:
        _wait_for_epochs(process, out, 30)
        process.kill()
        assert process.wait() == -signal.SIGKILL
    assert 30 <= len(_rows(out)) < 100
    done = _sightline(*command, "--resume")
    assert done.returncode == 0, done.stderr
    assert "finished after 100 epochs" in done.stdout
    return out


def test_every_epoch_is_there_once_though_the_training_was_killed(trained: Path) -> None:
    assert [row["epoch"] for row in _rows(trained)] == list(range(100))
    left = {path.name for path in trained.iterdir()}
    assert {"recipe.yaml", "last.pt", "best.pt", "curves.png", "samples.png"} <= left
    assert not [name for name in left if name.endswith(".part")]


def test_the_loss_falls_and_the_pictures_are_learnt(trained: Path) -> None:
    rows = _rows(trained)
    assert rows[-1]["losses"]["total"] < 0.6 * rows[0]["losses"]["total"]
    facts = load_network(trained)[2]
    assert facts["scores"]["AP50"] > 0.5
    best = max(row["scores"]["AP50"] for row in rows if "scores" in row)
    assert facts["scores"]["AP50"] == pytest.approx(best, abs=1e-4)
    for name in ("curves.png", "samples.png"):
        picture = cv2.imread(str(trained / name))
        assert picture is not None
        assert picture.std() > 5


def test_the_exported_file_finds_the_boxes_that_pytorch_finds(
    trained: Path, people: Path, tmp_path: Path
) -> None:
    file = tmp_path / "smoke.onnx"
    done = _sightline("export", trained, "--out", file)
    assert done.returncode == 0, done.stderr
    network = load_network(trained)[0]
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    compared = 0
    for example in read_data(people, ("person",))[:8]:
        canvas, _ = letterboxed(example.load(), 128)
        (rows,) = session.run(["detections"], {"images": canvas[None]})
        with torch.inference_mode():
            pixels = torch.from_numpy(canvas).permute(2, 0, 1)[None].float()
            boxes, scores = network.predict(pixels)
        sure = rows[rows[:, 5] > 0.3]
        assert len(sure) or scores.max() <= 0.3
        for row in sure:
            off = np.abs(boxes[0].numpy() - row[1:5]).max(axis=1)
            nearest = int(off.argmin())
            assert off[nearest] < 0.5
            assert abs(scores[0, nearest, 0].item() - row[5]) < 1e-3
            compared += 1
    assert compared >= 4


def test_ctrl_c_ends_the_training_after_its_step_and_it_can_be_resumed(
    people: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    command = ("train", people, "--recipe", "smoke", "--out", out)
    with _started(*command, "--set", "epochs=1000", "--set", "sizes=[64]") as process:
        _wait_for_epochs(process, out, 1)
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
        text, errors = process.communicate(timeout=_LONGEST)
    assert process.returncode == 130, errors
    assert "interrupted after" in text
    assert f"to go on: the same command with --resume --out {out}" in text
    assert "Traceback" not in errors
    assert torch.load(out / "last.pt", weights_only=True)["epoch"] == len(_rows(out))


WriteData = Callable[..., Path]


@pytest.fixture
def write_data(tmp_path: Path) -> WriteData:
    """A function that writes four pictures with a box each; what is given changes the second."""

    def write(
        *, box: list[float] | None = None, category: int = 1, image: dict[str, Any] | None = None
    ) -> Path:
        random = np.random.default_rng(1)
        images, annotations = [], []
        for number in range(1, 5):
            name = f"{number}.jpg"
            picture = random.integers(0, 256, (64, 96, 3), np.uint8)
            cv2.imwrite(str(tmp_path / name), picture)
            images.append({"id": number, "file_name": name, "width": 96, "height": 64})
            annotations.append(
                {"id": number, "image_id": number, "category_id": 1, "bbox": [8, 8, 40, 48]}
            )
        images[1] |= image or {}
        annotations[1] |= {"category_id": category} | ({"bbox": box} if box else {})
        names = [{"id": 1, "name": "person"}]
        if category == 2:
            names.append({"id": 2, "name": "zebra"})
        path = tmp_path / "labels.json"
        path.write_text(
            json.dumps({"images": images, "annotations": annotations, "categories": names})
        )
        return path

    return write


@pytest.fixture
def refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., None]:
    """A function that runs the command line and expects one line and an exit code."""

    def run(arguments: list[str | Path], code: int, *words: str) -> None:
        monkeypatch.setattr(sys, "argv", ["sightline", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        output = capsys.readouterr()
        assert ended.value.code == code, output.err
        assert output.err.count("\n") == 1, output.err
        assert output.err.startswith("sightline: ")
        assert output.out == ""
        for word in words:
            assert word in output.err

    return run


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"box": [60.0, 8.0, 60.0, 48.0]}, ["annotation 2", "24.0 px beyond its picture of 96×64"]),
        ({"box": [8.0, 8.0, float("nan"), 48.0]}, ["annotation 2", "nan", "not finite"]),
        ({"category": 7}, ["annotation 2", "category 7"]),
        ({"category": 2}, ["zebra", "skip_classes"]),
        ({"image": {"file_name": "gone.jpg"}}, ["image 2", "gone.jpg is missing"]),
        ({"image": {"width": 64, "height": 96}}, ["96×64", "64×96"]),
    ],
)
def test_wrong_labels_are_refused_before_the_training(
    write_data: WriteData,
    refused: Callable[..., None],
    tmp_path: Path,
    change: dict[str, Any],
    words: list[str],
) -> None:
    labels = write_data(**change)
    out = tmp_path / "run"
    command: list[str | Path] = ["train", labels, "--validation", labels, "--out", out]
    refused([*command, "--recipe", "smoke"], 2, *words)
    assert not (out / "recipe.yaml").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--set", "epoch=3"], 2, ["epoch: no such key; did you mean epochs?"]),
        (["--recipe", "smok"], 2, ["no recipe 'smok'", "did you mean smoke?"]),
        (["--resume"], 2, ["no training to resume"]),
        (["--folds", "3", "--validation", "labels.json"], 2, ["leave --validation out"]),
        (["--folds", "9"], 2, ["9 folds of 4 pictures"]),
        (["--set", "backbone=mobilnet"], 2, ["backbone 'mobilnet'"]),
        (["--set", "backbone_weights=x.pth"], 2, ["csp has no pre-trained weights"]),
        (["--set", "weights=none.pt"], 4, ["none.pt: no such checkpoint"]),
        (["--set", "set_weights={nobody: 2}"], 2, ["no set 'nobody'"]),
        (["--device", "tpu"], 2, ["device 'tpu'"]),
        pytest.param(
            ["--device", "cuda"],
            4,
            ["device cuda cannot be used"],
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_a_wrong_option_is_refused_in_one_line(
    write_data: WriteData,
    refused: Callable[..., None],
    tmp_path: Path,
    options: list[str],
    code: int,
    words: list[str],
) -> None:
    labels = write_data(category=1)
    command: list[str | Path] = ["train", labels, "--out", tmp_path / "run", "--workers", "0"]
    if "--recipe" not in options and "--resume" not in options:
        command += ["--set", "classes=[person]"]
    refused([*command, *options], code, *words)


def test_an_empty_folder_and_an_empty_label_file_are_refused(
    refused: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    refused(["train", tmp_path / "empty", "--out", tmp_path / "run"], 2, "no training data in it")
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"images": [], "annotations": [], "categories": []}))
    refused(["train", labels, "--out", tmp_path / "run"], 2, "'images' is empty")


def test_a_truncated_picture_among_the_held_out_ones_is_refused_before_the_training(
    write_data: WriteData, refused: Callable[..., None], tmp_path: Path
) -> None:
    labels = write_data()
    _truncate(tmp_path / "2.jpg")
    command: list[str | Path] = ["train", labels, "--validation", labels, "--recipe", "smoke"]
    refused([*command, "--out", tmp_path / "run"], 2, "2.jpg: the JPEG is cut short")


def test_a_truncated_picture_to_learn_from_is_left_out_and_named_once(
    write_data: WriteData, tmp_path: Path
) -> None:
    labels = write_data()
    _truncate(tmp_path / "2.jpg")
    options = ["epochs=2", "batch=2", "sizes=[64]", "validation.share=0"]
    settings = [word for option in options for word in ("--set", option)]
    command: list[str | Path] = ["train", labels, "--recipe", "smoke", *settings]
    command += ["--out", tmp_path / "run"]
    done = _sightline(*command, "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("2.jpg: the JPEG is cut short") == 1
    assert "1 pictures could not be read and were left out" in done.stderr
    assert [row["epoch"] for row in _rows(tmp_path / "run")] == [0, 1]


def test_folds_are_trained_one_after_the_other_and_go_on_after_a_stop(
    write_data: WriteData, tmp_path: Path
) -> None:
    labels = write_data()
    options = ["epochs=1", "batch=1", "sizes=[64]", "validation.size=64"]
    settings = [word for option in options for word in ("--set", option)]
    out = tmp_path / "folds"
    command: list[str | Path] = ["train", labels, "--recipe", "smoke", *settings]
    command += ["--out", out, "--workers", "0"]
    done = _sightline(*command, "--folds", "2")
    assert done.returncode == 0, done.stderr
    assert "AP50 of the folds" in done.stdout
    weights = (out / "fold-1/last.pt").read_bytes()
    (out / "fold-2/last.pt").unlink()  # as if it had been stopped in its first epoch
    again = _sightline(*command, "--folds", "2", "--resume")
    assert again.returncode == 0, again.stderr
    assert again.stdout == done.stdout
    assert (out / "fold-1/last.pt").read_bytes() == weights
    assert (out / "fold-2/last.pt").exists()


def _truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
