"""Seeds: the same seed, data and machine give the same training."""

from __future__ import annotations

import random

import numpy as np
import torch

__all__ = ["generator", "seed_everything"]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch, and let torch choose repeatable algorithms."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - for libraries that draw from the global state
    torch.manual_seed(seed)
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(mode=True, warn_only=True)


def generator(*keys: int) -> np.random.Generator:
    """A generator for a place in the training, such as (seed, epoch, step).

    Independent of what was drawn before, so that a resumed training draws the same numbers.

    Example:
        >>> bool(generator(1, 2).integers(1000) == generator(1, 2).integers(1000))
        True
    """
    return np.random.default_rng(keys)
