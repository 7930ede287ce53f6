"""What is remembered of a track: a few vectors that differ from one another.

A person looks different from the front and from behind, so one mean would be nobody. Kept as
float16: a track costs 2 KB with eight exemplars of 128 numbers.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError, StateError
from sightline.geometry import iou_matrix
from sightline.structures import Detections, Tracks

__all__ = ["ExemplarCollector", "Exemplars", "choose_exemplars"]

Vectors = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Exemplars:
    """What is remembered of a track.

    Args:
        vectors: (K, D) float16, L2-normalised; other dtypes are converted.
        begin: When the track was first seen, in seconds of a clock that all cameras share.
        end: When it was last seen.
        camera: Name of the camera.
        network: Name or digest of the network that made the vectors; those of two networks mean
            different things even if they are equally long.

    Raises:
        InputError: The vectors are not (K, D) finite numbers with K ≥ 1, or begin is after end.
    """

    vectors: npt.NDArray[np.float16]
    begin: float
    end: float
    camera: str
    network: str = ""

    def __post_init__(self) -> None:
        vectors = np.asarray(self.vectors)
        if vectors.ndim != 2 or 0 in vectors.shape or not np.isfinite(vectors).all():
            raise InputError(
                "exemplars are (K, D) finite numbers with at least one row; got shape "
                f"{vectors.shape}"
            )
        if not self.begin <= self.end:
            raise InputError(f"a track begins before it ends; got {self.begin} … {self.end} s")
        object.__setattr__(self, "vectors", vectors.astype(np.float16))


@dataclass(slots=True)
class _Remembered:
    vectors: npt.NDArray[np.float16]
    qualities: npt.NDArray[np.float32]
    begin: float
    end: float


class ExemplarCollector:
    """Gathers the exemplars of one camera's tracks while they are tracked; memory is bounded.

    Args:
        camera: Name of the camera.
        network: Name or digest of the network that makes the embeddings.
        limit: Exemplars of a track, at most.
        most_tracks: Tracks that are remembered; the ones that were not seen for longest go.
        most_overlap: Largest IoU with another detection at which a crop shows one person.
        novelty: Least cosine distance between two exemplars of a track.

    Raises:
        InputError: A limit is below 1.
    """

    def __init__(
        self,
        camera: str,
        network: str = "",
        *,
        limit: int = 8,
        most_tracks: int = 10_000,
        most_overlap: float = 0.3,
        novelty: float = 0.05,
    ) -> None:
        if limit < 1 or most_tracks < 1:
            raise InputError(
                f"limits of exemplars are 1 or more; got {limit} a track and {most_tracks} tracks"
            )
        self.camera, self.network = camera, network
        self._limit, self._most_tracks = limit, most_tracks
        self._most_overlap, self._novelty = most_overlap, novelty
        self._tracks: OrderedDict[int, _Remembered] = OrderedDict()
        self._dimension = 0

    def __len__(self) -> int:
        return len(self._tracks)

    def add(self, tracks: Tracks, detections: Detections) -> None:
        """Learn from one frame.

        Args:
            tracks: The tracks of the frame; `tracks.time` is on a clock that cameras share.
            detections: The detections that they were made from.

        Raises:
            StateError: The embeddings have another length than the ones before.
        """
        vectors = detections.embeddings
        if vectors is None or not len(tracks):
            return
        if self._dimension and vectors.shape[1] != self._dimension:
            raise StateError(
                f"embeddings of {vectors.shape[1]} numbers after ones of {self._dimension}: "
                "another re-ID network; begin another collector"
            )
        self._dimension = vectors.shape[1]
        qualities = self._qualities(detections, vectors)
        for id_, row in zip(tracks.ids.tolist(), tracks.detections.tolist(), strict=True):
            if row >= 0 and qualities[row] > 0:
                self._learn(id_, vectors[row], qualities[row], tracks.time)

    def exemplars(self, id_: int) -> Exemplars | None:
        """What is remembered of a track, or None."""
        known = self._tracks.get(id_)
        if known is None:
            return None
        return Exemplars(known.vectors, known.begin, known.end, self.camera, self.network)

    def forget(self, ids: Sequence[int]) -> None:
        """Drop tracks, such as those that were stored or must be erased."""
        for id_ in ids:
            self._tracks.pop(id_, None)

    def _qualities(
        self, detections: Detections, vectors: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.float32]:
        """(N,) score of each detection that shows one person and has an embedding; else 0."""
        overlap = iou_matrix(detections.boxes, detections.boxes)
        np.fill_diagonal(overlap, 0)
        alone = overlap.max(axis=1, initial=0) <= self._most_overlap
        return np.where(alone & vectors.any(axis=1), detections.scores, 0).astype(np.float32)

    def _learn(
        self, id_: int, vector: npt.NDArray[np.float32], quality: float, time: float
    ) -> None:
        known = self._tracks.get(id_)
        if known is None:
            first = vector[None].astype(np.float16)
            self._tracks[id_] = _Remembered(first, np.array([quality], np.float32), time, time)
            while len(self._tracks) > self._most_tracks:
                self._tracks.popitem(last=False)
            return
        self._tracks.move_to_end(id_)
        known.end = max(known.end, time)
        distances = 1 - known.vectors.astype(np.float32) @ vector
        nearest = int(distances.argmin())
        if distances[nearest] < self._novelty:
            # The same look again: the better picture of the two stays.
            if quality > known.qualities[nearest]:
                known.vectors[nearest], known.qualities[nearest] = vector, quality
            return
        vectors = np.concatenate([known.vectors, vector[None].astype(np.float16)])
        qualities = np.append(known.qualities, np.float32(quality))
        if len(vectors) > self._limit:
            kept = np.sort(choose_exemplars(vectors, qualities, self._limit))
            vectors, qualities = vectors[kept], qualities[kept]
        known.vectors, known.qualities = vectors, qualities


def choose_exemplars(
    vectors: Vectors, qualities: npt.NDArray[np.floating[Any]], limit: int = 8
) -> npt.NDArray[np.int64]:
    """Rows of a track that together show most of it.

    The first is the one of the best quality; each further one is the least like those that are
    chosen, weighed by its quality (farthest-point sampling: Gonzalez, 1985).

    Args:
        vectors: (N, D), L2-normalised.
        qualities: (N,) from 0, such as the detection's score; 0 is never taken.
        limit: Most rows.

    Returns:
        Row indices, at most `limit`.
    """
    rows = np.flatnonzero(qualities > 0)
    if not len(rows):
        return rows
    candidates = vectors[rows].astype(np.float32)
    weights = qualities[rows]
    chosen = [int(weights.argmax())]
    distances = np.maximum(1 - candidates @ candidates[chosen[0]], 0)
    while len(chosen) < min(limit, len(rows)):
        worth = distances * weights
        worth[chosen] = -1
        chosen.append(int(worth.argmax()))
        distances = np.minimum(distances, 1 - candidates @ candidates[chosen[-1]])
        distances = np.maximum(distances, 0)
    return rows[chosen]
