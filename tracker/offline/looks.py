"""What finished tracks look like: exemplars of each, as `Tracker.exemplars` hands them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["Looks"]

Vectors = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Looks:
    """Exemplars of the tracks of a recording.

    Args:
        exemplars: (K, D) float32 embeddings of length 1 by track id; D is the same for all.
        limit: Cosine distance at which two of them are as likely of one person as of two (the
            tracker's `appearance_limit`).

    Raises:
        InputError: The exemplars differ in length, or the limit is not above 0.
    """

    exemplars: Mapping[int, Vectors]
    limit: float

    def __post_init__(self) -> None:
        shapes = {vectors.shape[1:] for vectors in self.exemplars.values()}
        if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
            raise InputError(f"exemplars are (K, D) with one D for all tracks; got {shapes}")
        if not self.limit > 0:
            raise InputError(f"the appearance limit is above 0; got {self.limit}")

    def distances(
        self, first: npt.NDArray[np.int64], second: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float64]:
        """How unlike pairs of tracks are, in limits.

        The mean of the distance between the two means and that between the nearest two exemplars.

        Args:
            first: (P,) ids.
            second: (P,) ids.

        Returns:
            (P,) distances; NaN where one of the two has no exemplar.
        """
        means = {track: _mean(vectors) for track, vectors in self.exemplars.items() if len(vectors)}
        result = np.full(len(first), np.nan)
        for pair, (one, other) in enumerate(zip(first.tolist(), second.tolist(), strict=True)):
            if one in means and other in means:
                nearest = 1 - (self.exemplars[one] @ self.exemplars[other].T).max()
                between = 1 - means[one] @ means[other]
                result[pair] = (nearest + between) / 2 / self.limit
        return result

    @classmethod
    def merged(cls, parts: Sequence[Looks]) -> Looks | None:
        """All exemplars together, with the limit of the first; None where there are no parts."""
        if not parts:
            return None
        found = [item for part in parts for item in part.exemplars.items()]
        return cls(_grouped(found), parts[0].limit)

    def renamed(self, ids: Mapping[int, int]) -> Looks:
        """The looks when tracks take other ids; those that share one put theirs together."""
        found = [(ids.get(track, track), vectors) for track, vectors in self.exemplars.items()]
        return replace(self, exemplars=_grouped(found))


def _grouped(found: Sequence[tuple[int, Vectors]]) -> dict[int, Vectors]:
    parts: dict[int, list[Vectors]] = {}
    for track, vectors in found:
        parts.setdefault(track, []).append(vectors)
    return {track: np.concatenate(part) for track, part in parts.items()}


def _mean(vectors: Vectors) -> Vectors:
    mean: Vectors = vectors.mean(axis=0)
    return mean / max(float(np.linalg.norm(mean)), 1e-12)
