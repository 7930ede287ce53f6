"""Is it the same person on another camera: tracks compared by their exemplars.

A track is remembered by a few vectors that differ from one another, since a person looks
different from the front and from behind. Two tracks are as near as, on average, each exemplar of
one is to the nearest of the other, both ways. A match needs a score above a threshold that was
calibrated on people of known identity, and a time in which one can walk from one camera to the
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.reid.ranking import Curve, threshold_curve

__all__ = [
    "Exemplars",
    "Match",
    "Matcher",
    "Transit",
    "calibrate_threshold",
    "choose_exemplars",
    "match_score",
]

Vectors = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Exemplars:
    """What is remembered of a track.

    Args:
        vectors: (K, D) float16, L2-normalised; other dtypes are converted.
        begin: When the track was first seen, in seconds of a clock that all cameras share.
        end: When it was last seen.
        camera: Name of the camera.

    Raises:
        InputError: The vectors are not (K, D) finite numbers with K ≥ 1, or begin is after end.
    """

    vectors: npt.NDArray[np.float16]
    begin: float
    end: float
    camera: str

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


@dataclass(frozen=True, slots=True)
class Transit:
    """How long it takes from one camera to another.

    Args:
        shortest: Least seconds between leaving one picture and being in the other; below 0 where
            the pictures overlap.
        longest: Most seconds.

    Raises:
        InputError: The longest time is below the shortest.
    """

    shortest: float = 0.0
    longest: float = 600.0

    def __post_init__(self) -> None:
        if not self.shortest <= self.longest:
            raise InputError(
                f"transit: expected shortest ≤ longest, got {self.shortest} and {self.longest} s"
            )

    def allows(self, earlier: Exemplars, later: Exemplars) -> bool:
        """Whether one could walk from the end of one track to the begin of the other."""
        return self.shortest <= later.begin - earlier.end <= self.longest


@dataclass(frozen=True, slots=True)
class Match:
    """A track that may be the same person.

    Args:
        index: Its place in the gallery.
        score: Likeness, at most 1.
    """

    index: int
    score: float


class Matcher:
    """Finds a track's person among the tracks of other cameras.

    Args:
        threshold: Least score of a match; `calibrate_threshold` finds it.
        transits: Times between cameras, by (from, to); pairs that are missing have `default`.
        default: Times between cameras that are not named.

    Example:
        >>> red, blue = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0]])
        >>> lobby = [Exemplars(red, 0, 9, "lobby"), Exemplars(blue, 4, 9, "lobby")]
        >>> yard = Exemplars(red, 30, 40, "yard")
        >>> Matcher(threshold=0.6).matches(yard, lobby)
        [Match(index=0, score=1.0)]
    """

    def __init__(
        self,
        threshold: float,
        transits: Mapping[tuple[str, str], Transit] | None = None,
        default: Transit | None = None,
    ) -> None:
        self.threshold = threshold
        self.transits = dict(transits or {})
        self.default = default or Transit()

    def matches(self, query: Exemplars, gallery: Sequence[Exemplars]) -> list[Match]:
        """The tracks of other cameras that may be the query's person, best first.

        Args:
            query: A track.
            gallery: Tracks of any cameras; those of the query's own are left out.

        Raises:
            InputError: Two tracks have vectors of different lengths.
        """
        found = []
        for index, other in enumerate(gallery):
            if other.camera == query.camera or not self.reachable(query, other):
                continue
            score = match_score(query.vectors, other.vectors)
            if score >= self.threshold:
                found.append(Match(index, score))
        return sorted(found, key=lambda match: -match.score)

    def reachable(self, first: Exemplars, second: Exemplars) -> bool:
        """Whether one person can have made both tracks, in either order."""
        there = self.transits.get((first.camera, second.camera), self.default)
        back = self.transits.get((second.camera, first.camera), self.default)
        return there.allows(first, second) or back.allows(second, first)


def match_score(first: Vectors, second: Vectors) -> float:
    """Likeness of two tracks: the mean, both ways, of each exemplar's nearest cosine.

    Args:
        first: (K, D) exemplars, L2-normalised.
        second: (L, D) exemplars, L2-normalised.

    Raises:
        InputError: The vectors have different lengths: they come from two networks.
    """
    if first.shape[1] != second.shape[1]:
        raise InputError(
            f"vectors of {first.shape[1]} and of {second.shape[1]} numbers cannot be compared: "
            "they come from two re-ID networks"
        )
    likeness = first.astype(np.float32) @ second.astype(np.float32).T
    return float((likeness.max(axis=0).mean() + likeness.max(axis=1).mean()) / 2)


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
    chosen = [int(qualities[rows].argmax())]
    distance = 1 - candidates @ candidates[chosen[0]]
    while len(chosen) < min(limit, len(rows)):
        distance[chosen] = -1
        farthest = int((np.maximum(distance, 0) * qualities[rows] - (distance < 0)).argmax())
        chosen.append(farthest)
        distance = np.minimum(distance, 1 - candidates @ candidates[farthest])
    return rows[chosen]


def calibrate_threshold(same: Vectors, other: Vectors) -> tuple[float, float, Curve]:
    """The threshold at which both errors are equal.

    Args:
        same: Scores of pairs of tracks of one person.
        other: Scores of pairs of tracks of two people.

    Returns:
        The threshold, the error there, and the whole curve.

    Raises:
        InputError: One of them is empty.
    """
    curve = threshold_curve(same, other)
    threshold, error = curve.equal_error
    return threshold, error, curve
