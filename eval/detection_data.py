"""Ground truth and detections as flat arrays, from MOT folders or COCO JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.eval.dataset import find_truth, sequence_key, split_frames
from sightline.formats.mot import MotRows, parse_mot, read_mot
from sightline.geometry import ltwh_to_xyxy

__all__ = ["DetectionSet", "load_coco", "load_mot", "pedestrians"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class DetectionSet:
    """Ground truth and detections of many pictures, a row a box.

    Args:
        pictures: Number of pictures.
        classes: Names of the classes.
        truth_pictures: (G,) int64 picture of each object, from 0.
        truth_boxes: (G, 4) float64 x1 y1 x2 y2.
        truth_classes: (G,) int64 index into `classes`.
        truth_ignored: (G,) bool neither found nor missed: crowds, and what protocols leave out.
        truth_numbers: (G,) int64 the file's own class number.
        truth_visibilities: (G,) float64 visible share, or None where the file has none.
        detected_pictures: (D,) int64.
        detected_boxes: (D, 4) float64 x1 y1 x2 y2.
        detected_classes: (D,) int64 index into `classes`.
        detected_scores: (D,) float64.
    """

    pictures: int
    classes: Sequence[str]
    truth_pictures: Ints
    truth_boxes: Floats
    truth_classes: Ints
    truth_ignored: Bools
    truth_numbers: Ints
    truth_visibilities: Floats | None
    detected_pictures: Ints
    detected_boxes: Floats
    detected_classes: Ints
    detected_scores: Floats

    def select(self, truths: Bools, detections: Bools) -> DetectionSet:
        """Some objects and some detections of the same pictures."""
        visibilities = self.truth_visibilities
        return DetectionSet(
            self.pictures,
            self.classes,
            self.truth_pictures[truths],
            self.truth_boxes[truths],
            self.truth_classes[truths],
            self.truth_ignored[truths],
            self.truth_numbers[truths],
            None if visibilities is None else visibilities[truths],
            self.detected_pictures[detections],
            self.detected_boxes[detections],
            self.detected_classes[detections],
            self.detected_scores[detections],
        )

    def by_picture(self) -> Iterator[tuple[Ints, Ints]]:
        """Rows of objects and rows of detections of each picture."""
        sides = []
        for pictures in (self.truth_pictures, self.detected_pictures):
            order = np.argsort(pictures, kind="stable")
            counts = np.bincount(pictures, minlength=self.pictures)
            sides.append(np.split(order, np.cumsum(counts)[:-1]))
        yield from zip(*sides, strict=True)


def load_mot(truth: Path, detections: Path, split: str = "all") -> DetectionSet:
    """Pedestrians of MOT folders and detections of SEQ.txt.

    Every ground-truth row is there; those that are zero-marked and not of a class that
    `evaluate_mot17det` forgives are left out. Each video is taken once.

    Args:
        truth: Folder of SEQ/gt/gt.txt, a zip file of that, or one file.
        detections: Folder of SEQ.txt, or one file.
        split: Name of the split.

    Raises:
        InputError: A file is missing, or a split needs a seqinfo.ini that is not there.
    """
    parts, pictures = [], 0
    seen: set[str] = set()
    for sequence in find_truth(truth):
        if sequence_key(sequence.name) in seen:
            continue
        seen.add(sequence_key(sequence.name))
        truth_rows = parse_mot(sequence.truth.read(), str(sequence.truth))
        found_rows = read_mot(_detections_of(detections, sequence.name))
        if sequence.info is None and split != "all":
            raise InputError(f"{sequence.truth}: a split needs a seqinfo.ini beside gt/")
        ends = [int(rows.frames.max(initial=1)) for rows in (truth_rows, found_rows)]
        length = sequence.info.length if sequence.info is not None else max(ends)
        first, last = split_frames(split, length)
        parts.append(
            [
                (rows[(rows.frames >= first) & (rows.frames <= last)], pictures - first)
                for rows in (truth_rows, found_rows)
            ]
        )
        pictures += last - first + 1
    truth_parts, found_parts = zip(*parts, strict=True)
    objects, object_pictures = _joined(truth_parts)
    found, found_pictures = _joined(found_parts)
    return DetectionSet(
        pictures=pictures,
        classes=("person",),
        truth_pictures=object_pictures,
        truth_boxes=ltwh_to_xyxy(objects.ltwh),
        truth_classes=np.zeros(len(objects), np.int64),
        truth_ignored=np.zeros(len(objects), np.bool_),
        truth_numbers=np.where(objects.classes < 0, 1, objects.classes),
        truth_visibilities=objects.visibilities if (objects.visibilities >= 0).all() else None,
        detected_pictures=found_pictures,
        detected_boxes=ltwh_to_xyxy(found.ltwh),
        detected_classes=np.zeros(len(found), np.int64),
        detected_scores=found.confidences,
    )


def pedestrians(data: DetectionSet) -> DetectionSet:
    """Only the objects of MOT class 1; every detection stays."""
    return data.select(data.truth_numbers == 1, np.ones(len(data.detected_boxes), np.bool_))


def load_coco(truth: Path, detections: Path) -> DetectionSet:
    """COCO's two JSON files: a dataset, and a list of results.

    Raises:
        InputError: A file is not what COCO prescribes, or names a picture that is not there.
    """
    dataset, results = _read_json(truth), _read_json(detections)
    if isinstance(results, dict):
        results = results.get("annotations")
    try:
        pictures = {image["id"]: number for number, image in enumerate(dataset["images"])}
        categories = {item["id"]: number for number, item in enumerate(dataset["categories"])}
        names = tuple(str(item["name"]) for item in dataset["categories"])
        objects = dataset["annotations"]
        columns = [_coco_columns(rows, pictures, categories) for rows in (objects, results)]
        scores = np.array([float(row["score"]) for row in results])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{truth}, {detections}: not COCO's dataset and results: {error!r} is missing or wrong"
        ) from error
    (object_pictures, boxes, classes), (found_pictures, found_boxes, found_classes) = columns
    return DetectionSet(
        pictures=len(pictures),
        classes=names,
        truth_pictures=object_pictures,
        truth_boxes=boxes,
        truth_classes=classes,
        truth_ignored=np.array([bool(row.get("iscrowd", 0)) for row in objects], np.bool_),
        truth_numbers=np.array([int(row["category_id"]) for row in objects], np.int64),
        truth_visibilities=None,
        detected_pictures=found_pictures,
        detected_boxes=found_boxes,
        detected_classes=found_classes,
        detected_scores=scores,
    )


def _coco_columns(
    rows: Sequence[dict[str, Any]], pictures: dict[Any, int], categories: dict[Any, int]
) -> tuple[Ints, Floats, Ints]:
    boxes = np.array([row["bbox"] for row in rows], np.float64).reshape(-1, 4)
    if not np.isfinite(boxes).all():
        raise ValueError("a box that is not finite")
    return (
        np.array([pictures[row["image_id"]] for row in rows], np.int64),
        ltwh_to_xyxy(boxes),
        np.array([categories[row["category_id"]] for row in rows], np.int64),
    )


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error


def _detections_of(folder: Path, name: str) -> Path:
    if folder.is_file():
        return folder
    candidates = [
        folder / f"{name}.txt",
        folder / f"{sequence_key(name)}.txt",
        folder / name / "det" / "det.txt",
    ]
    for path in candidates:
        if path.is_file():
            return path
    raise InputError(f"{folder}: no detections {name}.txt")


def _joined(parts: Sequence[tuple[MotRows, int]]) -> tuple[MotRows, Ints]:
    rows = [part for part, _ in parts]
    pictures = np.concatenate([part.frames + shift for part, shift in parts])
    joined = MotRows(
        *(
            np.concatenate([getattr(part, name) for part in rows])
            for name in ("frames", "ids", "ltwh", "confidences", "classes", "visibilities")
        )
    )
    return joined, pictures
