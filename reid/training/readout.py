"""The last layer, solved instead of trained.

What a network has learned to see changes slowly at the end of a training; which linear map of it
imitates the teachers best is then a least-squares problem with one answer, which costs less than
an epoch (ridge regression: Hoerl & Kennard, 1970).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

from sightline.reid.network import EmbeddingNetwork

__all__ = ["solve_readout"]


@torch.no_grad()
def solve_readout(
    network: EmbeddingNetwork,
    features: npt.NDArray[np.float32],
    targets: npt.NDArray[np.float32],
    ridge: float,
) -> None:
    """Set the projection and the neck so that vectors are nearest to the targets.

    Args:
        network: Changed in place.
        features: (N, F) of `EmbeddingNetwork.features`.
        targets: (N, D) for the same crops, centred.
        ridge: Penalty of large weights, as a share of the mean variance of the features.
    """
    mean = features.mean(axis=0, dtype=np.float64)
    centred = features - mean
    gram = centred.T @ centred
    gram[np.diag_indices_from(gram)] += ridge * np.trace(gram) / len(gram)
    weights = np.linalg.solve(gram, centred.T @ targets.astype(np.float64))
    network.project.weight.copy_(torch.from_numpy(weights.T))
    assert network.neck.running_mean is not None
    assert network.neck.running_var is not None
    network.neck.running_mean.copy_(torch.from_numpy(weights.T @ mean))
    network.neck.running_var.fill_(1 - network.neck.eps)
    network.neck.weight.fill_(1)
    network.neck.bias.zero_()
