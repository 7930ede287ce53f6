"""Pictures on their way into a network: the input that each takes, and the buffers they share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.detector.preprocessing import Placement, Preprocessing, Writer
from sightline.detector.sizes import Sizing
from sightline.structures import Frame

__all__ = ["GREY", "Inputs", "MakeWriter"]

MakeWriter = Callable[[Preprocessing, int, int], Writer]
"""What writes pictures into an input of a height and width."""

GREY = 114
"""The value of a picture's padding, and of a picture that shows nothing."""

Size = tuple[int, int]


class Inputs:
    """Writes frames into a network's input; keeps its buffers, so it serves one thread.

    Args:
        sizing: Chooses the input for a frame.
        preprocessing: What the network wants done to pictures.
        make_writer: Makes what does it.
    """

    def __init__(
        self, sizing: Sizing, preprocessing: Preprocessing, make_writer: MakeWriter
    ) -> None:
        self.sizing = sizing
        self.preprocessing = preprocessing
        self._make_writer = make_writer
        self._writers: dict[Size, Writer] = {}
        self._buffers: dict[Size, npt.NDArray[Any]] = {}

    def by_size(self, frames: Sequence[Frame]) -> dict[Size, list[int]]:
        """The frames' indices by the height and width of the input that they take."""
        groups: dict[Size, list[int]] = {}
        for index, frame in enumerate(frames):
            height, width = frame.image.shape[:2]
            groups.setdefault(self.sizing.input_for(height, width), []).append(index)
        return groups

    def write(
        self, frames: Sequence[Frame], size: Size, pictures: int
    ) -> tuple[npt.NDArray[Any], list[Placement]]:
        """Fit frames into an input.

        Args:
            frames: The frames.
            size: Height and width of the input.
            pictures: How many the input holds; those beyond the frames are left as they are.

        Returns:
            The input, valid until the next call for this size, and where each frame lies in it.
        """
        if size not in self._writers:
            self._writers[size] = self._make_writer(self.preprocessing, *size)
            self._buffers[size] = self._grey(size, pictures)
        if len(self._buffers[size]) < pictures:
            self._buffers[size] = self._grey(size, pictures)
        writer, blob = self._writers[size], self._buffers[size][:pictures]
        placements = [
            writer.write(frame.image, target)
            for frame, target in zip(frames, blob[: len(frames)], strict=True)
        ]
        return blob, placements

    def _grey(self, size: Size, pictures: int) -> npt.NDArray[Any]:
        writer = self._writers[size]
        return np.full((pictures, *writer.shape), GREY, dtype=writer.dtype)
