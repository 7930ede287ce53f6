"""Camera motion that was measured beforehand, frame by frame."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from sightline.structures import Detections, Frame

__all__ = ["RecordedCameraMotion"]


class RecordedCameraMotion:
    """Hands out recorded affines; frames that were passed over are chained.

    Args:
        affines: By frame index from 0, the (2, 3) affine from the previous frame's pixels to
            this one's (`sightline.formats.mot.read_affines`). An index without one stands still.

    Example:
        >>> step = np.array([[1.0, 0, 2], [0, 1, 0]])
        >>> motion = RecordedCameraMotion({1: step, 2: step})
        >>> image = np.zeros((2, 2, 3), np.uint8)
        >>> motion.estimate(Frame(image, index=0), Detections.empty())[0].tolist()
        [1.0, 0.0, 0.0]
        >>> motion.estimate(Frame(image, index=2), Detections.empty())[0].tolist()
        [1.0, 0.0, 4.0]
    """

    def __init__(self, affines: Mapping[int, npt.NDArray[np.float64]]) -> None:
        self.affines = affines
        self._last: int | None = None

    def estimate(self, frame: Frame, detections: Detections) -> npt.NDArray[np.float64]:  # noqa: ARG002 - CameraMotion protocol
        """(2, 3) affine from the pixels of the last frame asked for to this one's."""
        chained = np.eye(3)
        first = frame.index if self._last is None else self._last
        for index in range(first + 1, frame.index + 1):
            if index in self.affines:
                chained = np.vstack([self.affines[index], [0, 0, 1]]) @ chained
        self._last = frame.index
        return chained[:2]
