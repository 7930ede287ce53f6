"""Averaged weights: the network that is tested is a moving average of the one that is trained."""

from __future__ import annotations

import copy
import math
from typing import Any, Generic, TypeVar

import torch
from torch import nn

__all__ = ["WeightAverage"]

Trained = TypeVar("Trained", bound=nn.Module)


class WeightAverage(Generic[Trained]):
    """An exponential moving average of a network's parameters and buffers.

    The decay grows from 0 to its final value, d · (1 - exp(-updates / warm_up)), so that the
    random weights of the start are forgotten soon.

    Args:
        network: The network that is trained; its average is a copy of its own.
        decay: Final decay in [0, 1).
        warm_up: Updates after which the decay has come 63 % of its way.

    Attributes:
        network: The averaged network, in evaluation mode.
        updates: How often `update` was called.
    """

    def __init__(self, network: Trained, decay: float = 0.9998, warm_up: int = 500) -> None:
        self.network: Trained = copy.deepcopy(network).eval()
        self.network.requires_grad_(False)
        self.decay = decay
        self.warm_up = warm_up
        self.updates = 0

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the network's present weights."""
        self.updates += 1
        decay = self.decay * (1 - math.exp(-self.updates / self.warm_up))
        fresh = network.state_dict()
        for name, value in self.network.state_dict().items():
            if value.is_floating_point():
                value.lerp_(fresh[name].to(value), 1 - decay)
            else:
                value.copy_(fresh[name])

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {"network": self.network.state_dict(), "updates": self.updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self.network.load_state_dict(state["network"])
        self.updates = state["updates"]
