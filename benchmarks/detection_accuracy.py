"""Person AP50 of networks on real pixels, scored by pycocotools, and what each part costs.

    python benchmarks/detection_accuracy.py ../shared [--model FILE[@SIZE]]... [--confidence 0.01]
        [--tiles 2x2]

SIZE is HxW or a side. Two sets: `vtest`, every fifth frame (0, 5, …) of clips/vtest.avi, whose
frame k counted from 1 is frame k of mot15/PETS09-S2L1 (rows with consider 0 are crowd); and
`mini`, the pictures of clips/MOT17-mini (class 1 with visibility of at least .25 counts; lower
visibility and the classes 2, 7, 8 and 12 are crowd). AP is COCO's, 101 recall points, IoU .5.

The values to compare with were taken with the ground truth's left and top as they stand
(origin 0); MOTChallenge counts them from 1, and both are printed.

Independent of sightline.eval on purpose. Costs are CPU time.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from sightline import protocols
from sightline.detector import Detector
from sightline.detector.tiling import TiledDetector, parse_tiles
from sightline.formats.mot import MotRows, read_mot
from sightline.structures import Detections, Frame
from sightline.video import open_source

DEFAULT_MODELS = ("yolox_nano_416.onnx", "rtmdet_nano_person_320_end2end.onnx")
CROWD_CLASSES = (2, 7, 8, 12)
STRIDE = 5

Truth = tuple[MotRows, npt.NDArray[np.bool_]]  # rows of one picture, and which are crowd


def vtest(shared: Path) -> Iterator[tuple[Frame, Truth]]:
    """Every fifth frame of vtest.avi with its ground truth."""
    truth = read_mot(shared / "data/mot15/PETS09-S2L1/gt/gt.txt")
    for frame in open_source(str(shared / "data/clips/vtest.avi"), stride=STRIDE):
        rows = truth[truth.frames == frame.index + 1]
        yield frame, (rows, rows.confidences == 0)


def mini(shared: Path) -> Iterator[tuple[Frame, Truth]]:
    """The pictures of MOT17-mini with their ground truth."""
    for sequence in sorted((shared / "data/clips/MOT17-mini").iterdir()):
        truth = read_mot(sequence / "gt/gt.txt")
        for path in sorted((sequence / "img1").glob("*.jpg")):
            image = np.asarray(cv2.imread(str(path)), dtype=np.uint8)
            rows = truth[truth.frames == int(path.stem)]
            person = (rows.classes == 1) & (rows.visibilities >= 0.25)
            crowd = np.isin(rows.classes, CROWD_CLASSES) | ((rows.classes == 1) & ~person)
            keep = person | crowd
            yield Frame(image, index=int(path.stem)), (rows[keep], crowd[keep])


def photographs(shared: Path, category: str) -> Iterator[tuple[Frame, Truth]]:
    """The 128 pictures of coco128-val with the ground truth of one category."""
    folder = shared / "data/detection"
    dataset = json.loads((folder / "instances_val.json").read_text())
    (number,) = [entry["id"] for entry in dataset["categories"] if entry["name"] == category]
    for picture in dataset["images"]:
        if picture["set"] != "coco128-val":
            continue
        boxes = [
            entry
            for entry in dataset["annotations"]
            if (entry["image_id"], entry["category_id"]) == (picture["id"], number)
        ]
        count = len(boxes)
        rows = MotRows(
            np.full(count, picture["id"]),
            np.arange(count),
            np.array([entry["bbox"] for entry in boxes], np.float64).reshape(-1, 4),
            np.ones(count),
            np.ones(count, np.int64),
            np.ones(count),
        )
        image = np.asarray(cv2.imread(str(folder / "images" / picture["file_name"])), np.uint8)
        crowd = np.array([bool(entry["iscrowd"]) for entry in boxes], np.bool_)
        yield Frame(image, index=picture["id"]), (rows, crowd)


def open_detector(model: str, **options: Any) -> Detector:
    """The detector of FILE[@SIZE] or NAME[@SIZE]."""
    path, _, size = model.partition("@")
    sides = [int(side) for side in size.split("x")] if size else []
    return Detector(path, size=(sides[0] if len(sides) == 1 else tuple(sides)) or None, **options)  # type: ignore[arg-type]


def ap50(truths: list[Truth], found: list[Detections], origin: int) -> float:
    """COCO's AP at IoU .5 of one class, in percent.

    Args:
        truths: Ground truth of each picture.
        found: Detections in each picture.
        origin: What left and top of a box at the picture's corner are in the ground truth.
    """
    annotations: list[dict[str, Any]] = []
    results: list[dict[str, Any]] = []
    for picture, ((rows, crowd), detections) in enumerate(zip(truths, found, strict=True), 1):
        for (left, top, width, height), is_crowd in zip(rows.ltwh, crowd, strict=True):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": picture,
                    "category_id": 1,
                    "bbox": [left - origin, top - origin, width, height],
                    "area": width * height,
                    "iscrowd": int(is_crowd),
                }
            )
        results.extend(
            {
                "image_id": picture,
                "category_id": 1,
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "score": score,
            }
            for (x1, y1, x2, y2), score in zip(
                detections.boxes.tolist(), detections.scores.tolist(), strict=True
            )
        )
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO()
        truth.dataset = {
            "images": [{"id": picture + 1} for picture in range(len(truths))],
            "categories": [{"id": 1, "name": "person"}],
            "annotations": annotations,
        }
        truth.createIndex()
        evaluation = COCOeval(truth, truth.loadRes(results), "bbox")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.params.maxDets = [1000]
        evaluation.params.areaRng = [[0, 1e10]]
        evaluation.params.areaRngLbl = ["all"]
        evaluation.evaluate()
        evaluation.accumulate()
    precision = evaluation.eval["precision"]
    return float(precision[precision > -1].mean() * 100)


def costs(
    detector: Detector, looking: protocols.Detector, frames: list[Frame]
) -> tuple[float, float]:
    """Milliseconds a frame of the whole and of the network alone, CPU time.

    Args:
        detector: What runs the network.
        looking: What calls it: itself, or a detector in tiles.
        frames: What they look at.
    """
    before = dict(detector.stage_seconds)
    for frame in frames:
        looking.detect([frame])
    spent = {stage: value - before[stage] for stage, value in detector.stage_seconds.items()}
    return sum(spent.values()) / len(frames) * 1e3, spent["infer"] / len(frames) * 1e3


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--model", action="append")
    parser.add_argument("--confidence", type=float, default=0.01)
    parser.add_argument("--iou-threshold", type=float, default=0.65)
    parser.add_argument("--tiles", help="also look in rows x columns of tiles, as 2x2")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    models = options.model or [str(options.shared / "weights" / name) for name in DEFAULT_MODELS]
    sets = {name: list(load(options.shared)) for name, load in (("vtest", vtest), ("mini", mini))}
    print(f"{'model':43}{'set':6}{'AP50':>5}{'from 1':>8}{'CPU ms':>9}{'network':>9}{'rest':>7}")
    for model in models:
        detector = open_detector(
            model,
            device="cpu",
            confidence=options.confidence,
            classes=["person"],
            iou_threshold=options.iou_threshold,
            threads=options.threads,
        )
        looking: protocols.Detector = detector
        if options.tiles:
            looking = TiledDetector(
                detector, *parse_tiles(options.tiles), iou_threshold=options.iou_threshold
            )
        for name, pairs in sets.items():
            frames = [frame for frame, _ in pairs]
            found = [looking.detect([frame])[0] for frame in frames]
            scores = [ap50([truth for _, truth in pairs], found, origin) for origin in (0, 1)]
            whole, network = costs(detector, looking, frames[:40])
            rest = (whole - network) / network
            height, width = detector.input_size
            label = f"{Path(model.partition('@')[0]).name[:34]} {height}x{width}"
            print(
                f"{label:43}{name:6}{scores[0]:5.1f}{scores[1]:8.1f}"
                f"{whole:9.2f}{network:9.2f}{rest:7.1%}"
            )


if __name__ == "__main__":
    main()
