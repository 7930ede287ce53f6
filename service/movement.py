"""Where people stand and which way they go, added up from stored paths: heat map and flow.

A path has two places a second at most. Between two of them a straight line is walked at one speed;
its seconds go to the cells of a grid, and its steps to the directions of a coarser one. The place
of a person is where the feet are: the middle of the box's lower side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Arrow", "Movement", "movement_of"]

Floats = npt.NDArray[np.float64]

_LONGEST_GAP = 3.0
"""Seconds between two places beyond which nobody knows the way in between."""
_SECTORS = 8
_OTHER_WAY = 0.4
"""A second arrow is shown if it stands for this share of the first one's movement."""
_LEAST_SPEED = 0.01
"""Of the picture's diagonal a second; slower is standing, whose direction is the box's noise."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Movement in one cell of the coarser grid, one way.

    Args:
        x: Middle of the cell, 0…1 of the picture.
        y: Middle of the cell.
        dx: Mean speed, in widths of the picture a second.
        dy: Mean speed, in heights of the picture a second.
        tracks: How many went that way.
    """

    x: float
    y: float
    dx: float
    dy: float
    tracks: int


@dataclass(frozen=True, slots=True, eq=False)
class Movement:
    """What many tracks make of a picture.

    Args:
        tracks: How many there were.
        seconds: (H, W) float64 seconds that somebody stood in each cell, of all together.
        arrows: The ways that were gone, the most used first.
    """

    tracks: int
    seconds: Floats
    arrows: tuple[Arrow, ...]


def movement_of(
    paths: Iterable[Floats], *, columns: int = 64, rows: int = 36, arrow_columns: int = 16
) -> Movement:
    """Add up paths.

    Args:
        paths: (P, 5) seconds, x1, y1, x2, y2 in 0…1; one a track.
        columns: Cells of the heat map from left to right.
        rows: Cells from top to bottom.
        arrow_columns: Cells of the flow from left to right; from top to bottom 9 for 16.
    """
    seconds = np.zeros((rows, columns))
    flow = _Flow(arrow_columns, max(round(arrow_columns * 9 / 16), 1))
    tracks = 0
    for path in paths:
        tracks += 1
        starts, steps, spans = _steps(path)
        _spread(seconds, starts, steps, spans)
        flow.add(starts, steps, spans)
    return Movement(tracks, seconds, flow.arrows())


def _steps(path: Floats) -> tuple[Floats, Floats, Floats]:
    """(S, 2) feet, (S, 2) the way to the next place, (S,) seconds that it takes."""
    feet = np.stack([(path[:, 1] + path[:, 3]) / 2, path[:, 4]], axis=1).clip(0, 1 - 1e-9)
    spans = np.diff(path[:, 0])
    known = (spans > 0) & (spans <= _LONGEST_GAP)
    return feet[:-1][known], np.diff(feet, axis=0)[known], spans[known]


def _spread(seconds: Floats, starts: Floats, steps: Floats, spans: Floats) -> None:
    """Give the seconds of each step to the cells that it leads through."""
    if not len(spans):
        return
    size = np.array(seconds.shape[::-1])
    # So many points that no cell is jumped over.
    points = int(np.ceil(np.abs(steps * size).max())) + 1
    shares = (np.arange(points) + 0.5) / points
    places = starts[:, None] + steps[:, None] * shares[None, :, None]
    cells = (places * size).astype(np.int64)
    np.add.at(
        seconds,
        (cells[..., 1], cells[..., 0]),
        np.broadcast_to(spans[:, None] / points, cells.shape[:2]),
    )


class _Flow:
    """Movement by cell and direction."""

    def __init__(self, columns: int, rows: int) -> None:
        shape = (rows, columns, _SECTORS)
        self._size = np.array([columns, rows])
        self._way = np.zeros((*shape, 2))
        self._spans = np.zeros(shape)
        self._tracks = np.zeros(shape, np.int64)

    def add(self, starts: Floats, steps: Floats, spans: Floats) -> None:
        """Add the steps of one track."""
        moving = np.linalg.norm(steps, axis=1) >= _LEAST_SPEED * np.sqrt(2) * spans
        starts, steps, spans = starts[moving], steps[moving], spans[moving]
        cells = ((starts + steps / 2) * self._size).astype(np.int64)
        turns = np.arctan2(steps[:, 1], steps[:, 0]) / (2 * np.pi)
        sectors = np.round(turns * _SECTORS).astype(np.int64) % _SECTORS
        where = (cells[:, 1], cells[:, 0], sectors)
        np.add.at(self._way, where, steps)
        np.add.at(self._spans, where, spans)
        once = np.unique(np.stack(where, axis=1), axis=0)
        self._tracks[once[:, 0], once[:, 1], once[:, 2]] += 1

    def arrows(self) -> tuple[Arrow, ...]:
        """The main way of each cell, and one that leads elsewhere if it is used much, too."""
        found = []
        lengths = np.linalg.norm(self._way, axis=3)
        for row, column in np.argwhere(lengths.any(axis=2)):
            first = int(lengths[row, column].argmax())
            # Half a turn, give or take a quarter: what is beside the first is the first.
            others = [(first + turn) % _SECTORS for turn in (3, 4, 5)]
            second = max(others, key=lambda sector: float(lengths[row, column, sector]))
            found.append(self._arrow(row, column, first))
            if lengths[row, column, second] >= _OTHER_WAY * lengths[row, column, first]:
                found.append(self._arrow(row, column, second))
        return tuple(sorted(found, key=lambda arrow: -arrow.tracks))

    def _arrow(self, row: int, column: int, sector: int) -> Arrow:
        x, y = (np.array([column, row]) + 0.5) / self._size
        dx, dy = self._way[row, column, sector] / self._spans[row, column, sector]
        tracks = int(self._tracks[row, column, sector])
        return Arrow(float(x), float(y), float(dx), float(dy), tracks)
