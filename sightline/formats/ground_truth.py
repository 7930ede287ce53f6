"""Tracks as MOTChallenge ground truth: `frame,id,left,top,width,height,1,class,visibility`.

Classes are MOT16's numbers; what it has none for (a dog, say) is left out, since a wrong number
would count as something else. Visibility is 1: nobody measured it.
Format: Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from sightline.formats.mot_tracks import MOT_CLASS_NAMES
from sightline.formats.table import TrackTable

__all__ = ["ground_truth_lines", "mot_class"]

_NUMBERS = {name: number for number, name in enumerate(MOT_CLASS_NAMES) if number > 0} | {
    "person": 1,
    "motorcycle": 5,
    "bus": 3,
    "truck": 3,
}


def mot_class(name: str) -> int | None:
    """MOT16's number of a class; None where it has none.

    Example:
        >>> mot_class("person"), mot_class("truck"), mot_class("dog")
        (1, 3, None)
    """
    return _NUMBERS.get(name)


def ground_truth_lines(table: TrackTable) -> Iterator[str]:
    """The lines of a `gt.txt`, by frame; boxes of classes that MOT16 does not know are left out.

    Args:
        table: The tracks; frames and places count from 0, those of the text from 1.
    """
    highest = int(table.classes.max(initial=-1)) + 1
    numbers = np.array([mot_class(table.info.class_name(k)) or 0 for k in range(highest)], np.int64)
    classes = numbers[table.classes] if highest else np.empty(0, np.int64)
    rows = zip(
        table.frames.tolist(), table.ids.tolist(), table.boxes.tolist(), classes.tolist(),
        strict=True,
    )  # fmt: skip
    for frame, identity, (x1, y1, x2, y2), number in rows:
        if number:
            yield (
                f"{frame + 1},{identity},{x1 + 1:.2f},{y1 + 1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},"
                f"1,{number},1\n"
            )
