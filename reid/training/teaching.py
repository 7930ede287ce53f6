"""What the teachers say, as targets of the network's own length.

Vectors of people have a large part in common, which the network's neck removes from its own; so
it is removed here too, and of the rest the principal directions are kept.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.reid.embedder import normalised
from sightline.reid.training.crop_set import NOBODY

__all__ = ["Targets", "teacher_targets"]

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """What a network is to imitate, a row a crop.

    Args:
        full: (N, E) float32, centred and L2-normalised: for the pairwise similarities.
        short: (N, D) float32 along the principal directions, L2-normalised.
        kept: Share of the variance along those directions.
    """

    full: Floats
    short: Floats
    kept: float

    def turned(self, rotation: Floats) -> Targets:
        """The same targets with the short ones turned: any basis of the directions will do.

        Args:
            rotation: (D, D) orthogonal.
        """
        return replace(self, short=self.short @ rotation)

    def rotation_towards(self, vectors: Floats, rows: npt.NDArray[np.integer[Any]]) -> Floats:
        """(D, D) rotation that brings the short targets as near as can be to a network's vectors.

        A network that has learned something need not learn the names of the axes anew
        (orthogonal Procrustes: Schönemann, 1966).

        Args:
            vectors: (M, D) of the network, L2-normalised.
            rows: (M,) whose vectors they are.
        """
        left, _, right = np.linalg.svd(self.short[rows].T @ vectors)
        rotation: Floats = (left @ right).astype(np.float32)
        return rotation


def teacher_targets(
    vectors: npt.NDArray[np.floating[Any]],
    dimension: int,
    identities: npt.NDArray[np.integer[Any]] | None = None,
    agreement: float = 0.0,
) -> Targets:
    """Targets from the teachers' vectors.

    Args:
        vectors: (N, E) of the teachers.
        dimension: Length D of the network's vectors.
        identities: (N,) person of each crop, or `NOBODY`.
        agreement: Share of the mean of a person's crops in the target of each of them: what the
            teachers say about all of a track is steadier than what they say about one crop.

    Raises:
        InputError: The teachers' vectors are shorter than the network's.
    """
    if vectors.shape[1] < dimension:
        raise InputError(
            f"the teachers' vectors have {vectors.shape[1]} numbers together; a network with "
            f"{dimension} cannot imitate them: set network.dimension lower"
        )
    centred = vectors.astype(np.float32)
    centred -= centred.mean(axis=0)
    if identities is not None:
        centred = _agreed(normalised(centred), identities, agreement)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    kept = directions[:, ::-1][:, :dimension]
    share = float(variances[::-1][:dimension].sum() / variances.sum())
    return Targets(normalised(centred), normalised(centred @ kept), share)


def _agreed(vectors: Floats, identities: npt.NDArray[np.integer[Any]], agreement: float) -> Floats:
    """Each person's vectors, moved towards their mean."""
    agreed = vectors.copy()
    for person in np.unique(identities[identities != NOBODY]).tolist():
        rows = identities == person
        middle = normalised(vectors[rows].mean(axis=0, keepdims=True))
        agreed[rows] = (1 - agreement) * vectors[rows] + agreement * middle
    return agreed
