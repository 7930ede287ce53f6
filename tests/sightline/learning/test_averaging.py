"""Averaged weights."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from sightline.learning.averaging import WeightAverage


def _filled(value: float) -> nn.Module:
    layer = nn.Linear(2, 1, bias=False)
    nn.init.constant_(layer.weight, value)
    return layer


def test_the_average_follows_its_formula() -> None:
    average = WeightAverage(_filled(0.0), decay=0.9, warm_up=10)
    expected = 0.0
    for update in range(1, 30):
        decay = 0.9 * (1 - math.exp(-update / 10))
        expected = decay * expected + (1 - decay) * update
        average.update(_filled(float(update)))
    assert average.network.state_dict()["weight"][0, 0].item() == pytest.approx(expected, rel=1e-5)


def test_the_random_start_is_soon_forgotten() -> None:
    average = WeightAverage(_filled(1000.0), decay=0.9998, warm_up=500)
    for _ in range(10):
        average.update(_filled(1.0))
    assert average.network.state_dict()["weight"][0, 0].item() == pytest.approx(1.0, abs=0.01)


def test_the_average_is_apart_from_the_network_and_counters_are_copied() -> None:
    network = nn.Sequential(nn.Conv2d(1, 1, 1), nn.BatchNorm2d(1))
    average = WeightAverage(network)
    network.train()
    network(torch.ones(2, 1, 4, 4))
    assert average.network.state_dict()["1.num_batches_tracked"] == 0
    average.update(network)
    assert average.network.state_dict()["1.num_batches_tracked"] == 1
    assert not average.network.training
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_an_average_goes_on_from_its_state_as_if_it_had_never_stopped() -> None:
    whole, first = WeightAverage(_filled(0.0)), WeightAverage(_filled(0.0))
    for value in (1.0, 2.0):
        whole.update(_filled(value))
        first.update(_filled(value))
    second = WeightAverage(_filled(7.0))
    second.load_state_dict(first.state_dict())
    whole.update(_filled(3.0))
    second.update(_filled(3.0))
    assert torch.equal(whole.network.state_dict()["weight"], second.network.state_dict()["weight"])
