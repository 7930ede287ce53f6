"""Passes through lines, and the crossings that come of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.service.rules.events import Event, class_name, point
from sightline.service.rules.layout import Layout
from sightline.service.rules.memory import Cells
from sightline.service.rules.scene import Line

__all__ = ["crossings", "note_passes"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Signs = npt.NDArray[np.int8]


def note_passes(
    cells: Cells, sign: Signs, anchors: Array, distances: Array, now: float, layout: Layout
) -> None:
    """Note each step from one side to the other that goes between a line's ends.

    Args:
        cells: (T, L) cells of tracks at the lines, as they were before the step; changed in place.
        sign: (T, L) the side after the step.
        anchors: (T, L, 2) anchor points after the step, in 0…1.
        distances: (T, L) signed distances after the step.
        now: Stream time after the step.
        layout: The lines.
    """
    before = layout.before_lines(cells["at"])
    step = before - distances
    share = np.clip(before / np.where(step == 0, 1, step), 0, 1)
    place = cells["at"] + share[..., None] * (anchors - cells["at"])
    passed = (sign != cells["sign"]) & (cells["sign"] != 0) & layout.beside_lines(place)
    cells["passes"] += np.where(passed, sign, 0)
    time = cells["seen"] + share * (now - cells["seen"])
    cells["passed"] = np.where(passed, time, cells["passed"])
    cells["passed_at"] = np.where(passed[..., None], place, cells["passed_at"])


def crossings(
    cells: Cells,
    crossed: Mask,
    lines: Sequence[Line],
    ids: npt.NDArray[np.int64],
    now: float,
    *,
    stream: str,
    class_names: Sequence[str],
) -> list[Event]:
    """The events of those who `crossed` (T, L) and stand where their cells' sign says."""
    return [
        Event(
            stream,
            "line_cross",
            lines[column].id,
            float(cells["passed"][row, column]),
            now,
            int(ids[row]),
            class_name(class_names, cells["class"][row, column]),
            "in" if cells["sign"][row, column] > 0 else "out",
            point(cells["passed_at"][row, column]),
        )
        for row, column in np.argwhere(crossed)
    ]
