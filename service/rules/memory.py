"""What the rules remember of each track at each line and zone, and how it is saved.

A row a track, by ascending identity; a column a place. Nothing else grows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError

__all__ = ["CELL", "ROUNDING", "Memory"]

ROUNDING = 1e-6
"""Seconds by which equal spans may differ: as float64, UNIX seconds are exact to 2.4e-7."""

CELL = np.dtype(
    [
        ("sign", np.int8),  # side that the anchor was on last, 0 while unknown
        ("since", np.float64),  # when it got there
        ("stands", np.int8),  # side that it stood on last, 0 while on none
        ("passes", np.int32),  # passes through the line since then, signed
        ("passed", np.float64),  # time of the last pass
        ("passed_at", np.float64, 2),
        ("leaves", np.bool_),  # it is behind a line at the picture's edge, cut by the border
        ("seen", np.float64),  # when the rule saw the track last
        ("at", np.float64, 2),  # where
        ("entered", np.float64),
        ("left", np.float64),
        ("earlier", np.float64),  # seconds of the visits before this one
        ("told_dwell", np.bool_),
        ("told_loitering", np.bool_),
        ("class", np.int32),
    ]
)
"""One track at one place; times are stream time in seconds, points are in 0…1."""

_FIELDS = tuple(CELL.names or ())

Cells = npt.NDArray[np.void]


class Memory:
    """Cells of the tracks that are remembered.

    Args:
        places: Number of columns.

    Attributes:
        ids: (T,) int64, ascending.
        seen: (T,) float64 stream time at which each was last seen.
        cells: (T, places) of `CELL`.
    """

    def __init__(self, places: int) -> None:
        self.ids = np.empty(0, np.int64)
        self.seen = np.empty(0, np.float64)
        self.cells: Cells = np.zeros((0, places), CELL)

    def rows(self, ids: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """The row of each identity; new ones get one."""
        new = np.setdiff1d(ids, self.ids)
        if len(new):
            joined = np.concatenate([self.ids, new])
            order = np.argsort(joined, kind="stable")
            self.ids = joined[order]
            self.seen = np.concatenate([self.seen, np.zeros(len(new))])[order]
            fresh = np.zeros((len(new), self.cells.shape[1]), CELL)
            self.cells = np.concatenate([self.cells, fresh])[order]
        return np.searchsorted(self.ids, ids)

    def keep(self, rows: npt.NDArray[np.bool_]) -> None:
        """Forget all other rows."""
        self.ids, self.seen, self.cells = self.ids[rows], self.seen[rows], self.cells[rows]

    def save(self, places: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """All rows as JSON takes them; `places` describes the columns."""
        return {
            "ids": self.ids.tolist(),
            "seen": self.seen.tolist(),
            "places": [
                {
                    "place": dict(place),
                    "cells": {name: self.cells[name][:, column].tolist() for name in _FIELDS},
                }
                for column, place in enumerate(places)
            ],
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any], places: Sequence[Mapping[str, Any]]) -> Memory:
        """Rows of `save`; a place that was not there, or was another, begins afresh.

        Raises:
            StateError: The state is not one of `save`.
        """
        memory = cls(len(places))
        try:
            memory.ids = np.array(state["ids"], dtype=np.int64)
            memory.seen = np.array(state["seen"], dtype=np.float64)
            rows = len(memory.ids)
            memory.cells = np.zeros((rows, len(places)), CELL)
            for saved in state["places"]:
                if saved["place"] not in places:
                    continue
                column = places.index(saved["place"])
                for name in _FIELDS:
                    values = np.array(saved["cells"][name]).reshape(rows, *CELL[name].shape)
                    memory.cells[name][:, column] = values
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise StateError(
                f"not a saved state of rules ({type(error).__name__}: {error})"
            ) from error
        if len(memory.seen) != rows or (np.diff(memory.ids) <= 0).any():
            raise StateError("not a saved state of rules: its tracks are not in order")
        return memory
