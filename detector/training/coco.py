"""Examples from COCO JSON, with the fields that this project adds.

Format: Lin et al., "Microsoft COCO: Common Objects in Context", 2014, https://cocodataset.org.
Added, all optional. Of an image: `set` and `source` (names), `clip` (frames of one clip share
it), `labelled_classes` (names; a missing label of another class means nothing), `exhaustive`
(false: more objects stand unlabelled), `ignore_boxes` ([x, y, w, h] each, for every class). Of an
annotation: `score` (a teacher's, in (0, 1]). `iscrowd` makes an annotation an ignore region of its
class. docs/training-data.md has the whole of it.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sightline.detector.training.examples import CLASSES, EVERY_CLASS, Example, Labels
from sightline.errors import InputError

__all__ = ["read_coco"]

_logger = logging.getLogger(__name__)

_ROUNDING = 2.0  # pixels that a box may reach beyond its picture


def read_coco(
    path: Path,
    image_folder: Path,
    classes: Sequence[str] = CLASSES,
    skip_classes: Collection[str] = (),
) -> list[Example]:
    """Examples of a COCO JSON file, an example an image, in the file's order.

    Categories are matched by name, whatever their numbers. Boxes that reach up to two pixels
    beyond their picture are cut; those without area are left out with a warning. Classes are
    taken for labelled where the file has a category of that name, unless an image says otherwise.

    Args:
        path: The JSON file.
        image_folder: Folder that the `file_name`s are relative to.
        classes: Names of the classes, in the network's order.
        skip_classes: Names of categories that are left out.

    Raises:
        InputError: The file is not COCO's format, a picture is missing, an id is there twice, a
            category is unknown, or a box is not finite or not inside its picture; the message
            names the file and the image or annotation.
    """
    return _Reader(path, image_folder, classes, skip_classes).read()


class _Reader:
    """Reads one file; the attributes are what its parts share."""

    def __init__(
        self, path: Path, image_folder: Path, classes: Sequence[str], skip_classes: Collection[str]
    ) -> None:
        self.path = path
        self.image_folder = image_folder
        self.classes = {name.casefold(): number for number, name in enumerate(classes)}
        self.skipped = {name.casefold() for name in skip_classes}
        self.empty = 0

    def read(self) -> list[Example]:
        data = _read_json(self.path)
        for field in ("images", "annotations", "categories"):
            if not isinstance(data, dict) or not isinstance(data.get(field), list):
                raise InputError(f"{self.path}: no list {field!r}; expected a COCO JSON file")
        if not data["images"]:
            raise InputError(f"{self.path}: 'images' is empty; there is nothing to learn from")
        categories = self._categories(data["categories"])
        images = self._by_id(data["images"], "image")
        self._by_id(data["annotations"], "annotation")
        rows: dict[Any, list[dict[str, Any]]] = {number: [] for number in images}
        for row in data["annotations"]:
            owner = row.get("image_id")
            if owner not in rows:
                raise InputError(
                    f"{self.path}: annotation {row['id']} is of image {owner!r}, which is not "
                    "among the images"
                )
            rows[owner].append(row)
        named = {number for number in categories.values() if number is not None}
        default = np.isin(np.arange(len(self.classes)), sorted(named))
        examples = [
            self._example(image, rows[number], categories, default)
            for number, image in images.items()
        ]
        if self.empty:
            _logger.warning("%s: left out %d boxes without area", self.path, self.empty)
        return examples

    def _categories(self, items: Sequence[Any]) -> dict[Any, int | None]:
        """Class of each category number; None for those to leave out."""
        categories: dict[Any, int | None] = {}
        for item in self._by_id(items, "category").values():
            name = str(item.get("name", ""))
            categories[item["id"]] = self._class(name, f"category {item['id']}")
        return categories

    def _class(self, name: str, where: str) -> int | None:
        """The class of a name; None for one to leave out."""
        if name.casefold() in self.skipped:
            return None
        if name.casefold() not in self.classes:
            raise InputError(
                f"{self.path}: {where}: unknown class {name!r}; known are "
                f"{', '.join(self.classes)}; name it in skip_classes to leave it out"
            )
        return self.classes[name.casefold()]

    def _by_id(self, items: Sequence[Any], kind: str) -> dict[Any, dict[str, Any]]:
        found: dict[Any, dict[str, Any]] = {}
        for position, item in enumerate(items):
            if not isinstance(item, dict) or not isinstance(item.get("id"), int | str):
                raise InputError(f"{self.path}: {kind} number {position} has no 'id'")
            if item["id"] in found:
                raise InputError(f"{self.path}: {kind} id {item['id']} is there twice")
            found[item["id"]] = item
        return found

    def _example(
        self,
        image: dict[str, Any],
        rows: Sequence[dict[str, Any]],
        categories: dict[Any, int | None],
        default: np.ndarray[Any, np.dtype[np.bool_]],
    ) -> Example:
        where = f"image {image['id']}"
        path, size = self._picture(image, where)
        boxes, numbers, weights, ignore, ignore_classes = [], [], [], [], []
        for row in rows:
            label = f"annotation {row['id']} ({where})"
            if row.get("category_id") not in categories:
                raise InputError(
                    f"{self.path}: {label}: category {row.get('category_id')!r} is not among the "
                    f"categories ({', '.join(map(str, categories))})"
                )
            number = categories[row["category_id"]]
            box = self._box(row.get("bbox"), size, label)
            if number is None or box is None:
                continue
            if row.get("iscrowd"):
                ignore.append(box)
                ignore_classes.append(number)
            else:
                boxes.append(box)
                numbers.append(number)
                weights.append(self._score(row.get("score", 1.0), label))
        for given in image.get("ignore_boxes", ()):
            box = self._box(given, size, f"{where}, ignore_boxes")
            if box is not None:
                ignore.append(box)
                ignore_classes.append(EVERY_CLASS)
        labelled = default
        if "labelled_classes" in image:
            there = [self._class(str(item), where) for item in image["labelled_classes"]]
            labelled = np.isin(np.arange(len(self.classes)), [i for i in there if i is not None])
        return Example(
            path=path,
            width=size[0],
            height=size[1],
            labels=Labels(
                boxes,
                numbers,
                labelled,
                weights=weights,
                ignore=ignore,
                ignore_classes=ignore_classes,
                uncertain=[] if image.get("exhaustive", True) else [(0, 0, *size)],
            ),
            set_name=str(image.get("set", self.path.stem)),
            group=self._group(image),
        )

    def _picture(self, image: dict[str, Any], where: str) -> tuple[Path, tuple[int, int]]:
        """The picture's file, which is there, and its width and height."""
        name, width, height = (image.get(field) for field in ("file_name", "width", "height"))
        if (
            not isinstance(name, str)
            or not isinstance(width, int)
            or not isinstance(height, int)
            or min(width, height) < 1
        ):
            raise InputError(
                f"{self.path}: {where}: expected file_name, and width and height in whole pixels; "
                f"got {name!r}, {width!r}, {height!r}"
            )
        path = self.image_folder / name
        if not path.is_file():
            raise InputError(
                f"{self.path}: {where}: the picture {path} is missing; file_name is relative to "
                f"{self.image_folder}"
            )
        return path, (width, height)

    def _box(
        self, given: Any, size: tuple[int, int], where: str
    ) -> tuple[float, float, float, float] | None:
        """x1 y1 x2 y2 inside the picture; None for a box without area."""
        try:
            left, top, width, height = (float(value) for value in given)
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{self.path}: {where}: expected [left, top, width, height]; got {given!r}"
            ) from error
        right, bottom = left + width, top + height
        if not all(map(math.isfinite, (right, bottom))) or width < 0 or height < 0:
            raise InputError(
                f"{self.path}: {where}: the box {given!r} is not finite or has a negative side"
            )
        beyond = max(-left, -top, right - size[0], bottom - size[1])
        if beyond > _ROUNDING:
            raise InputError(
                f"{self.path}: {where}: the box {given!r} reaches {beyond:.1f} px beyond its "
                f"picture of {size[0]}×{size[1]}; expected [left, top, width, height] in its pixels"
            )
        left, top = max(left, 0.0), max(top, 0.0)
        right, bottom = min(right, size[0]), min(bottom, size[1])
        if right <= left or bottom <= top:
            self.empty += 1
            return None
        return left, top, right, bottom

    def _score(self, given: Any, where: str) -> float:
        if not isinstance(given, int | float) or not 0 < given <= 1:
            raise InputError(f"{self.path}: {where}: expected a score in (0, 1]; got {given!r}")
        return float(given)

    def _group(self, image: dict[str, Any]) -> str:
        """Its clip, for frames of one; else itself."""
        return f"{self.path.stem}/{image.get('set', '')}/{image.get('clip', image['file_name'])}"


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise InputError(f"{path}: not JSON: {error}") from error
