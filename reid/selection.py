"""Which of the detections that the tracker asks about get an embedding, and how they get it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.protocols import Embedder
from sightline.structures import Detections, Frame

__all__ = ["Selection", "embed_detections"]

_CUT = 2.0
"""Pixels from the picture's left or right border within which it cuts a person."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What keeps detections from getting an embedding.

    People whom the left or right border cuts get none: what is seen of them misleads, and in a
    moment they have gone or are there whole. The lower border often cuts everybody near the camera
    for good, so it does not count.

    Args:
        limit: Most crops of a frame.
        classes: Class indices that the network knows (people); None for all.

    Raises:
        InputError: The limit is below 1.
    """

    limit: int = 16
    classes: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InputError(f"re-ID limit: expected 1 or more crops a frame, got {self.limit}")

    def rows(
        self, frame: Frame, detections: Detections, wanted: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        """The rows that get one.

        Args:
            frame: The picture.
            detections: What was seen in it.
            wanted: (K,) rows for which the tracker has a use, the most urgent first.
        """
        lefts, rights = detections.boxes[wanted, 0], detections.boxes[wanted, 2]
        kept = (lefts > _CUT) & (rights < frame.width - _CUT)
        if self.classes is not None:
            kept &= np.isin(detections.classes[wanted], sorted(self.classes))
        rows: npt.NDArray[np.int64] = wanted[kept][: self.limit]
        return rows


def embed_detections(
    embedder: Embedder, frame: Frame, detections: Detections, rows: npt.NDArray[np.int64]
) -> Detections:
    """The detections with embeddings.

    Args:
        embedder: Describes boxes.
        frame: The picture.
        detections: What was seen in it.
        rows: (K,) rows that get an embedding.

    Returns:
        The same detections; `embeddings` (N, D) float32, L2-normalised, a row of zeros where
        there is none.

    Raises:
        InputError: A box is not finite.
        ModelError: The network failed.
    """
    found = embedder.embed(frame, detections.boxes[rows])
    vectors = np.zeros((len(detections), found.shape[1]), np.float32)
    vectors[rows] = found
    return Detections(detections.boxes, detections.scores, detections.classes, vectors)
