"""Scores that mean the same from network to network.

Trackers, rules and people set thresholds on scores, and what a score is worth depends on how a
network was trained: targets that are overlaps, weak labels and short trainings keep scores low.
So before a network is exported, each class's logits are shifted until the score from which
detections are sure on labelled pictures stands where trackers expect that. The order of
detections, and with it average precision within a class, does not change.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from sightline.detector.network import Network

__all__ = ["SURE", "shift_scores"]

SURE = 0.65
"""Where sure detections of each class begin afterwards: the tracker's `high_score`."""

_LEAST, _MOST = 0.05, 0.95


def shift_scores(network: Network, thresholds: Mapping[str, float]) -> dict[str, float]:
    """Shift the logits of each class so that its threshold becomes `SURE`, in place.

    Args:
        network: A trained network.
        thresholds: The score from which each class is sure, by name; others stay as they are.
            Values outside 0.05 … 0.95 come from too few objects and count as these bounds.

    Returns:
        What was added to the logits of each class.

    Example:
        >>> network = Network(["person"], "p")
        >>> round(shift_scores(network, {"person": 0.25})["person"], 3)
        1.718
    """
    shifts = {}
    for name, threshold in thresholds.items():
        bounded = min(max(threshold, _LEAST), _MOST)
        shifts[name] = math.log(SURE / (1 - SURE)) - math.log(bounded / (1 - bounded))
    with torch.no_grad():
        for layer in network.head.scores:
            assert isinstance(layer, torch.nn.Conv2d)
            assert layer.bias is not None
            for name, shift in shifts.items():
                layer.bias[network.class_names.index(name)] += shift
    return shifts
