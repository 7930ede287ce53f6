"""What is remembered of a track: a few vectors that differ from one another.

A person looks different from the front and from behind, so one mean would be nobody. Kept as
float16: a track costs 2 KB with eight exemplars of 128 numbers. `Tracker.exemplars` gathers them
while people are tracked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["Exemplars", "choose_exemplars"]

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
