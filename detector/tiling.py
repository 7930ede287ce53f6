"""Detection in parts of the picture, for people who are small and far away.

A wide picture shrinks on its way into the network, and a person of twenty pixels is gone. Seen
in overlapping tiles at the network's size, and in the whole picture for what is larger than a
tile, both are found; what several views saw of one object is joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.detector.detector import DEFAULT_NMS
from sightline.detector.nms import nms
from sightline.errors import InputError
from sightline.geometry import inside_matrix
from sightline.protocols import Detector
from sightline.structures import Detections, Frame

__all__ = ["Tile", "TiledDetector", "parse_tiles", "tiles_of"]

Boxes = npt.NDArray[np.float32]

DEFAULT_OVERLAP = 0.2
"""Share of a tile that its neighbour sees too: the largest object that some tile sees whole."""

_BORDER = 0.015  # of a tile's side: so near a border, a box is said to end at it
_INSIDE = 0.5  # share of a cut box inside a whole one from which it is a part of that


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture, in its pixels.

    Args:
        left: First column.
        top: First row.
        right: Column after the last.
        bottom: Row after the last.
    """

    left: int
    top: int
    right: int
    bottom: int


class TiledDetector:
    """Looks at each frame as a whole and in tiles.

    Args:
        detector: What looks.
        rows: Tiles from top to bottom.
        columns: Tiles from left to right.
        overlap: Share of a tile's side that its neighbour covers too, in [0, 0.5].
        iou_threshold: Overlap above which the weaker of two boxes of a class is dropped.

    Attributes:
        class_names: The detector's.

    Raises:
        InputError: A number is out of its range.
    """

    def __init__(
        self,
        detector: Detector,
        rows: int,
        columns: int,
        *,
        overlap: float = DEFAULT_OVERLAP,
        iou_threshold: float = DEFAULT_NMS,
    ) -> None:
        if not 0 <= overlap <= 0.5:
            raise InputError(f"overlap of tiles: expected 0 to 0.5, got {overlap}")
        if rows < 1 or columns < 1 or rows * columns < 2:
            raise InputError(f"tiles: expected two at least, such as 2x2, got {rows}x{columns}")
        self.detector = detector
        self.rows = rows
        self.columns = columns
        self.overlap = overlap
        self.iou_threshold = iou_threshold
        self.class_names = detector.class_names

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame, best first, in pixels of the frame."""
        views: list[Frame] = []
        tiles: list[list[Tile]] = []
        for frame in frames:
            height, width = frame.image.shape[:2]
            parts = tiles_of(height, width, self.rows, self.columns, self.overlap)
            tiles.append(parts)
            views += [frame, *(_view(frame, tile) for tile in parts)]
        found = iter(self.detector.detect(views))
        joined = []
        for frame, parts in zip(frames, tiles, strict=True):
            whole = next(found)
            height, width = frame.image.shape[:2]
            in_tiles = [(tile, next(found)) for tile in parts]
            joined.append(self._join(whole, in_tiles, height, width))
        return joined

    def _join(
        self,
        whole: Detections,
        in_tiles: Sequence[tuple[Tile, Detections]],
        height: int,
        width: int,
    ) -> Detections:
        parts, cut = [whole], [np.zeros(len(whole), np.bool_)]
        for tile, seen in in_tiles:
            offset = np.array([tile.left, tile.top] * 2, np.float32)
            boxes = seen.boxes + offset
            parts.append(Detections(boxes, seen.scores, seen.classes))
            cut.append(_cut(boxes, tile, height, width))
        every = Detections.concatenate(parts)
        is_cut = np.concatenate(cut)
        keep = ~_part_of_another(every, is_cut)
        every = every[keep]
        rows = nms(every.boxes, every.scores, every.classes, self.iou_threshold)
        return every[rows]


def parse_tiles(text: str) -> tuple[int, int]:
    """Rows and columns of `2x2` (rows x columns).

    Raises:
        InputError: The text is no such thing.

    Example:
        >>> parse_tiles("1x3")
        (1, 3)
    """
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise InputError(f"tiles: expected rows x columns such as 2x2, got {text!r}")
    return int(parts[0]), int(parts[1])


def tiles_of(height: int, width: int, rows: int, columns: int, overlap: float) -> list[Tile]:
    """Tiles of one size that cover a picture, row by row.

    Args:
        height: Of the picture in pixels.
        width: Of the picture in pixels.
        rows: Tiles from top to bottom.
        columns: Tiles from left to right.
        overlap: Share of a tile's side that its neighbour covers too.

    Example:
        >>> [(tile.left, tile.right) for tile in tiles_of(100, 180, 1, 2, 0.2)]
        [(0, 100), (80, 180)]
    """
    return [
        Tile(left, top, right, bottom)
        for top, bottom in _spans(height, rows, overlap)
        for left, right in _spans(width, columns, overlap)
    ]


def _spans(length: int, count: int, overlap: float) -> list[tuple[int, int]]:
    # count tiles and count - 1 overlaps make the whole: t · (count - (count - 1) · overlap)
    side = min(length, int(np.ceil(length / (count - (count - 1) * overlap))))
    if count == 1:
        return [(0, length)]
    starts = np.linspace(0, length - side, count).round().astype(int).tolist()
    return [(start, start + side) for start in starts]


def _view(frame: Frame, tile: Tile) -> Frame:
    return Frame(frame.image[tile.top : tile.bottom, tile.left : tile.right])


def _cut(boxes: Boxes, tile: Tile, height: int, width: int) -> npt.NDArray[np.bool_]:
    """Which boxes end at a border of the tile that is none of the picture: parts, perhaps."""
    at_border: npt.NDArray[np.bool_] = np.zeros(len(boxes), np.bool_)
    near_x, near_y = _BORDER * (tile.right - tile.left), _BORDER * (tile.bottom - tile.top)
    if tile.left > 0:
        at_border |= boxes[:, 0] < tile.left + near_x
    if tile.top > 0:
        at_border |= boxes[:, 1] < tile.top + near_y
    if tile.right < width:
        at_border |= boxes[:, 2] > tile.right - near_x
    if tile.bottom < height:
        at_border |= boxes[:, 3] > tile.bottom - near_y
    return at_border


def _part_of_another(detections: Detections, cut: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which cut boxes lie mostly inside an uncut box of their class, seen whole elsewhere.

    By intersection over the cut box's own area: a half of a person overlaps the whole of it by
    no more than a half in the usual measure, and would be kept beside it.
    """
    part: npt.NDArray[np.bool_] = np.zeros(len(detections), np.bool_)
    pieces, wholes = np.flatnonzero(cut), np.flatnonzero(~cut)
    if not len(pieces) or not len(wholes):
        return part
    inside = inside_matrix(detections.boxes[pieces], detections.boxes[wholes])
    same = detections.classes[pieces][:, None] == detections.classes[wholes][None]
    part[pieces] = (same & (inside > _INSIDE)).any(axis=1)
    return part
