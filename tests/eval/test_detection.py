"""Average precision against pycocotools and published figures."""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.eval.detection import evaluate_coco, evaluate_mot17det
from sightline.eval.detection_data import load_coco, load_mot, pedestrians
from sightline.eval.greedy import average_precision, best_f1, confusion_matrix, greedy_matches

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def coco_files(tmp_path: Path) -> tuple[Path, Path]:
    """A made dataset of two classes with crowds, and results with every kind of mistake."""
    random = np.random.default_rng(5)
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for image in range(1, 21):
        for _ in range(int(random.integers(1, 8))):
            left, top = random.uniform(0, 500, 2)
            width, height = random.uniform(10, 120, 2)
            category = int(random.choice([3, 7]))
            crowd = int(random.random() < 0.1)
            annotations.append(
                {
                    "id": len(annotations) + 1, "image_id": image, "category_id": category,
                    "bbox": [left, top, width, height], "area": width * height, "iscrowd": crowd,
                }
            )  # fmt: skip
            for _ in range(int(random.integers(0, 3))):
                shift = random.normal(0, 0.1, 4) * [width, height, width, height]
                taken = category if random.random() < 0.9 else 10 - category
                box = (np.array([left, top, width, height]) + shift).tolist()
                score = float(random.random())
                results.append(
                    {"image_id": image, "category_id": taken, "bbox": box, "score": score}
                )
    categories = [{"id": 3, "name": "person"}, {"id": 7, "name": "car"}]
    images = [{"id": image, "width": 640, "height": 640} for image in range(1, 22)]
    truth, found = tmp_path / "truth.json", tmp_path / "results.json"
    truth.write_text(
        json.dumps({"images": images, "annotations": annotations, "categories": categories})
    )
    found.write_text(json.dumps(results))
    return truth, found


def test_average_precision_is_that_of_pycocotools(coco_files: tuple[Path, Path]) -> None:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(coco_files[0]))
        evaluation = COCOeval(truth, truth.loadRes(str(coco_files[1])), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    ours = evaluate_coco(load_coco(*coco_files), max_detections=100)
    for name, theirs in zip(("AP", "AP50", "AP75"), evaluation.stats[:3], strict=True):
        assert ours.scores[name] == pytest.approx(float(theirs), abs=1e-9), name
    assert set(ours.by_class) == {"person", "car"}
    assert np.mean(list(ours.by_class.values())) == pytest.approx(float(ours.scores["AP50"]))
    assert ours.recall.shape == ours.precision.shape == (101,)
    assert ours.by_visibility == {}


def test_the_confusion_matrix_counts_every_object_once(coco_files: tuple[Path, Path]) -> None:
    data = load_coco(*coco_files)
    matrix = confusion_matrix(data, 0.3)
    assert matrix.shape == (3, 3)
    assert matrix[:2].sum() == (~data.truth_ignored).sum()
    assert matrix[0, 1] + matrix[1, 0] > 0
    assert matrix[2, 2] == 0


def test_the_best_threshold_beats_every_other(coco_files: tuple[Path, Path]) -> None:
    matches = greedy_matches(load_coco(*coco_files))
    best = best_f1(matches)
    for other in np.linspace(0, 1, 41):
        kept = matches.scores >= other
        f1 = 2 * matches.hits[kept].sum() / max(kept.sum() + matches.total, 1)
        assert f1 <= best["best_F1"] + 1e-12
    above = matches.scores >= best["best_threshold"]
    assert best["best_precision"] == pytest.approx(matches.hits[above].mean())


def test_yolox_on_val_half_has_its_known_ap50(shared: Path) -> None:
    mot17 = shared / "data" / "mot17"
    data = load_mot(mot17 / "train", mot17 / "detections" / "yolox-x-ablation", "val-half")
    scores = evaluate_coco(pedestrians(data), max_detections=500)
    assert scores.scores["GT_Dets"] == 53890
    assert 100 * scores.scores["AP50"] == pytest.approx(89.3, abs=0.2)
    own = average_precision(greedy_matches(pedestrians(data)))
    assert own == pytest.approx(float(scores.scores["AP50"]), abs=1e-4)
    visible = list(scores.by_visibility.values())
    assert visible == sorted(visible)
    assert len(scores.by_height) == 5


def test_the_public_dpm_detections_have_their_published_mot17det_figures(
    shared: Path, tmp_path: Path
) -> None:
    train = shared / "data" / "mot17" / "train"
    published = json.loads((shared / "data/reference/scores.json").read_text())
    figures = published["mot17/train/MOT17-xx-DPM/det/det.txt"]["published"]
    for number in ("02", "04", "05", "09", "10", "11", "13"):
        text = (train / f"MOT17-{number}-DPM" / "det" / "det.txt").read_bytes()
        (tmp_path / f"MOT17-{number}.txt").write_bytes(text)
    overall = evaluate_mot17det(load_mot(train, tmp_path)).scores
    assert overall["GT_Dets"] == figures["OVERALL"]["GT"]
    assert round(overall["AP"], 4) == figures["OVERALL"]["AP"]
    # The devkit's own Hungarian matching, in Matlab, removes 118 fewer of 79,790 boxes.
    assert overall["TP"] == pytest.approx(figures["OVERALL"]["TP"], rel=5e-4)
    assert overall["FP"] == pytest.approx(figures["OVERALL"]["FP"], rel=5e-3)
    thirteen = evaluate_mot17det(load_mot(train / "MOT17-13-SDP", tmp_path / "MOT17-13.txt")).scores
    for field in ("TP", "FP", "FN"):
        assert thirteen[field] == figures["MOT17-13"][field], field
    assert round(thirteen["AP"], 4) == figures["MOT17-13"]["AP"]


def test_mot17det_needs_visibilities(tmp_path: Path) -> None:
    (tmp_path / "gt.txt").write_text("1,1,10,10,20,40,1\n")
    (tmp_path / "det.txt").write_text("1,-1,10,10,20,40,1\n")
    with pytest.raises(InputError, match="needs MOT ground truth with visibilities"):
        evaluate_mot17det(load_mot(tmp_path / "gt.txt", tmp_path / "det.txt"))


def test_the_command_scores_both_protocols_and_both_formats(
    run_cli: Run, small_dataset: Path, coco_files: tuple[Path, Path], tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    accepted: tuple[tuple[tuple[object, ...], str], ...] = (
        ((small_dataset / "data", small_dataset / "data", "--report", report), "AP50"),
        ((small_dataset / "data", small_dataset / "data", "--protocol", "mot17det"), "MODA"),
        ((*coco_files, "--report", report), "AP75"),
    )
    for arguments, field in accepted:
        code, out, err = run_cli("eval-det", *arguments, "--json")
        assert code == 0, err
        output = json.loads(out)
        assert 0 <= output["scores"][field] <= 1
        code, out, _ = run_cli("eval-det", *arguments)
        assert code == 0
        assert field in out
    assert "Confusion" in report.read_text()
    refused: tuple[tuple[tuple[object, ...], str], ...] = (
        (
            (small_dataset / "data", small_dataset / "data", "--protocol", "x"),
            "no detection protocol",
        ),
        ((*coco_files, "--split", "val-half"), "has no splits"),
        ((small_dataset / "none.json", coco_files[1]), "cannot be read"),
        ((coco_files[1], coco_files[1]), "not COCO"),
    )
    for arguments, message in refused:
        code, out, err = run_cli("eval-det", *arguments)
        assert (code, out) == (2, "")
        assert message in err
