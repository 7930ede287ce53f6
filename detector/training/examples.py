"""A labelled picture: where it lies, and what is known of it.

Labels say more than boxes. A picture may be labelled for some classes only (`labelled`), its
labels may be incomplete (`uncertain`), and parts of it may be left out (`ignore`): what the loss
may call background follows from these three.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["CLASSES", "EVERY_CLASS", "Example", "Labels", "decode", "read_bytes", "replace_labels"]

Image = npt.NDArray[np.uint8]
Boxes = npt.NDArray[np.float32]

CLASSES = ("person", "bicycle", "car", "motorcycle", "bus", "truck")
"""The classes of the project's own networks, in their order."""

EVERY_CLASS = -1
"""The class of an ignore region that holds for all classes."""

_REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}
_FLAGS = cv2.IMREAD_IGNORE_ORIENTATION


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """What is known of one picture; boxes are x1 y1 x2 y2 in its pixels.

    Args:
        boxes: (N, 4) float32 objects.
        classes: (N,) int32 their classes.
        weights: (N,) float32 in (0, 1]: 1 for labels by people, a teacher's score otherwise.
        ignore: (M, 4) float32 regions where a detection is neither right nor wrong.
        ignore_classes: (M,) int32 the class that a region holds for, -1 for every class.
        labelled: (C,) bool classes for which a missing label means background; an object of
            another class is an object all the same.
        uncertain: (K, 4) float32 regions that hold more objects than are labelled.

    Raises:
        InputError: The shapes do not fit together.
    """

    boxes: Boxes
    classes: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    ignore: Boxes
    ignore_classes: npt.NDArray[np.int32]
    labelled: npt.NDArray[np.bool_]
    uncertain: Boxes

    def __init__(
        self,
        boxes: npt.ArrayLike,
        classes: npt.ArrayLike,
        labelled: npt.ArrayLike,
        *,
        weights: npt.ArrayLike | None = None,
        ignore: npt.ArrayLike = (),
        ignore_classes: npt.ArrayLike | None = None,
        uncertain: npt.ArrayLike = (),
    ) -> None:
        set_field = object.__setattr__
        set_field(self, "boxes", np.asarray(boxes, np.float32).reshape(-1, 4))
        set_field(self, "classes", np.asarray(classes, np.int32).reshape(-1))
        rows = len(self.boxes)
        given = np.ones(rows, np.float32) if weights is None else weights
        set_field(self, "weights", np.asarray(given, np.float32).reshape(-1))
        set_field(self, "ignore", np.asarray(ignore, np.float32).reshape(-1, 4))
        every = np.full(len(self.ignore), EVERY_CLASS) if ignore_classes is None else ignore_classes
        set_field(self, "ignore_classes", np.asarray(every, np.int32).reshape(-1))
        set_field(self, "labelled", np.asarray(labelled, np.bool_).reshape(-1))
        set_field(self, "uncertain", np.asarray(uncertain, np.float32).reshape(-1, 4))
        lengths = (rows, len(self.classes), len(self.weights))
        if len(set(lengths)) > 1 or len(self.ignore) != len(self.ignore_classes):
            raise InputError(
                f"labels: boxes, classes and weights have {lengths} rows, ignore regions and "
                f"their classes {(len(self.ignore), len(self.ignore_classes))}; expected as many"
            )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> Labels:
        """The same picture with some of its objects."""
        return replace_labels(
            self, boxes=self.boxes[rows], classes=self.classes[rows], weights=self.weights[rows]
        )


def replace_labels(labels: Labels, **fields: npt.ArrayLike) -> Labels:
    """The labels with some fields changed."""
    known = {name: getattr(labels, name) for name in Labels.__slots__}
    known.update(fields)
    return Labels(known.pop("boxes"), known.pop("classes"), known.pop("labelled"), **known)


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """A picture in a file, with its labels.

    Args:
        path: The picture.
        width: Width in pixels, as the label file has it.
        height: Height in pixels.
        labels: What is known of it.
        set_name: The set that it belongs to; recipes weigh sets by this name.
        group: Pictures that look alike, such as frames of one clip, share it; no split of the
            data parts them.
    """

    path: Path
    width: int
    height: int
    labels: Labels
    set_name: str
    group: str

    def load(self) -> Image:
        """The picture, decoded anew: (H, W, 3) uint8 BGR.

        Raises:
            InputError: The picture is missing, damaged, or not of the size that its labels are for.
        """
        return self.decode(read_bytes(self.path))

    def decode(self, data: bytes | memoryview | Image, reduction: int = 1) -> Image:
        """The picture from its file's bytes.

        Args:
            data: The file's bytes.
            reduction: 1, 2, 4 or 8: decode at this fraction of the size.

        Raises:
            InputError: As for `load`.
        """
        image = decode(data, self.path, reduction)
        expected = (-(-self.height // reduction), -(-self.width // reduction))
        # JPEG rounds the sides of a reduced picture up, other formats down.
        rounding = 0 if reduction == 1 else 1
        if np.abs(np.subtract(image.shape[:2], expected)).max() > rounding:
            raise InputError(
                f"{self.path}: the picture is {image.shape[1]}×{image.shape[0]} where its labels "
                f"are for {expected[1]}×{expected[0]}; mend width and height in the label file"
            )
        return image


def read_bytes(path: Path) -> bytes:
    """The bytes of a picture's file.

    Raises:
        InputError: It cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: the picture cannot be read: {error.strerror}") from error


def decode(data: bytes | memoryview | Image, path: Path, reduction: int = 1) -> Image:
    """A picture from its file's bytes: (H, W, 3) uint8 BGR, not turned by EXIF.

    Args:
        data: The file's bytes.
        path: What errors call it.
        reduction: 1, 2, 4 or 8.

    Raises:
        InputError: It is damaged, cut short, or no picture.
    """
    raw = np.frombuffer(data, np.uint8)
    # OpenCV fills the missing rest of a JPEG with grey and tells only the terminal.
    if raw[:2].tobytes() == b"\xff\xd8" and not _is_complete_jpeg(raw):
        raise InputError(f"{path}: the JPEG is cut short; copy it again, or leave it out")
    image = cv2.imdecode(raw, _REDUCED[reduction] | _FLAGS) if raw.size else None
    if image is None:
        raise InputError(f"{path}: not a picture that OpenCV can read, or a damaged one")
    return np.asarray(image, np.uint8)


def _is_complete_jpeg(raw: Image) -> bool:
    """Whether an end-of-image marker follows the first scan (ITU-T T.81, annex B)."""
    data = raw.tobytes()
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] == 0xFF:  # a fill byte
            at += 1
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] == 0xDA:
            return data.rfind(b"\xff\xd9", at + 2 + length) >= 0
        at += 2 + length
    return False
