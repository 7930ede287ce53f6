"""The optimizer of a recipe."""

from __future__ import annotations

import torch
from torch import nn

from sightline.detector.training.recipe import Optimizer

__all__ = ["make_optimizer", "set_rate"]


def make_optimizer(network: nn.Module, options: Optimizer) -> torch.optim.Optimizer:
    """An optimizer over a network's parameters; those that are frozen are left out.

    Kernels decay; biases and normalisation do not. Parameters whose name begins with `backbone`
    learn at `backbone_factor` of the rate.
    """
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            factor = options.backbone_factor if name.startswith("backbone") else 1.0
            decay = options.weight_decay if parameter.ndim > 1 else 0.0
            groups.setdefault((factor, decay), []).append(parameter)
    parameters = [
        {"params": members, "weight_decay": decay, "factor": factor}
        for (factor, decay), members in groups.items()
    ]
    if options.name == "sgd":
        return torch.optim.SGD(
            parameters, lr=options.rate, momentum=options.momentum, nesterov=options.momentum > 0
        )
    return torch.optim.AdamW(parameters, lr=options.rate, betas=(options.momentum, 0.999))


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of every group, by its factor."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]
