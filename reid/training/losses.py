"""What the network is asked for."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

__all__ = ["batch_hard_triplet", "identity_loss", "imitation_loss", "relation_loss"]


def batch_hard_triplet(
    vectors: torch.Tensor, identities: torch.Tensor, different: torch.Tensor
) -> torch.Tensor:
    """Triplet loss with the hardest positive and negative of the batch, with a soft margin.

    Hermans, Beyer & Leibe, "In Defense of the Triplet Loss for Person Re-Identification", 2017:
    softplus(distance to the furthest positive - distance to the nearest negative).

    Args:
        vectors: (B, D).
        identities: (B,) identity of each.
        different: (B, B) whether two crops surely show two people; pairs that are neither the
            same identity nor different are left out.

    Returns:
        The mean over the crops that have a positive and a negative; 0 where none has.
    """
    distances = torch.cdist(vectors, vectors)
    same = identities[:, None] == identities[None]
    same = same & ~torch.eye(len(vectors), dtype=torch.bool, device=vectors.device)
    furthest = distances.masked_fill(~same, -torch.inf).amax(dim=1)
    nearest = distances.masked_fill(~different, torch.inf).amin(dim=1)
    usable = same.any(dim=1) & different.any(dim=1)
    if not usable.any():
        return vectors.sum() * 0
    return functional.softplus(furthest[usable] - nearest[usable]).mean()


def identity_loss(
    logits: torch.Tensor, identities: torch.Tensor, different: torch.Tensor, smoothing: float
) -> torch.Tensor:
    """Cross entropy over the tracks, with label smoothing among the ones that are surely others.

    A track that may be another piece of the same person's path competes neither for nor
    against.

    Args:
        logits: (B, P).
        identities: (B,) identity of each crop.
        different: (B, P) whether a crop's identity and another are surely two people.
        smoothing: Share of the target that goes to the others, evenly.
    """
    allowed = different.scatter(1, identities[:, None], value=True)
    log_shares = functional.log_softmax(logits.masked_fill(~allowed, -torch.inf), dim=1)
    own = log_shares.gather(1, identities[:, None]).squeeze(1)
    others = log_shares.masked_fill(~different, 0).sum(dim=1) / different.sum(dim=1).clamp(min=1)
    return -((1 - smoothing) * own + smoothing * others).mean()


def imitation_loss(vectors: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """One minus the cosine of each vector to its teacher's.

    Args:
        vectors: (B, D).
        targets: (B, D).
    """
    return (1 - functional.cosine_similarity(vectors, targets)).mean()


def relation_loss(vectors: torch.Tensor, teachers: torch.Tensor) -> torch.Tensor:
    """Squared error of the pairwise cosines of a batch to the teachers'.

    Park et al., "Relational Knowledge Distillation", 2019, with cosines in place of distances.

    Args:
        vectors: (B, D).
        teachers: (B, E), L2-normalised.
    """
    own = nn.functional.normalize(vectors)
    return functional.mse_loss(own @ own.T, teachers @ teachers.T)
