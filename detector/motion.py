"""A detector without weights for cameras that do not move: what differs from the background.

It stands in for a network in the demo. It knows no classes and loses whoever stands still for
long. Background: mixture of Gaussians with shadow detection (Zivkovic and van der Heijden,
"Efficient adaptive density estimation per image pixel", 2006). Groups are taken apart as Zhao and
Nevatia ("Bayesian human segmentation in crowded situations", 2003) propose heads: at peaks of the
silhouette's upper contour, with the size that a person has at that place in this camera.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from scipy.stats import theilslopes

from sightline.structures import Detections, Frame

__all__ = ["MotionDetector"]

Image = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]

_WORKING_WIDTH = 640
_FOREGROUND = 255  # OpenCV marks shadows by 127
# A colour that a pixel shows less often than this leaves room for is somebody who walks slowly.
_BACKGROUND_SHARE = 0.75
_LEAST_SAMPLES = 30
# Of an upright person, as shares of its height.
_BODY_WIDTH = 0.42
_HEAD_DISTANCE = 0.25
_ALONE_WIDTH = 0.75
_ALONE_HEIGHT = 1.3


class _Size(NamedTuple):
    """Height of people in pixels by the row of their feet: `slope * foot + offset`.

    On level ground this is exactly a line, whatever the height and the tilt of the camera.
    """

    slope: float
    offset: float

    def at_foot(self, foot: float) -> float:
        return self.slope * foot + self.offset

    def at_head(self, head: float) -> float:
        return (self.slope * head + self.offset) / max(1 - self.slope, 0.1)


class MotionDetector:
    """Boxes around what moves in front of a fixed camera; implements `protocols.Detector`.

    It is stateful: it learns the background from the frames that it is given, in their order,
    so an instance serves one source. Call `learn` first where the source can be read twice:
    without it, whoever is in the first frame is taken for background until the frames show
    otherwise, and people who touch are one box.

    Args:
        least_height: Height of the smallest object that is reported, as a share of the picture's.
        memory: Frames after which a change that stays becomes background.
        contrast: Squared distance from the background, in its standard deviations, beyond which a
            pixel is foreground.

    Attributes:
        class_names: One name: motion tells nothing of classes.
    """

    def __init__(
        self, *, least_height: float = 0.05, memory: int = 500, contrast: float = 16.0
    ) -> None:
        self.class_names: tuple[str, ...] = ("object",)
        self.least_height = least_height
        self.memory = memory
        self.contrast = contrast
        self._background = cv2.createBackgroundSubtractorMOG2(memory, contrast, True)
        self._background.setBackgroundRatio(_BACKGROUND_SHARE)
        self._size: _Size | None = None

    def learn(self, frames: Iterable[Frame]) -> None:
        """Learn the background and how large people are, before detection begins.

        Args:
            frames: Some fifty frames of the fixed camera, apart in time; they are kept, at most
                640 wide, until this returns.
        """
        pictures = [_reduced(frame.image)[0] for frame in frames]
        for number, picture in enumerate(pictures, 1):
            self._background.apply(picture, learningRate=1 / number)
        parts = [self._parts(self._moving(picture, 0.0))[1] for picture in pictures]
        if parts:
            self._size = _fit_size(np.concatenate(parts), pictures[0].shape)

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame; a score says how much of its box moved, not how sure it is."""
        return [self._detect(frame) for frame in frames]

    def _detect(self, frame: Frame) -> Detections:
        picture, scale = _reduced(frame.image)
        moving = self._moving(picture, -1.0)
        labels, parts = self._parts(moving)
        boxes: list[Box] = []
        for label, left, top, width, height in parts.tolist():
            if self._size is None or _alone(self._size, top, width, height):
                boxes.append((left, top, left + width, top + height))
            else:
                piece = labels[top : top + height, left : left + width] == label
                boxes += [
                    (x1 + left, y1 + top, x2 + left, y2 + top)
                    for x1, y1, x2, y2 in _take_apart(piece, top, self._size)
                ]
        scores = _scores(moving, boxes)
        found = np.array(boxes, dtype=np.float32).reshape(-1, 4)
        return Detections(found / scale, scores, np.zeros(len(boxes), np.int32))

    def _moving(self, picture: Image, learning_rate: float) -> Image:
        """(H, W) 1 where the picture differs from the background; shadows do not."""
        mask = self._background.apply(picture, learningRate=learning_rate)
        moving = np.where(mask == _FOREGROUND, np.uint8(1), np.uint8(0))
        opened = cv2.morphologyEx(moving, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
        return np.asarray(opened, np.uint8)

    def _parts(self, moving: Image) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Labels of the connected parts, and a row (label, left, top, width, height) of each."""
        # Clothes in the colour of the ground leave gaps: closed upwards, not to neighbours.
        tall = max(int(0.02 * moving.shape[0]) | 1, 3)
        closed = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((tall, 3), np.uint8))
        _, labels, statistics, _ = cv2.connectedComponentsWithStats(closed, connectivity=8)
        rows = np.column_stack([np.arange(len(statistics)), statistics[:, :4]])[1:]
        least = self.least_height * moving.shape[0]
        return np.asarray(labels, np.int32), rows[
            (rows[:, 4] >= least) & (rows[:, 3] >= 0.25 * least)
        ]


def _reduced(image: Image) -> tuple[Image, float]:
    """The picture at most `_WORKING_WIDTH` wide, and its scale."""
    if image.shape[1] <= _WORKING_WIDTH:
        return image, 1.0
    scale = _WORKING_WIDTH / image.shape[1]
    size = (_WORKING_WIDTH, round(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8), scale


def _fit_size(parts: npt.NDArray[np.int32], shape: tuple[int, ...]) -> _Size | None:
    """The line through the parts that look like one upright person, or None if there are few."""
    left, top, width, height = parts[:, 1:].T
    right, foot = left + width, top + height
    upright = (width > 0.2 * height) & (width < 0.6 * height)
    inside = (left > 1) & (top > 1) & (right < shape[1] - 1) & (foot < shape[0] - 1)
    usable = upright & inside
    if np.count_nonzero(usable) < _LEAST_SAMPLES or np.ptp(foot[usable]) == 0:
        return None
    slope, offset, _, _ = theilslopes(height[usable], foot[usable])
    return _Size(float(slope), float(offset))


def _alone(size: _Size, top: float, width: float, height: float) -> bool:
    """Whether a part is no larger than one person would be there."""
    expected = max(size.at_foot(top + height), 1.0)
    return width < _ALONE_WIDTH * expected and height < _ALONE_HEIGHT * expected


def _take_apart(piece: npt.NDArray[np.bool_], top: int, size: _Size) -> list[Box]:
    """The people in one silhouette: by heads on its upper contour, then by feet in the rest.

    Args:
        piece: (h, w) the silhouette.
        top: Row of the picture that the silhouette begins at.
        size: How large people are.
    """
    rest = piece.copy()
    boxes = []
    for column, row in _heads(piece, top, size):
        height = size.at_head(top + row)
        box = _body(piece, column, row, height)
        boxes.append(box)
        _erase(rest, box)
    _, _, statistics, _ = cv2.connectedComponentsWithStats(rest.astype(np.uint8), connectivity=8)
    for left, first, width, height, _ in statistics[1:].tolist():
        expected = size.at_foot(top + first + height)
        if height > 0.45 * expected and width > 0.2 * expected:
            foot = first + height
            boxes.append(_body(piece, left + width / 2, foot - expected, expected))
    return boxes


def _heads(piece: npt.NDArray[np.bool_], top: int, size: _Size) -> list[tuple[float, float]]:
    """Column and row of the heads that stand out of the upper contour, the highest first."""
    contour = np.where(piece.any(axis=0), piece.argmax(axis=0), piece.shape[0])
    heads: list[tuple[float, float]] = []
    for column in np.argsort(contour, kind="stable").tolist():
        row = int(contour[column])
        height = size.at_head(top + row)
        if row + 0.5 * height > piece.shape[0] or height < 4:
            continue
        reach = round(_HEAD_DISTANCE * height)
        around = contour[max(column - reach, 0) : column + reach + 1]
        if row > around.min() or any(abs(column - x) < 1.5 * reach for x, _ in heads):
            continue
        flat = np.flatnonzero(around == row)
        centre = max(column - reach, 0) + float(flat.mean())
        low, high = int(max(centre - 0.1 * height, 0)), int(centre + 0.1 * height) + 1
        # An arm or a bag that stands out has no body below it.
        if piece[row : row + round(0.8 * height), low:high].mean() > 0.55:
            heads.append((centre, row))
    return heads


def _body(piece: npt.NDArray[np.bool_], column: float, row: float, height: float) -> Box:
    """The box of a person with the head there, its middle moved to the torso."""
    half = _BODY_WIDTH / 2 * height
    low, high = max(int(column - half), 0), max(int(column + half), 1)
    torso = piece[max(int(row), 0) : max(int(row + 0.5 * height), 1), low:high]
    weights = torso.sum(axis=0)
    centre = column
    if weights.any():
        centre = low + 0.5 + float(np.average(np.arange(len(weights)), weights=weights))
    foot = min(row + height, piece.shape[0])
    return (max(centre - half, 0), max(row, 0), min(centre + half, piece.shape[1]), foot)


def _erase(piece: npt.NDArray[np.bool_], box: Box) -> None:
    x1, y1, x2, y2 = (round(side) for side in box)
    margin = (x2 - x1) // 5
    piece[y1:y2, max(x1 - margin, 0) : x2 + margin] = False


def _scores(moving: Image, boxes: Sequence[Box]) -> npt.NDArray[np.float32]:
    """(N,) scores: an upright person fills about half of its box, which scores 0.9."""
    shares = [_mean(moving[int(y1) : int(y2), int(x1) : int(x2)]) for x1, y1, x2, y2 in boxes]
    scores: npt.NDArray[np.float32] = np.minimum(
        np.array(shares, dtype=np.float32) * np.float32(1.8), np.float32(0.95)
    )
    return scores


def _mean(values: npt.NDArray[Any]) -> float:
    return float(values.mean()) if values.size else 0.0
