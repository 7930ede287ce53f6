"""Training data from a path, whatever its format."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from sightline.detector.training.coco import read_coco
from sightline.detector.training.examples import CLASSES, Example
from sightline.detector.training.mot import read_mot_sequences
from sightline.errors import InputError

__all__ = ["image_folder_of", "read_data"]


def read_data(
    path: Path, classes: Sequence[str] = CLASSES, skip_classes: Collection[str] = ()
) -> list[Example]:
    """Examples of one source; lists of several sources join by `+`.

    Args:
        path: A COCO JSON file, a folder that holds one (`instances_train.json` where there are
            several), a MOT sequence, or a folder of MOT sequences.
        classes: Names of the classes, in the network's order.
        skip_classes: Names of COCO categories that are left out.

    Raises:
        InputError: Nothing of this kind is there, or what is there is wrong.
    """
    if path.is_file():
        return read_coco(path, image_folder_of(path), classes, skip_classes)
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder; expected COCO JSON or MOT sequences")
    if any(path.glob("gt/gt.txt")) or any(path.glob("*/gt/gt.txt")):
        return read_mot_sequences(path, classes)
    files = sorted([*path.glob("*.json"), *path.glob("annotations/*.json")])
    if len(files) > 1:
        files = [file for file in files if file.name == "instances_train.json"] or files
    if not files:
        raise InputError(
            f"{path}: no training data in it; expected a COCO JSON file or sequences with "
            "img1/ and gt/gt.txt"
        )
    if len(files) > 1:
        raise InputError(
            f"{path}: {len(files)} JSON files ({', '.join(file.name for file in files[:5])}); "
            "name the one to train on"
        )
    return read_coco(files[0], image_folder_of(files[0]), classes, skip_classes)


def image_folder_of(path: Path) -> Path:
    """Where the pictures of a COCO JSON file lie, by the layouts that are common.

    `annotations/instances_NAME.json` goes with `NAME/` or `images/NAME/` beside `annotations/`
    (COCO's own); otherwise the pictures are in `images/` beside the file, or beside the file.
    """
    root = path.parent.parent if path.parent.name == "annotations" else path.parent
    name = path.stem.removeprefix("instances_")
    candidates = [root / name, root / "images" / name, root / "images"]
    for folder in candidates if root != path.parent else candidates[2:]:
        if folder.is_dir():
            return folder
    return path.parent
