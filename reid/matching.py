"""Is it the same person on another camera: tracks compared by their exemplars.

Two tracks are as near as, on average, each exemplar of one is to the nearest of the other, both
ways. A match needs a score above a threshold that was
calibrated on people of known identity, and a time in which one can walk from one camera to the
other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError, StateError
from sightline.reid.exemplars import Exemplars
from sightline.reid.ranking import Curve, threshold_curve

__all__ = [
    "Match",
    "Matcher",
    "Transit",
    "calibrate_threshold",
    "match_score",
]

Vectors = npt.NDArray[np.floating[Any]]


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
            StateError: A track was described by another network than the query.
        """
        found = []
        for index, other in enumerate(gallery):
            if other.network != query.network:
                raise StateError(
                    f"track {index} of the gallery was described by {other.network or 'no name'}, "
                    f"the query by {query.network or 'no name'}; vectors of two re-ID networks "
                    "cannot be compared: search among tracks of one network"
                )
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
