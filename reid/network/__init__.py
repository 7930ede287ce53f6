"""The embedding network in PyTorch. Needs the `train` extra; nothing that serves imports it."""

from __future__ import annotations

from sightline.reid.network.embedding_network import EmbeddingNetwork, NetworkScale
from sightline.reid.network.weights import load_network, load_weights

__all__ = ["EmbeddingNetwork", "NetworkScale", "load_network", "load_weights"]
