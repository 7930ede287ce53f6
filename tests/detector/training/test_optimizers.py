"""Groups of parameters and their rates."""

from __future__ import annotations

import pytest
import torch

from sightline.detector.network import Network
from sightline.detector.training.optimizers import make_optimizer, set_rate
from sightline.detector.training.recipe import Optimizer


def test_kernels_decay_and_norms_and_biases_do_not() -> None:
    network = Network(("person",), "p")
    optimizer = make_optimizer(network, Optimizer(weight_decay=0.05))
    decays = {
        id(parameter): group["weight_decay"]
        for group in optimizer.param_groups
        for parameter in group["params"]
    }
    named = dict(network.named_parameters())
    assert len(decays) == len(named)
    for name, parameter in named.items():
        assert decays[id(parameter)] == (0.05 if parameter.ndim == 4 else 0.0), name


def test_the_backbone_learns_at_its_share_of_the_rate() -> None:
    network = Network(("person",), "p")
    optimizer = make_optimizer(network, Optimizer(backbone_factor=0.1))
    set_rate(optimizer, 0.5)
    backbone = {id(parameter) for parameter in network.backbone.parameters()}
    for group in optimizer.param_groups:
        expected = 0.05 if id(group["params"][0]) in backbone else 0.5
        assert group["lr"] == pytest.approx(expected)


def test_frozen_parameters_are_left_out() -> None:
    network = Network(("person",), "p")
    network.backbone.requires_grad_(False)
    optimizer = make_optimizer(network, Optimizer())
    held = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    assert not held & {id(parameter) for parameter in network.backbone.parameters()}


@pytest.mark.parametrize(("name", "kind"), [("sgd", torch.optim.SGD), ("adamw", torch.optim.AdamW)])
def test_both_optimizers_go_downhill(name: str, kind: type) -> None:
    layer = torch.nn.Linear(3, 1)
    options = Optimizer.model_validate({"name": name, "rate": 0.05})
    optimizer = make_optimizer(layer, options)
    assert isinstance(optimizer, kind)
    costs = []
    for _ in range(20):
        cost = (layer(torch.ones(1, 3)) - 2).square().sum()
        optimizer.zero_grad()
        cost.backward()
        optimizer.step()
        costs.append(float(cost.detach()))
    assert costs[-1] < 0.5 * costs[0]


def test_sgd_without_momentum_is_plain_gradient_descent() -> None:
    layer = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.constant_(layer.weight, 1.0)
    options = Optimizer(name="sgd", rate=0.1, momentum=0, weight_decay=0)
    optimizer = make_optimizer(layer, options)
    layer(torch.ones(1, 1)).sum().backward()
    optimizer.step()
    assert layer.weight.item() == pytest.approx(0.9)
