"""Weights of a run's `best.pt`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pydantic
from torch.nn import functional

from sightline.errors import ModelError
from sightline.learning.checkpoints import read_checkpoint
from sightline.reid.network.embedding_network import EmbeddingNetwork, NetworkScale

__all__ = ["load_network", "load_weights"]

_PROJECTION = "project.weight"


def load_network(checkpoint: Path) -> tuple[EmbeddingNetwork, dict[str, Any]]:
    """The network of a `best.pt`, in evaluation mode, and its metrics.

    Raises:
        ModelError: The file is no such checkpoint.
    """
    state = read_checkpoint(checkpoint)
    try:
        network = EmbeddingNetwork(NetworkScale.model_validate(state["scale"]))
        metrics = dict(state["metrics"])
    except (KeyError, pydantic.ValidationError) as error:
        raise _other(checkpoint, error) from error
    _fill(network, state["network"], checkpoint)
    return network.eval(), metrics


def load_weights(network: EmbeddingNetwork, checkpoint: Path) -> None:
    """Fill a network with the weights of a `best.pt`.

    Args:
        network: Changed in place; crops may have another size than in the checkpoint, and
            stripes that the checkpoint's network did not look at count for nothing at first.
        checkpoint: The file.

    Raises:
        ModelError: The file is no such checkpoint, or of a network of another shape.
    """
    state = read_checkpoint(checkpoint)
    if "scale" not in state:
        raise _other(checkpoint, KeyError("scale"))
    weights = dict(state["network"])
    known, wanted = weights.get(_PROJECTION), network.project.weight
    if known is not None and known.shape[1] < wanted.shape[1]:
        weights[_PROJECTION] = functional.pad(known, (0, wanted.shape[1] - known.shape[1]))
    _fill(network, weights, checkpoint)


def _fill(network: EmbeddingNetwork, weights: dict[str, Any], checkpoint: Path) -> None:
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(
            f"{checkpoint}: weights of a network of another shape: "
            f"{' '.join(str(error).split())[:200]}"
        ) from error


def _other(checkpoint: Path, error: Exception) -> ModelError:
    return ModelError(f"{checkpoint}: not a best.pt of train-reid: {str(error).splitlines()[0]}")
