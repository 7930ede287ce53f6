"""A small COCO data set on the disk, and examples that need none."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.detector.training.examples import CLASSES, Example, Labels

WriteCoco = Callable[..., Path]
WriteExamples = Callable[..., list[Example]]


@pytest.fixture
def write_coco(tmp_path: Path) -> WriteCoco:
    """A function that writes `labels.json` and its pictures, 64×48, in `images/`."""

    def write(
        annotations: Sequence[dict[str, Any]] = (),
        *,
        images: Sequence[dict[str, Any]] = ({},),
        categories: Sequence[str] = CLASSES,
        **fields: Any,
    ) -> Path:
        (tmp_path / "images").mkdir(exist_ok=True)
        rows = []
        for number, given in enumerate(images, 1):
            row = {"id": number, "file_name": f"{number}.jpg", "width": 64, "height": 48, **given}
            cv2.imwrite(
                str(tmp_path / "images" / row["file_name"]), np.zeros((48, 64, 3), np.uint8)
            )
            rows.append(row)
        boxes = []
        for number, given in enumerate(annotations, 1):
            boxes.append({"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0, **given})
        path = tmp_path / "labels.json"
        names = [{"id": number, "name": name} for number, name in enumerate(categories, 1)]
        dataset = {"images": rows, "annotations": boxes, "categories": names, **fields}
        path.write_text(json.dumps(dataset))
        return path

    return write


@pytest.fixture
def write_examples(tmp_path: Path) -> WriteExamples:
    """A function that writes pictures of noise, each with a box of each of the given classes."""

    def write(
        count: int,
        *,
        width: int = 96,
        height: int = 64,
        classes: Sequence[int] = (0,),
        set_name: str = "made",
        uncertain: bool = False,
        labelled: Sequence[bool] = (True,) * len(CLASSES),
    ) -> list[Example]:
        random = np.random.default_rng(count)
        examples = []
        for number in range(count):
            path = tmp_path / f"{set_name}-{number}.jpg"
            coarse = random.integers(0, 256, (height // 8, width // 8, 3), np.uint8)
            picture = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST)
            cv2.imwrite(str(path), picture)
            boxes = [(10 + 4 * k, 8, 26 + 4 * k, 56) for k in range(len(classes))]
            region = [(0, 0, width, height)] if uncertain else []
            labels = Labels(boxes, classes, labelled, uncertain=region)
            examples.append(Example(path, width, height, labels, set_name, str(path)))
        return examples

    return write
