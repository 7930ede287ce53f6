"""Identity scores: one track for each ground-truth identity over the whole sequence.

Ristani et al., "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking",
2016.

One assignment of whole tracks to whole ground-truth identities that leaves the fewest wrong
boxes. That is the assignment with the most boxes of IoU >= 0.5 in common, which needs only the
pairs of identities that ever met; it is solved for each group of identities that met, so memory
grows with the largest group and not with all identities squared.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

__all__ = ["identity_matches"]

_THRESHOLD = 0.5


def identity_matches(
    pairs: npt.NDArray[np.int64],
    truth_labels: npt.NDArray[np.int64],
    track_labels: npt.NDArray[np.int64],
    similarities: npt.NDArray[np.float64],
) -> npt.NDArray[np.bool_]:
    """Which overlapping boxes are identity true positives.

    Args:
        pairs: (P,) int64 number of the pair of identities of each overlapping pair of boxes.
        truth_labels: (U,) int64 ground-truth identity of each pair of identities.
        track_labels: (U,) int64 track of each pair of identities.
        similarities: (P,) float64 IoU.

    Returns:
        (P,) bool.
    """
    together = similarities >= _THRESHOLD
    common = np.bincount(pairs[together], minlength=len(truth_labels))
    met = np.flatnonzero(common)
    chosen = np.zeros(len(truth_labels), np.bool_)
    if len(met):
        for group in _groups(truth_labels[met], track_labels[met]):
            members = met[group]
            chosen[
                members[_best(truth_labels[members], track_labels[members], common[members])]
            ] = True
    return together & chosen[pairs]


def _groups(
    truth: npt.NDArray[np.int64], tracks: npt.NDArray[np.int64]
) -> list[npt.NDArray[np.int64]]:
    """Pairs of identities that are connected through common members."""
    shift = int(truth.max()) + 1
    size = shift + int(tracks.max()) + 1
    graph = coo_array((np.ones(len(truth)), (truth, tracks + shift)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    group_of_pair = labels[truth]
    order = np.argsort(group_of_pair, kind="stable")
    starts = np.flatnonzero(np.diff(group_of_pair[order]))
    return np.split(order, starts + 1)


def _best(
    truth: npt.NDArray[np.int64], tracks: npt.NDArray[np.int64], common: npt.NDArray[np.int64]
) -> npt.NDArray[np.int64]:
    """Positions of the pairs of one group that are assigned to each other."""
    if len(truth) == 1:
        return np.zeros(1, np.int64)
    rows, row_of = np.unique(truth, return_inverse=True)
    columns, column_of = np.unique(tracks, return_inverse=True)
    shared = np.zeros((len(rows), len(columns)))
    position = np.full(shared.shape, -1, np.int64)
    shared[row_of, column_of] = common
    position[row_of, column_of] = np.arange(len(truth))
    found = position[linear_sum_assignment(shared, maximize=True)]
    result: npt.NDArray[np.int64] = found[found >= 0]
    return result
