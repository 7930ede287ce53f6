"""What networks return, decoded: boxes in input pixels, scores and classes.

A head turns the outputs of a network into `Candidates` for each picture of a batch. Five
families are known (DESIGN §4):

- `YoloxHead`, the raw grid of YOLOX (Ge et al., 2021, arXiv:2107.08430);
- `Yolov8Head`, boxes decoded in the graph and class scores, a column an anchor;
- `DetrHead`, logits and normalised boxes of queries (Carion et al., 2020, arXiv:2005.12872;
  with a sigmoid: Zhu et al., 2020, arXiv:2010.04159, and RT-DETR and what follows it);
- `EndToEndHead`, finished detections, in three layouts;
- `SightlineHead`, the finished detections of our own exports.

All compare scores with the threshold before they compute boxes, so that a crowd of empty
anchors costs one comparison each. An anchor or query has one class, its best.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, get_args

import numba
import numpy as np
import numpy.typing as npt

from sightline.errors import ModelError
from sightline.geometry import cxcywh_to_xyxy

__all__ = [
    "STRIDES",
    "Activation",
    "Candidates",
    "DetrHead",
    "EndToEndHead",
    "EndToEndLayout",
    "Head",
    "HeadName",
    "SightlineHead",
    "Yolov8Head",
    "YoloxHead",
    "grid_size",
]

HeadName = Literal["yolox", "yolov8", "detr", "end-to-end", "sightline"]
Activation = Literal["sigmoid", "softmax"]
EndToEndLayout = Literal["rows", "boxes-labels", "boxes-scores-classes"]

STRIDES = (8, 16, 32)
"""Input pixels a cell in the three grids of YOLOX and YOLOv8."""

Array = npt.NDArray[Any]

_LARGEST_EXPONENT = np.float32(20)  # exp(20) cells are wider than any picture


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a head found in one picture, before suppression.

    Args:
        boxes: (N, 4) float32 x1 y1 x2 y2 in input pixels.
        scores: (N,) float32 above the threshold.
        classes: (N,) integer.
    """

    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.integer[Any]]

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, rows: Array) -> Candidates:
        return Candidates(self.boxes[rows], self.scores[rows], self.classes[rows])


class Head(Protocol):
    """Turns a network's outputs into candidates.

    Attributes:
        name: Its name in registries and messages.
        overlapping: Whether candidates still overlap, so that suppression must follow.
    """

    name: HeadName
    overlapping: bool

    def decode(
        self, outputs: Sequence[Array], confidence: float, pictures: int
    ) -> list[Candidates]:
        """Decode a batch.

        Args:
            outputs: The network's outputs in the graph's order, batch first.
            confidence: Only scores above it are returned.
            pictures: How many pictures to decode, from the first.

        Raises:
            ModelError: The network returned values that are not numbers.
        """
        ...


class YoloxHead:
    """(B, A, 5+C): offset x and y, log width and height in cells, objectness, class scores.

    cx = (x + column) · stride, w = exp(w) · stride, score = objectness · class score; both
    are probabilities already. The A = Σ H/s · W/s anchors come grid by grid, row by row.

    Args:
        height: Height of the input in pixels, a multiple of 32.
        width: Width of the input in pixels, a multiple of 32.
    """

    name: HeadName = "yolox"
    overlapping = True

    def __init__(self, height: int, width: int) -> None:
        cells, strides = [], []
        for stride in STRIDES:
            rows, columns = np.mgrid[: height // stride, : width // stride]
            cells.append(np.stack([columns.ravel(), rows.ravel()], axis=1))
            strides.append(np.full(rows.size, stride))
        self._cells = np.concatenate(cells).astype(np.float32)
        self._strides = np.concatenate(strides).astype(np.float32)

    def decode(
        self, outputs: Sequence[Array], confidence: float, pictures: int
    ) -> list[Candidates]:
        """Decode a batch; see `Head.decode`."""
        return [self._picture(rows, confidence) for rows in outputs[0][:pictures]]

    def _picture(self, rows: Array, confidence: float) -> Candidates:
        rows = rows.astype(np.float32, copy=False)
        _check_numbers(rows[:, 4])
        return Candidates(*_decode_yolox(rows, self._cells, self._strides, np.float32(confidence)))


class Yolov8Head:
    """(B, 4+C, A): cx cy w h in input pixels and class probabilities, a column an anchor."""

    name: HeadName = "yolov8"
    overlapping = True

    def decode(
        self, outputs: Sequence[Array], confidence: float, pictures: int
    ) -> list[Candidates]:
        """Decode a batch; see `Head.decode`."""
        return [self._picture(columns, confidence) for columns in outputs[0][:pictures]]

    def _picture(self, columns: Array, confidence: float) -> Candidates:
        best = columns[4:].max(axis=0)
        _check_numbers(best)
        anchors = np.flatnonzero(best > confidence)
        chosen = columns[:, anchors].T.astype(np.float32, copy=False)
        return Candidates(
            cxcywh_to_xyxy(chosen[:, :4]),
            best[anchors].astype(np.float32, copy=False),
            chosen[:, 4:].argmax(axis=1),
        )


class DetrHead:
    """Logits (B, Q, C or C+1) and boxes (B, Q, 4), cx cy w h as shares of the input's sides.

    Args:
        height: Height of the input in pixels.
        width: Width of the input in pixels.
        logits: Index of the logits among the outputs.
        boxes: Index of the boxes among the outputs.
        activation: `sigmoid` for C independent classes, `softmax` for C+1 of which the last
            means no object.
    """

    name: HeadName = "detr"
    overlapping = False

    def __init__(
        self, height: int, width: int, *, logits: int, boxes: int, activation: Activation
    ) -> None:
        self.activation = activation
        self._sides = np.array([width, height, width, height], dtype=np.float32)
        self._logits = logits
        self._boxes = boxes

    def decode(
        self, outputs: Sequence[Array], confidence: float, pictures: int
    ) -> list[Candidates]:
        """Decode a batch; see `Head.decode`."""
        return [
            self._picture(logits.astype(np.float32, copy=False), boxes, confidence)
            for logits, boxes in zip(
                outputs[self._logits][:pictures], outputs[self._boxes][:pictures], strict=True
            )
        ]

    def _picture(self, logits: Array, boxes: Array, confidence: float) -> Candidates:
        if self.activation == "softmax":
            weights = np.exp(logits - logits.max(axis=1, keepdims=True))
            classes = weights[:, :-1].argmax(axis=1)
            best = np.take_along_axis(weights, classes[:, None], 1)[:, 0]
            scores = best / weights.sum(axis=1)
        else:
            classes = logits.argmax(axis=1)
            best = np.take_along_axis(logits, classes[:, None], 1)[:, 0]
            scores = _sigmoid(best)
        _check_numbers(scores)
        good = scores > confidence
        chosen = boxes[good].astype(np.float32, copy=False) * self._sides
        return Candidates(cxcywh_to_xyxy(chosen), scores[good], classes[good])


class EndToEndHead:
    """Finished detections, boxes x1 y1 x2 y2 in input pixels, padded to K with scores of 0.

    Args:
        layout: `rows`: (B, K, 6) with box, score, class. `boxes-labels`: (B, K, 5) with box
            and score, and labels (B, K). `boxes-scores-classes`: boxes (B, K, 4), scores
            (B, K), classes (B, K), and the number of valid rows (B, 1) if the graph has it.
        order: Index among the outputs of each part that the layout names, in that order;
            the count, where there is one, comes last.
    """

    name: HeadName = "end-to-end"
    overlapping = False

    def __init__(self, layout: EndToEndLayout, order: Sequence[int]) -> None:
        if layout not in get_args(EndToEndLayout):
            raise ValueError(f"unknown layout {layout!r}")
        self.layout = layout
        self._order = tuple(order)

    def decode(
        self, outputs: Sequence[Array], confidence: float, pictures: int
    ) -> list[Candidates]:
        """Decode a batch; see `Head.decode`."""
        parts = [outputs[index] for index in self._order]
        if self.layout == "rows":
            boxes, scores, classes = parts[0][..., :4], parts[0][..., 4], parts[0][..., 5]
        elif self.layout == "boxes-labels":
            boxes, scores, classes = parts[0][..., :4], parts[0][..., 4], parts[1]
        else:
            boxes, scores, classes = parts[:3]
        counts = parts[3].reshape(-1) if len(parts) == 4 else np.full(len(boxes), boxes.shape[1])
        found = []
        for picture, count in enumerate(counts[:pictures].tolist()):
            score = scores[picture, :count].astype(np.float32, copy=False)
            _check_numbers(score)
            good = np.flatnonzero(score > confidence)
            found.append(
                Candidates(
                    boxes[picture][good].astype(np.float32, copy=False),
                    score[good],
                    classes[picture][good].astype(np.int32, copy=False),
                )
            )
        return found


class SightlineHead:
    """(N, 7): picture, x1, y1, x2, y2 in input pixels, score, class; sorted by picture.

    The graph has compared scores with the confidence and suppressed duplicates.
    """

    name: HeadName = "sightline"
    overlapping = False

    def decode(
        self,
        outputs: Sequence[Array],
        confidence: float,  # noqa: ARG002 - the graph has it as an input
        pictures: int,
    ) -> list[Candidates]:
        """Decode a batch; see `Head.decode`."""
        rows = outputs[0]
        edges = np.searchsorted(rows[:, 0], np.arange(pictures + 1)).tolist()
        return [
            Candidates(part[:, 1:5], part[:, 5], part[:, 6].astype(np.int32))
            for part in (rows[begin:end] for begin, end in itertools.pairwise(edges))
        ]


def grid_size(height: int, width: int) -> int:
    """Anchors of the three grids of YOLOX and YOLOv8 for an input of a size in pixels.

    Example:
        >>> grid_size(416, 416), grid_size(640, 640)
        (3549, 8400)
    """
    return sum((height // stride) * (width // stride) for stride in STRIDES)


@numba.njit(cache=True)
def _decode_yolox(rows: Any, cells: Any, strides: Any, confidence: Any) -> Any:
    """Boxes, scores and classes of the anchors that pass; one walk over the grid."""
    count = 0
    for anchor in range(len(rows)):
        # Class scores are at most 1, so the objectness bounds the score.
        count += rows[anchor, 4] > confidence
    boxes = np.empty((count, 4), dtype=np.float32)
    scores = np.empty(count, dtype=np.float32)
    classes = np.empty(count, dtype=np.int32)
    found = 0
    for anchor in range(len(rows)):
        objectness = rows[anchor, 4]
        if not objectness > confidence:
            continue
        best = np.argmax(rows[anchor, 5:])
        score = objectness * rows[anchor, 5 + best]
        if not score > confidence:
            continue
        stride = strides[anchor]
        x = (rows[anchor, 0] + cells[anchor, 0]) * stride
        y = (rows[anchor, 1] + cells[anchor, 1]) * stride
        half_width = np.exp(min(rows[anchor, 2], _LARGEST_EXPONENT)) * stride / 2
        half_height = np.exp(min(rows[anchor, 3], _LARGEST_EXPONENT)) * stride / 2
        boxes[found, 0] = x - half_width
        boxes[found, 1] = y - half_height
        boxes[found, 2] = x + half_width
        boxes[found, 3] = y + half_height
        scores[found] = score
        classes[found] = best
        found += 1
    return boxes[:found], scores[:found], classes[:found]


def _sigmoid(values: Array) -> Array:
    # exp never sees a positive number, so it cannot overflow.
    small = np.exp(-np.abs(values))
    result: Array = np.where(values >= 0, 1, small) / (1 + small)
    return result


def _check_numbers(scores: Array) -> None:
    # The largest of an array with a NaN is NaN: one pass, no temporary.
    if scores.size and np.isnan(scores.max()):
        raise ModelError(
            "the network returned scores that are not numbers; a half-precision or INT8 export "
            "that overflowed does that: export it in float32"
        )
