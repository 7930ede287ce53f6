"""Networks that label what nobody has labelled, and what they agree on.

A teacher is written as `FILE` or `FILE@SIZE`: an ONNX network, a name of the registry or a YAML
file, as `sightline.detector.Detector` takes it, or the `.xml` of an OpenVINO network such as
Open Model Zoo's person-detection-0303. SIZE is `640` or `736x1280`, height times width.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from sightline.detector.class_names import class_indices
from sightline.detector.detector import DEFAULT_NMS, Detector
from sightline.detector.nms import nms
from sightline.detector.training.fusion import DEFAULT_IOU, fuse
from sightline.errors import InputError, ModelError
from sightline.structures import Detections, Frame

__all__ = ["Committee", "Teacher"]

CONFIDENCE = 0.05
"""Weaker boxes are not asked for: below it teachers do not tell objects from background."""

EDGE = 2.0
"""Pixels from a tile's inner edge within which a box counts as cut by it."""

OVERLAP = 0.25
"""Share of a tile that its neighbour shows too."""


class Teacher:
    """A network and the classes that it is trusted with.

    Args:
        spec: `FILE` or `FILE@SIZE`, as in this module's head.
        classes: Names of the classes that are taken from it; None for all that it knows.
        flip: Whether it looks at the mirrored picture too, as a second view.
        tiles: Rows and columns of overlapping tiles that are looked at beside the whole picture,
            for objects that are small in it; (1, 1) for the whole picture alone.
        thorough: Whether it finds nearly all objects of its classes in the pictures at hand, so
            that what it does not see is background.
        weight: How much it counts beside other teachers, above 0; shared among its views.
        threads: CPU threads; 0 for all cores that the process may use.

    Attributes:
        spec: As given.
        class_names: Names of the classes it is trusted with, by the index in its Detections.

    Raises:
        ModelError: The network cannot be found, loaded or read, or the package `openvino` is
            needed and missing.
        InputError: A parameter is out of its range, or a class is not among the network's.
    """

    def __init__(
        self,
        spec: str,
        classes: Sequence[str] | None = None,
        *,
        flip: bool = True,
        tiles: tuple[int, int] = (1, 1),
        thorough: bool = True,
        weight: float = 1.0,
        threads: int = 0,
    ) -> None:
        if not weight > 0:
            raise InputError(f"weight of teacher {spec}: expected a number above 0, got {weight}")
        if min(tiles) < 1:
            raise InputError(f"tiles of teacher {spec}: expected 1 or more each way, got {tiles}")
        self.spec = spec
        self.flip = flip
        self.tiles = tiles
        self.thorough = thorough
        self.weight = weight
        path, size = _parse(spec)
        self._network: _Network
        if path.endswith(".xml"):
            self._network = _OpenVinoDetector(Path(path), size, threads)
        else:
            self._network = Detector(path, "auto", CONFIDENCE, size=size, threads=threads)
        known = self._network.class_names
        wanted = range(len(known)) if classes is None else class_indices(classes, known)
        self.class_names = tuple(known[index] for index in wanted)
        self._columns = np.full(len(known), -1, dtype=np.int32)
        self._columns[list(wanted)] = np.arange(len(self.class_names))

    def views(self, image: npt.NDArray[np.uint8]) -> list[Detections]:
        """What it sees in a picture and, if it flips, in its mirror image; one entry a view.

        Args:
            image: (H, W, 3) uint8 BGR.

        Returns:
            Boxes in the picture's own pixels, scores above .05, classes into `class_names`.
        """
        seen = [self._see(image)]
        if self.flip:
            mirrored = self._see(image[:, ::-1])
            boxes = mirrored.boxes.copy()
            boxes[:, [0, 2]] = image.shape[1] - mirrored.boxes[:, [2, 0]]
            seen.append(Detections(boxes, mirrored.scores, mirrored.classes))
        return seen

    def _see(self, image: npt.NDArray[np.uint8]) -> Detections:
        parts = [self._trusted(image)]
        height, width = image.shape[:2]
        for left, top, right, bottom in _tiles(width, height, *self.tiles):
            seen = self._trusted(image[top:bottom, left:right])
            # What reaches a tile's inner edge is cut there; another tile or the whole shows it.
            inner = np.array([left > 0, top > 0, right < width, bottom < height])
            edges = np.array([0, 0, right - left, bottom - top], dtype=np.float32)
            outward = (seen.boxes - edges) * np.array([-1, -1, 1, 1], dtype=np.float32)
            kept = ~((outward > -EDGE) & inner).any(axis=1)
            shift = np.array([left, top, left, top], dtype=np.float32)
            parts.append(
                Detections(seen.boxes[kept] + shift, seen.scores[kept], seen.classes[kept])
            )
        if len(parts) == 1:
            return parts[0]
        seen = Detections.concatenate(parts)
        return seen[nms(seen.boxes, seen.scores, seen.classes, DEFAULT_NMS)]

    def _trusted(self, image: npt.NDArray[np.uint8]) -> Detections:
        found = self._network.detect([Frame(np.ascontiguousarray(image))])[0]
        classes = self._columns[found.classes]
        trusted = classes >= 0
        return Detections(found.boxes[trusted], found.scores[trusted], classes[trusted])


class Committee:
    """Several teachers as one detector: their views, fused (`protocols.Detector`).

    A teacher that does not know a class has no say about it: its silence does not lower the
    scores of those that do.

    Args:
        teachers: At least one.
        class_names: The classes to label, in the order of the result; None for all that the
            teachers know, in their order.
        iou_threshold: Overlap above which boxes of two views are one object.

    Attributes:
        class_names: Names by the index in `Detections.classes`.
        known: Those of them that at least one teacher knows, in the same order.
        thorough: Those of them that a thorough teacher knows.

    Raises:
        InputError: There is no teacher, or none knows any of the classes.
    """

    def __init__(
        self,
        teachers: Sequence[Teacher],
        class_names: Sequence[str] | None = None,
        *,
        iou_threshold: float = DEFAULT_IOU,
    ) -> None:
        if not teachers:
            raise InputError("a committee has at least one teacher; none was given")
        taught = dict.fromkeys(name for teacher in teachers for name in teacher.class_names)
        self.teachers = tuple(teachers)
        self.class_names = tuple(taught if class_names is None else class_names)
        self.known = tuple(name for name in self.class_names if name in taught)
        if not self.known:
            raise InputError(
                f"the teachers know {', '.join(taught)}; none of {', '.join(self.class_names)}"
            )
        sure = {name for teacher in teachers if teacher.thorough for name in teacher.class_names}
        self.thorough = tuple(name for name in self.known if name in sure)
        self.iou_threshold = iou_threshold
        index = {name: number for number, name in enumerate(self.class_names)}
        self._columns = [
            np.array([index.get(name, -1) for name in teacher.class_names], dtype=np.int32)
            for teacher in teachers
        ]

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """What the teachers see, fused; one Detections a frame, boxes cut to the picture."""
        return [self._label(frame.image) for frame in frames]

    def describe(self) -> list[dict[str, Any]]:
        """The teachers as plain JSON values, for the files that they label."""
        return [
            {
                "network": Path(teacher.spec).name,
                "classes": [name for name in teacher.class_names if name in self.known],
                "flip": teacher.flip,
                "tiles": list(teacher.tiles),
                "thorough": teacher.thorough,
                "weight": teacher.weight,
            }
            for teacher in self.teachers
        ]

    def _label(self, image: npt.NDArray[np.uint8]) -> Detections:
        views: list[Detections] = []
        weights: list[float] = []
        knows: list[npt.NDArray[np.bool_]] = []
        height, width = image.shape[:2]
        limits = np.array([width, height, width, height], dtype=np.float32)
        for teacher, columns in zip(self.teachers, self._columns, strict=True):
            known = np.isin(np.arange(len(self.class_names)), columns)
            seen = teacher.views(image)
            for view in seen:
                classes = columns[view.classes]
                # Cut first: at the edge teachers differ in how far outside they guess.
                boxes = np.clip(view.boxes, 0, limits)
                wanted = (classes >= 0) & (boxes[:, 2:] > boxes[:, :2]).all(axis=1)
                views.append(Detections(boxes[wanted], view.scores[wanted], classes[wanted]))
                weights.append(teacher.weight / len(seen))
                knows.append(known)
        return fuse(views, weights=weights, knows=np.stack(knows), iou_threshold=self.iou_threshold)


class _Network(Protocol):
    @property
    def class_names(self) -> tuple[str, ...]: ...

    def detect(self, frames: Sequence[Frame]) -> list[Detections]: ...


class _OpenVinoDetector:
    """A detector of Open Model Zoo whose output `boxes` is (K, 5): x1 y1 x2 y2 confidence.

    BGR, 0…255, stretched to the input; boxes in input pixels. Such files name no classes; those
    with this output that are known (person-detection-0301 … 0303) find persons.
    """

    class_names = ("person",)

    def __init__(self, path: Path, size: int | tuple[int, int] | None, threads: int) -> None:
        try:
            openvino = importlib.import_module("openvino")
        except ImportError:
            raise ModelError(
                f"{path}: an OpenVINO network needs the package openvino: pip install openvino"
            ) from None
        if not path.is_file():
            raise ModelError(f"{path}: no such file; give the .xml, with its .bin beside it")
        core = openvino.Core()
        try:
            model = core.read_model(path)
            if size is not None:
                model.reshape([1, 3, *((size, size) if isinstance(size, int) else size)])
            settings = {"INFERENCE_NUM_THREADS": threads} if threads else {}
            self._compiled = core.compile_model(model, "CPU", settings)
            self._boxes = self._compiled.output("boxes")
            _, channels, self._height, self._width = self._compiled.input(0).shape
        except (RuntimeError, ValueError, TypeError) as error:
            raise ModelError(
                f"{path}: cannot be used as a teacher: expected an OpenVINO network with an image "
                f"(1, 3, H, W) and an output `boxes` (K, 5): {str(error).splitlines()[0]}"
            ) from error
        if channels != 3:
            raise ModelError(f"{path}: expected an image of 3 channels, takes {channels}")

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """Persons in some frames, best first."""
        return [self._detect(frame.image) for frame in frames]

    def _detect(self, image: npt.NDArray[np.uint8]) -> Detections:
        resized = cv2.resize(image, (self._width, self._height), interpolation=cv2.INTER_LINEAR)
        blob = resized.transpose(2, 0, 1)[None].astype(np.float32)
        rows = np.asarray(self._compiled([blob])[self._boxes], dtype=np.float32)
        rows = rows[rows[:, 4] > CONFIDENCE]
        rows = rows[np.argsort(-rows[:, 4], kind="stable")]
        scale = np.array([image.shape[1] / self._width, image.shape[0] / self._height] * 2)
        boxes = rows[:, :4] * scale
        return Detections(boxes, np.clip(rows[:, 4], 0, 1), np.zeros(len(rows)))


def _parse(spec: str) -> tuple[str, int | tuple[int, int] | None]:
    """The file or name of a teacher, and its size."""
    match = re.fullmatch(r"(.+)@(\d+)(?:x(\d+))?", spec)
    if match is None:
        return spec, None
    height, width = int(match[2]), int(match[3] or match[2])
    return match[1], height if height == width else (height, width)


def _tiles(width: int, height: int, rows: int, columns: int) -> list[tuple[int, int, int, int]]:
    """x1 y1 x2 y2 of tiles of one size that cover a picture and overlap; none for one by one."""
    if rows == columns == 1:
        return []
    across, down = _spans(width, columns), _spans(height, rows)
    return [(left, top, right, bottom) for top, bottom in down for left, right in across]


def _spans(length: int, count: int) -> list[tuple[int, int]]:
    """Ends of `count` equal spans that cover a length, neighbours sharing `OVERLAP` of one."""
    span = length / (count - (count - 1) * OVERLAP)
    starts = [round(number * span * (1 - OVERLAP)) for number in range(count)]
    return [(start, min(length, start + round(span))) for start in starts]
