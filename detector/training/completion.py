"""Labelled photographs whose labels are not all there, completed by teachers.

A set that labels cars alone says nothing about the people in its pictures, and one that is not
exhaustive leaves objects of its own classes out. Learning from such pictures as if all were
there teaches a network not to see. Real labels are never changed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import decode, read_bytes
from sightline.detector.training.label_file import LabelFile, coco_boxes, read_coco
from sightline.detector.training.labelling_run import labelling_run
from sightline.detector.training.pseudo_labels import (
    Bands,
    ClassBands,
    LabelCounts,
    say_each_once,
)
from sightline.detector.training.teachers import Committee
from sightline.errors import InputError
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.structures import Detections, Frame

__all__ = ["complete"]

MATCH = 0.5
"""Overlap from which a teacher's box is the object that a label of its kind marks."""


def complete(
    labels: Path,
    images: Path,
    committee: Committee,
    out: Path,
    bands: Mapping[str, Bands] | None = None,
) -> LabelCounts:
    """Add what teachers see to the images that are not exhaustive or lack a class.

    A teacher's box that matches no label of its kind (same `supercategory`: what one calls car
    another calls truck) nor lies in a crowd or an ignored box becomes, where its class is

    - labelled in the image: an ignored box from `ignore` on;
    - not labelled in it: an annotation with its `score` from `positive` on, an ignored box
      between the bands. `labelled_classes` stays as it is: what the teachers miss is no
      background either.

    Exhaustive images get nothing in the classes that they label. The output is the whole dataset
    with the additions, readable at every moment; images that were completed have `completed`
    true, and a later run goes on with the others. Ctrl-C ends the run after saving.

    Args:
        labels: COCO dataset, with the fields of `label_file`; without `labelled_classes` an
            image counts as labelled in all categories, without `exhaustive` as exhaustive.
        images: Folder that its file names are relative to.
        committee: Who completes it.
        out: The JSON file to write.
        bands: What scores mean, by class name; `Bands()` for classes that are not named.

    Raises:
        InputError: The dataset cannot be read or `out` not written, or they are the same file.
        StateError: `out` was completed by other teachers or with other bands.
    """
    if out.exists() and out.samefile(labels):
        raise InputError(f"{out}: completed labels go to another file than the labels themselves")
    dataset = read_coco(labels)
    class_bands = ClassBands(bands or {}, committee.class_names)
    info = {
        "description": "Labels completed by teachers; see docs/distillation.md",
        "labels": dataset.get("info", {}),
        "teachers": committee.describe(),
        "bands": class_bands.describe(),
    }
    file = LabelFile(out, {**dataset, "info": info})
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in file.dataset["annotations"]:
        rows.setdefault(row["image_id"], []).append(row)
    completer = _Completer(file, committee, class_bands)
    lacking = [image for image in file.dataset["images"] if completer.lacks(image)]
    counts = LabelCounts(there=sum(bool(image.get("completed")) for image in lacking))
    with labelling_run() as run:
        run.begin(f"completing {labels.name}", len(lacking))
        try:
            for image in lacking:
                if run.stopped:
                    break
                if not image.get("completed"):
                    path = images / image["file_name"]
                    try:
                        frame = Frame(decode(read_bytes(path), path))
                    except InputError as error:
                        counts.warnings.append(f"{error}; its labels stay as they are")
                    else:
                        completer.complete(image, frame, rows.get(image["id"], []), counts)
                run.advance()
        finally:
            file.save()
        counts.interrupted = run.stopped
    return counts


class _Completer:
    """Adds to one image at a time."""

    def __init__(self, file: LabelFile, committee: Committee, bands: ClassBands) -> None:
        self._file = file
        self._committee = committee
        self._bands = bands
        self._categories = file.dataset["categories"]
        self._ids = {row["name"]: row["id"] for row in self._categories}
        self._kinds = {
            row["id"]: row.get("supercategory") or row["name"] for row in self._categories
        }

    def lacks(self, image: dict[str, Any]) -> bool:
        """Whether the teachers may have something to add."""
        labelled = image.get("labelled_classes", self._ids)
        return not image.get("exhaustive", True) or any(
            name not in labelled for name in self._committee.known
        )

    def complete(
        self,
        image: dict[str, Any],
        frame: Frame,
        rows: Sequence[dict[str, Any]],
        counts: LabelCounts,
    ) -> None:
        """Add to one image; `rows` are its own labels."""
        names = self._committee.class_names
        found = self._committee.detect([frame])[0]
        found = found[self._bands.seen(found)]
        found = say_each_once(found, names, self._categories)
        found = found[self._unmatched(found, image, rows)]
        labelled = image.get("labelled_classes", self._ids)
        own = np.array([name in labelled for name in names], np.bool_)[found.classes]
        if image.get("exhaustive", True):
            found, own = found[~own], own[~own]
        sure = self._bands.sure(found) & ~own
        added = [names[index] for index in found.classes[sure]]
        self._file.annotate(
            image["id"],
            [self._ids[name] for name in added],
            found.boxes[sure],
            self._bands.weights(found)[sure],
        )
        image["ignore_boxes"] = image.get("ignore_boxes", []) + coco_boxes(found.boxes[~sure])
        image["completed"] = True
        self._file.image_done()
        counts.images += 1
        counts.objects.update(added)
        counts.ignored += int((~sure).sum())

    def _unmatched(
        self, found: Detections, image: dict[str, Any], rows: Sequence[dict[str, Any]]
    ) -> npt.NDArray[np.bool_]:
        """(N,) which detections are neither labelled nor in a crowd or an ignored box."""
        names = self._committee.class_names
        kinds = np.array([self._kinds[self._ids[names[index]]] for index in found.classes])
        free = np.ones(len(found), np.bool_)
        covers = [row["bbox"] for row in rows if row.get("iscrowd")]
        covers += image.get("ignore_boxes", [])
        free &= (_covered(found.boxes, _xyxy(covers)) < MATCH).all(axis=1)
        for kind in set(kinds.tolist()):
            real = [
                row["bbox"]
                for row in rows
                if not row.get("iscrowd") and self._kinds[row["category_id"]] == kind
            ]
            matched = (iou_matrix(found.boxes, _xyxy(real)) >= MATCH).any(axis=1)
            free &= ~matched | (kinds != kind)
        return free


def _xyxy(rows: Sequence[Sequence[float]]) -> npt.NDArray[np.float32]:
    return ltwh_to_xyxy(np.array(rows, np.float32).reshape(-1, 4))


def _covered(
    boxes: npt.NDArray[np.float32], covers: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(N, M) share of each box's area that lies inside each cover."""
    low = np.maximum(boxes[:, None, :2], covers[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], covers[None, :, 2:])
    sides = np.maximum(high - low, 0)
    areas = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True)
    shares: npt.NDArray[np.float32] = np.prod(sides, axis=2) / np.maximum(areas, 1e-9)
    return shares
