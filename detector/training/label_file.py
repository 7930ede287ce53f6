"""Labels in COCO's format, in a file that is whole at every moment.

The fields beside COCO's own are those that `sightline.detector.training.coco` reads.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import CLASSES
from sightline.errors import InputError, StateError
from sightline.geometry import xyxy_to_ltwh

__all__ = ["CATEGORIES", "LabelFile", "coco_boxes", "read_coco"]

CATEGORIES: tuple[dict[str, Any], ...] = tuple(
    {"id": number, "name": name, "supercategory": "person" if name == "person" else "vehicle"}
    for number, name in enumerate(CLASSES, 1)
)
"""COCO categories of the project's own classes."""

SAVED_EVERY = 50
"""Images between two writings of the file: what a hard kill may cost."""


class LabelFile:
    """A COCO file that grows image by image; a later run goes on where one ended.

    Args:
        path: The JSON file; read if it is there.
        start: The dataset to begin with where there is no file yet: `info` and `categories` at
            least. A file that is there must have the same `info`.

    Attributes:
        dataset: The dataset as it is now: `info`, `categories`, `images`, `annotations`.

    Raises:
        StateError: The file was made in another way (other teachers, other bands).
        InputError: The file cannot be read.
    """

    def __init__(self, path: Path, start: dict[str, Any]) -> None:
        self.path = path
        self.dataset = {"images": [], "annotations": [], **start}
        if path.exists():
            there = read_coco(path)
            for name in ("info", "categories"):
                if there.get(name) != self.dataset[name]:
                    raise StateError(
                        f"{path}: was labelled in another way; its {name!r} is {there.get(name)}, "
                        f"now asked for is {self.dataset[name]}. Give another folder, or remove "
                        "the file to label anew"
                    )
            self.dataset = there
        self._next = 1 + max((row["id"] for row in self.dataset["annotations"]), default=0)
        self._unsaved = 0

    def annotate(
        self,
        image_id: int,
        category_ids: Sequence[int],
        boxes: npt.NDArray[np.float32],
        scores: npt.NDArray[np.float32],
    ) -> None:
        """Add annotations with scores; boxes are (N, 4) x1 y1 x2 y2."""
        for category_id, box, score in zip(
            category_ids, coco_boxes(boxes), scores.tolist(), strict=True
        ):
            self.dataset["annotations"].append(
                {
                    "id": self._next,
                    "image_id": image_id,
                    "category_id": category_id,
                    "bbox": box,
                    "area": round(box[2] * box[3], 1),
                    "iscrowd": 0,
                    "score": round(score, 3),
                }
            )
            self._next += 1

    def image_done(self) -> None:
        """Say that an image is complete; saves now and then."""
        self._unsaved += 1
        if self._unsaved >= SAVED_EVERY:
            self.save()

    def save(self) -> None:
        """Write the file anew and put it in the old one's place at once.

        Raises:
            InputError: It cannot be written.
        """
        self._unsaved = 0
        draft = self.path.with_name(self.path.name + ".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            draft.write_text(json.dumps(self.dataset), encoding="utf-8")
            draft.replace(self.path)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be written: {error.strerror}") from error


def read_coco(path: Path) -> dict[str, Any]:
    """A COCO dataset.

    Raises:
        InputError: It cannot be read, or is not JSON with `images`, `annotations`, `categories`.
    """
    try:
        dataset = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
    missing = [
        name
        for name in ("images", "annotations", "categories")
        if not isinstance(dataset, dict) or not isinstance(dataset.get(name), list)
    ]
    if missing:
        raise InputError(f"{path}: not a COCO dataset: no list {', '.join(map(repr, missing))}")
    return dict(dataset)


def coco_boxes(boxes: npt.NDArray[np.float32]) -> list[list[float]]:
    """(N, 4) x1 y1 x2 y2 as COCO's [x, y, w, h], to a tenth of a pixel."""
    rounded = xyxy_to_ltwh(boxes.astype(np.float64)).round(1)
    return [[float(value) for value in row] for row in rounded]
