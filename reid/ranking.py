"""How well vectors find people: ranks, average precision, and the curve of a threshold.

Rank-k and mAP are those of Market-1501 (Zheng et al., 2015): for each query the gallery is sorted
by similarity; rank-k says whether one of the first k is the same person, and the average
precision takes the precision at each of the person's gallery entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["Curve", "Ranking", "rank_gallery", "threshold_curve"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """How well queries found their person.

    Args:
        ranks: (Q,) place, from 0, of the first gallery entry of the same person.
        precisions: (Q,) average precision of each query.
        rows: (Q,) row of each query that has an entry in the gallery.
    """

    ranks: npt.NDArray[np.int64]
    precisions: Floats
    rows: npt.NDArray[np.int64]

    def rank(self, k: int) -> float:
        """Share of the queries with the right person among the first k."""
        return float((self.ranks < k).mean()) if len(self.ranks) else float("nan")

    @property
    def mean_average_precision(self) -> float:
        """Mean of the average precisions (mAP)."""
        return float(self.precisions.mean()) if len(self.precisions) else float("nan")


def rank_gallery(
    similarity: npt.NDArray[np.floating[Any]],
    query_ids: npt.NDArray[np.integer[Any]],
    gallery_ids: npt.NDArray[np.integer[Any]],
) -> Ranking:
    """Sort the gallery for each query.

    Args:
        similarity: (Q, G), higher is nearer.
        query_ids: (Q,) person of each query.
        gallery_ids: (G,) person of each gallery entry.

    Raises:
        InputError: The shapes do not fit together.

    Example:
        >>> similarity = np.array([[0.9, 0.8, 0.1], [0.7, 0.2, 0.6]])
        >>> found = rank_gallery(similarity, np.array([1, 2]), np.array([1, 2, 2]))
        >>> found.rank(1), round(found.mean_average_precision, 3)
        (0.5, 0.792)
    """
    if similarity.shape != (len(query_ids), len(gallery_ids)):
        raise InputError(
            f"similarities are (queries, gallery) = ({len(query_ids)}, {len(gallery_ids)}); got "
            f"{similarity.shape}"
        )
    rows = np.flatnonzero(np.isin(query_ids, gallery_ids))
    order = np.argsort(-similarity[rows], axis=1, kind="stable")
    same = gallery_ids[order] == query_ids[rows][:, None]
    found = np.cumsum(same, axis=1)
    precision = found / np.arange(1, len(gallery_ids) + 1)
    precisions = (precision * same).sum(axis=1) / np.maximum(found[:, -1:].max(axis=1), 1)
    return Ranking(same.argmax(axis=1), precisions, rows)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """What each threshold does to pairs of the same person and of two people.

    Args:
        thresholds: (K,) descending.
        true_rates: (K,) share of the same-person pairs at or above each threshold.
        false_rates: (K,) share of the other pairs at or above it.
    """

    thresholds: Floats
    true_rates: Floats
    false_rates: Floats

    @property
    def area(self) -> float:
        """Area under the curve: probability that a same-person pair is the nearer one."""
        widths = np.diff(self.false_rates, prepend=0)
        before = np.concatenate([[0.0], self.true_rates[:-1]])
        return float((widths * (before + self.true_rates) / 2).sum())

    @property
    def equal_error(self) -> tuple[float, float]:
        """The threshold at which both errors are the same, and that error."""
        place = int(np.argmin(np.abs(1 - self.true_rates - self.false_rates)))
        error = (1 - self.true_rates[place] + self.false_rates[place]) / 2
        return float(self.thresholds[place]), float(error)

    def true_rate_at(self, false_rate: float) -> float:
        """Share of the same-person pairs that are found when so many others are let through."""
        allowed = self.true_rates[self.false_rates <= false_rate]
        return float(allowed.max(initial=0))


def threshold_curve(
    same: npt.NDArray[np.floating[Any]], other: npt.NDArray[np.floating[Any]]
) -> Curve:
    """The receiver operating characteristic of similarities.

    Args:
        same: Similarities of pairs of the same person.
        other: Similarities of pairs of two people.

    Raises:
        InputError: One of them is empty.

    Example:
        >>> curve = threshold_curve(np.array([0.9, 0.8, 0.4]), np.array([0.5, 0.3, 0.2]))
        >>> round(curve.area, 3), curve.equal_error[0]
        (0.889, 0.5)
    """
    if not len(same) or not len(other):
        raise InputError("a curve needs pairs of the same person and of two people")
    values = np.concatenate([same, other]).astype(np.float64)
    truth = np.concatenate([np.ones(len(same)), np.zeros(len(other))])
    order = np.argsort(-values, kind="stable")
    values, truth = values[order], truth[order]
    ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
    return Curve(
        thresholds=values[ends],
        true_rates=np.cumsum(truth)[ends] / len(same),
        false_rates=np.cumsum(1 - truth)[ends] / len(other),
    )
