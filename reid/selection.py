"""Which detections get an embedding: those that the tracker will use, and not too many.

A weak detection is matched by overlap alone, so its embedding would be thrown away; and a crowd
must not cost more than the detector does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.geometry import iou_matrix
from sightline.protocols import Embedder
from sightline.structures import Detections, Frame

__all__ = ["Selection", "embed_detections"]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which detections of a frame get an embedding.

    Args:
        threshold: Least score; the tracker's `high_score`.
        limit: Most detections of a frame.
        classes: Class indices that the network knows (people); None for all.

    Raises:
        InputError: The limit is below 1 or the threshold outside [0, 1].
    """

    threshold: float = 0.0
    limit: int = 32
    classes: frozenset[int] | None = None

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise InputError(f"re-ID limit: expected 1 or more crops a frame, got {self.limit}")
        if not 0 <= self.threshold <= 1:
            raise InputError(f"re-ID threshold: expected 0 to 1, got {self.threshold}")

    def rows(self, detections: Detections) -> npt.NDArray[np.int64]:
        """Indices of the chosen detections; the most useful where there are more than the limit.

        Useful is a sure detection that nobody else covers: its crop shows one person.
        """
        wanted = detections.scores >= self.threshold
        if self.classes is not None:
            wanted &= np.isin(detections.classes, sorted(self.classes))
        rows = np.flatnonzero(wanted)
        if len(rows) <= self.limit:
            return rows
        overlap = iou_matrix(detections.boxes[rows], detections.boxes[rows])
        np.fill_diagonal(overlap, 0)
        usefulness = detections.scores[rows] * (1 - overlap.max(axis=1))
        best = np.argsort(-usefulness, kind="stable")[: self.limit]
        return rows[best]


def embed_detections(
    embedder: Embedder, frame: Frame, detections: Detections, selection: Selection
) -> Detections:
    """The detections with embeddings.

    Args:
        embedder: Describes boxes.
        frame: The picture.
        detections: What was seen in it.
        selection: Which of them get an embedding.

    Returns:
        The same rows; `embeddings` (N, D) float32, L2-normalised, a row of zeros where there is
        none.

    Raises:
        InputError: A box is not finite.
        ModelError: The network failed.
    """
    rows = selection.rows(detections)
    found = embedder.embed(frame, detections.boxes[rows])
    vectors = np.zeros((len(detections), found.shape[1]), np.float32)
    vectors[rows] = found
    return Detections(detections.boxes, detections.scores, detections.classes, vectors)
