"""Pieces of recordings: every frame's tracks as they are, some seconds in one value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.service.engine.messages import Recording
from sightline.structures import Tracks

__all__ = ["Recorder"]

_SECONDS = 10.0
_ROW = np.dtype(
    [
        ("number", np.int64),
        ("box", np.float32, 4),
        ("score", np.float32),
        ("class", np.int32),
        ("seen", np.bool_),
    ]
)
"""One track in one frame."""


class Recorder:
    """Gathers the tracks of one stream, and hands them out in pieces of at most ten seconds.

    Args:
        stream: Identifier of the stream.
        class_names: Name of each class index.
    """

    def __init__(self, stream: str, class_names: tuple[str, ...]) -> None:
        self._stream = stream
        self._class_names = class_names
        self._size = (0, 0)
        self._times: list[float] = []
        self._rows: list[npt.NDArray[np.void]] = []

    def add(self, tracks: Tracks, size: tuple[int, int]) -> Recording | None:
        """Take one frame's tracks.

        Args:
            tracks: All that were reported, in the order in which they were.
            size: Width and height of the picture in pixels.

        Returns:
            The piece that ended before this frame, if one did.
        """
        begins = not self._times or tracks.time - self._times[0] >= _SECONDS
        piece = self.flush() if begins or size != self._size else None
        rows = np.empty(len(tracks), _ROW)
        rows["number"], rows["box"], rows["score"] = tracks.ids, tracks.boxes, tracks.scores
        rows["class"], rows["seen"] = tracks.classes, tracks.detections >= 0
        self._times.append(tracks.time)
        self._rows.append(rows)
        self._size = size
        return piece

    def flush(self) -> Recording | None:
        """End the piece; None if there is nothing in it."""
        if not self._times:
            return None
        rows = np.concatenate(self._rows)
        lengths = [len(part) for part in self._rows]
        piece = Recording(
            stream=self._stream,
            size=self._size,
            class_names=self._class_names,
            frame_times=np.array(self._times),
            frames=np.repeat(np.arange(len(lengths), dtype=np.int32), lengths),
            numbers=rows["number"].copy(),
            boxes=rows["box"].copy(),
            scores=rows["score"].copy(),
            classes=rows["class"].copy(),
            seen=rows["seen"].copy(),
        )
        self._times, self._rows = [], []
        return piece

    def save(self) -> dict[str, npt.NDArray[Any]]:
        """What is gathered, as arrays."""
        return {
            "size": np.array(self._size),
            "times": np.array(self._times, np.float64),
            "lengths": np.array([len(part) for part in self._rows], np.int64),
            "rows": np.concatenate([np.empty(0, _ROW), *self._rows]),
        }

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Go on from `save`.

        Raises:
            KeyError: An array is missing.
            ValueError: They do not fit together.
        """
        rows, lengths = state["rows"], state["lengths"]
        if rows.dtype != _ROW or lengths.sum() != len(rows) or len(lengths) != len(state["times"]):
            raise ValueError("the rows of a recording do not fit its frames")
        self._size = (int(state["size"][0]), int(state["size"][1]))
        self._times = state["times"].tolist()
        self._rows = np.split(rows, np.cumsum(lengths)[:-1]) if len(lengths) else []
