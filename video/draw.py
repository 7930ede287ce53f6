"""Draws tracks on pictures: boxes, labels and trails, sized for the picture.

Everything scales with the short side, so that the same drawing reads at 320×240 and at 4K. A box
that is predicted and not detected is dashed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from sightline.structures import Tracks
from sightline.video.palette import Colour, identity_colour

__all__ = ["TrackPainter"]

Image = npt.NDArray[np.uint8]
Box = tuple[int, int, int, int]

_INK: Colour = (24, 20, 20)
_REGULAR, _BOLD = 420, 700  # weights of the variable font that OpenCV carries
_TRAIL_SECONDS = 2.0
_TRAIL_POINTS = 64
_CELL = 2  # pixels of a cell of the map that keeps labels apart


class TrackPainter:
    """Draws one source's tracks, and remembers their last two seconds for the trails.

    Args:
        class_names: Name of each class index; a class without a name shows its number.
        trails: Whether to draw where each track's foot point was.

    Example:
        >>> picture = np.zeros((240, 320, 3), np.uint8)
        >>> TrackPainter(["person"]).draw(picture, Tracks.empty())
    """

    def __init__(self, class_names: Sequence[str] = (), *, trails: bool = True) -> None:
        self.class_names = tuple(class_names)
        self.trails = trails
        self._font = cv2.FontFace("sans")
        self._widths: dict[tuple[str, int, int], int] = {}
        self._paths: dict[int, deque[tuple[float, float, float]]] = {}

    def draw(self, image: Image, tracks: Tracks) -> None:
        """Draw on the picture itself.

        Args:
            image: (H, W, 3) uint8 BGR; changed in place.
            tracks: Boxes in pixels of this picture. An id below 1 is a bare detection: it gets
                the colour of its class and no number.
        """
        sizes = _Sizes.of(image)
        if self.trails:
            self._remember(tracks)
            for identity in tracks.ids.tolist():
                self._draw_trail(image, identity, sizes)
        marks = self._marks(image, tracks)
        for mark in marks:  # far first, near over it
            _draw_box(image, mark, sizes)
        taken = np.zeros((image.shape[0] // _CELL + 2, image.shape[1] // _CELL + 2), np.bool_)
        for mark in reversed(marks):  # near ones choose their place first
            self._draw_label(image, mark, sizes, taken)

    def _marks(self, image: Image, tracks: Tracks) -> list[_Mark]:
        height, width = image.shape[:2]
        limits = np.array([width - 1, height - 1, width - 1, height - 1])
        boxes = np.clip(np.rint(tracks.boxes), 0, limits).astype(int)
        order = np.argsort(tracks.boxes[:, 3], kind="stable")
        marks = []
        for row in order.tolist():
            identity, label = int(tracks.ids[row]), int(tracks.classes[row])
            name = self.class_names[label] if label < len(self.class_names) else f"class {label}"
            x1, y1, x2, y2 = boxes[row].tolist()
            marks.append(
                _Mark(
                    (x1, y1, x2, y2),
                    identity_colour(identity if identity > 0 else label),
                    str(identity) if identity > 0 else "",
                    name,
                    f"{100 * float(tracks.scores[row]):.0f}%",
                    bool(tracks.detections[row] < 0 and identity > 0),
                )
            )
        return marks

    def _remember(self, tracks: Tracks) -> None:
        for identity, (x1, _, x2, y2) in zip(
            tracks.ids.tolist(), tracks.boxes.tolist(), strict=True
        ):
            if identity > 0:
                path = self._paths.setdefault(identity, deque(maxlen=_TRAIL_POINTS))
                if path and tracks.time - path[-1][0] > _TRAIL_SECONDS / 4:
                    path.clear()  # it was away: no straight line over the gap
                if not path or tracks.time - path[-1][0] >= _TRAIL_SECONDS / _TRAIL_POINTS:
                    path.append((tracks.time, (x1 + x2) / 2, y2))
        oldest = tracks.time - _TRAIL_SECONDS
        for identity in [key for key, path in self._paths.items() if path[-1][0] < oldest]:
            del self._paths[identity]

    def _draw_trail(self, image: Image, identity: int, sizes: _Sizes) -> None:
        oldest = self._paths[identity][-1][0] - _TRAIL_SECONDS if identity in self._paths else 0.0
        points = [point[1:] for point in self._paths.get(identity, ()) if point[0] >= oldest]
        if len(points) < 2:
            return
        # Eighths of a pixel: a trail of whole pixels trembles.
        path = np.rint(np.array(points) * 8).astype(np.int32)
        colour = identity_colour(identity)
        half = len(path) // 2
        faint = (colour[0] * 2 // 3, colour[1] * 2 // 3, colour[2] * 2 // 3)
        cv2.polylines(
            image, [path[: half + 1]], False, faint, max(1, sizes.line - 1), cv2.LINE_AA, shift=3
        )
        cv2.polylines(image, [path[half:]], False, colour, sizes.line, cv2.LINE_AA, shift=3)

    def _draw_label(
        self, image: Image, mark: _Mark, sizes: _Sizes, taken: npt.NDArray[np.bool_]
    ) -> None:
        number_width = self._width(mark.number, sizes.text, _BOLD)
        # Where the whole label would cover another, its less telling parts go first.
        for caption in (f"{mark.name} {mark.score}", mark.score, ""):
            gap = sizes.pad if mark.number and caption else 0
            width = number_width + gap + self._width(caption, sizes.text, _REGULAR)
            if width == 0:
                return
            place = _free_place(mark.box, width + 2 * sizes.pad, sizes, image, taken)
            if place is not None:
                break
        else:
            return  # a crowd: its colour says who it is, a pile of tags would say nothing
        x1, y1, x2, y2 = place
        cv2.rectangle(image, (x1, y1), (x2 - 1, y2 - 1), mark.colour, cv2.FILLED)
        x, baseline = x1 + sizes.pad, y1 + sizes.baseline
        if mark.number:
            cv2.putText(image, mark.number, (x, baseline), _INK, self._font, sizes.text, _BOLD)
        if caption:
            x += number_width + gap
            cv2.putText(image, caption, (x, baseline), _INK, self._font, sizes.text, _REGULAR)

    def _width(self, text: str, size: int, weight: int) -> int:
        if not text:
            return 0
        key = (text, size, weight)
        width = self._widths.get(key)
        if width is None:
            if len(self._widths) > 4096:
                self._widths.clear()
            width = int(cv2.getTextSize((0, 0), text, (0, 0), self._font, size, weight)[2])
            self._widths[key] = width
        return width


@dataclass(frozen=True, slots=True)
class _Sizes:
    line: int
    text: int
    pad: int
    tag: int
    baseline: int

    @classmethod
    def of(cls, image: Image) -> _Sizes:
        short = min(image.shape[:2])
        text = max(9, round(6 + short / 72))
        pad = max(2, round(text / 4))
        line = max(1, round(short / 360))
        return cls(line, text, pad, text + pad, round(0.86 * text + pad / 2))


@dataclass(frozen=True, slots=True)
class _Mark:
    box: Box
    colour: Colour
    number: str
    name: str
    score: str
    predicted: bool


def _draw_box(image: Image, mark: _Mark, sizes: _Sizes) -> None:
    if mark.predicted:
        _draw_dashes(image, mark.box, sizes.line, mark.colour)
        return
    if sizes.line > 2:  # a dark edge keeps a light colour visible on a light ground
        _draw_outline(image, mark.box, sizes.line + 2, _INK)
    _draw_outline(image, mark.box, sizes.line, mark.colour)


def _draw_outline(image: Image, box: Box, line: int, colour: Colour) -> None:
    """Four filled strips: exact and faster than `cv2.rectangle`, whose lines come out wider."""
    left, top, right, bottom = _outer(box, line)
    image[top : top + line, left:right] = colour
    image[bottom - line : bottom, left:right] = colour
    image[top:bottom, left : left + line] = colour
    image[top:bottom, right - line : right] = colour


def _draw_dashes(image: Image, box: Box, line: int, colour: Colour) -> None:
    left, top, right, bottom = _outer(box, line)
    dash = 3 * line + 2
    for x in range(left, right, 2 * dash):
        image[top : top + line, x : min(x + dash, right)] = colour
        image[bottom - line : bottom, x : min(x + dash, right)] = colour
    for y in range(top, bottom, 2 * dash):
        image[y : min(y + dash, bottom), left : left + line] = colour
        image[y : min(y + dash, bottom), right - line : right] = colour


def _outer(box: Box, line: int) -> Box:
    """The outer edge of a line that runs along the box; slices cut what leaves the picture."""
    x1, y1, x2, y2 = box
    half = line // 2
    left, top = max(x1 - half, 0), max(y1 - half, 0)
    return left, top, max(x2 - half, left) + line, max(y2 - half, top) + line


def _free_place(
    box: Box, width: int, sizes: _Sizes, image: Image, taken: npt.NDArray[np.bool_]
) -> Box | None:
    """Where a tag fits without covering another: above the box, below it, or inside."""
    height_limit, width_limit = image.shape[:2]
    x1, y1, x2, y2 = box
    edge = sizes.line // 2 + 1
    left, right = x1 - edge, x2 + edge - width + 1
    above, inside, below = y1 - edge - sizes.tag + 1, y1 + edge, y2 + edge
    for x, y in (
        *((left, above), (right, above), (left, below), (right, below)),
        *((left, inside), (right, inside), (left, above - sizes.tag), (right, above - sizes.tag)),
    ):
        x = min(max(x, 0), max(width_limit - width, 0))
        if y < 0 or y + sizes.tag > height_limit:
            continue
        # Tags may touch.
        cells = taken[
            (y + 1) // _CELL : (y + sizes.tag - 2) // _CELL + 1,
            (x + 1) // _CELL : (x + width - 2) // _CELL + 1,
        ]
        if not cells.any():
            cells[:] = True
            return x, y, x + width, y + sizes.tag
    return None
