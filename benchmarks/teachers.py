"""How right teachers are at each score, alone and fused: what score bands are chosen by.

    python benchmarks/teachers.py ../shared --committee A.onnx@736x1280 \
        --committee persons.xml+flip --committee persons.xml+flip*2,A.onnx@640

A committee is teachers joined by commas: `FILE[@SIZE][+flip][*WEIGHT]`. Sets, ground truth and AP
are those of detection_accuracy.py (vtest every tenth frame). A detection is right if it overlaps
an object by half that no better one took; those inside crowds do not count. Measures only: no
network is trained on these pictures.
"""

from __future__ import annotations

import argparse
import re
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from detection_accuracy import Truth, ap50, mini, vtest

from sightline.detector.training.teachers import Committee, Teacher
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.structures import Detections

SCORES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
INSIDE = 0.5


def right_and_found(truths: list[Truth], found: list[Detections], score: float) -> tuple[int, int]:
    """Percent of the detections that are right, and of the objects that are found."""
    right = wrong = objects = 0
    for (rows, is_crowd), detections in zip(truths, found, strict=True):
        boxes = ltwh_to_xyxy(rows.ltwh.astype(np.float32))
        people, crowds = boxes[~is_crowd], boxes[is_crowd]
        strong = detections[detections.scores >= score]
        overlaps = iou_matrix(strong.boxes, people)
        objects += len(people)
        for row, box in enumerate(strong.boxes):
            best = int(overlaps[row].argmax()) if len(people) else -1
            if best >= 0 and overlaps[row, best] >= 0.5:
                overlaps[:, best] = 0
                right += 1
            else:
                low, high = np.maximum(box[:2], crowds[:, :2]), np.minimum(box[2:], crowds[:, 2:])
                shared = np.maximum(high - low, 0).prod(axis=1)
                wrong += not (shared >= INSIDE * np.prod(box[2:] - box[:2])).any()
    return round(100 * right / max(right + wrong, 1)), round(100 * right / objects)


def committee(text: str) -> Committee:
    """The committee that an argument describes."""
    teachers = []
    for part in text.split(","):
        match = re.fullmatch(r"(.+?)(\+flip)?(?:\*([\d.]+))?", part)
        assert match is not None
        spec, flip, weight = match.groups()
        teachers.append(
            Teacher(spec, ["person"], flip=bool(flip), weight=float(weight or 1), threads=1)
        )
    return Committee(teachers)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--committee", action="append", required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sets = {
        "vtest": list(islice(vtest(options.shared), 0, None, 2)),
        "mini": list(mini(options.shared)),
    }
    print(f"{'committee':48}{'set':7}{'AP50':>5}  " + "".join(f"{s:>9}" for s in SCORES))
    for text in options.committee:
        fused = committee(text)
        name = ",".join(Path(part).name for part in text.split(","))
        for set_name, pairs in sets.items():
            truths = [truth for _, truth in pairs]
            found = fused.detect([frame for frame, _ in pairs])
            shares = [right_and_found(truths, found, score) for score in SCORES]
            print(
                f"{name[:47]:48}{set_name:7}{ap50(truths, found, 0):5.1f}  "
                + "".join(f"{f'{right}/{seen}':>9}" for right, seen in shares)
            )


if __name__ == "__main__":
    main()
