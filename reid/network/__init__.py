"""The embedding network in PyTorch. Needs the `train` extra; nothing that serves imports it."""

from __future__ import annotations

from sightline.reid.network.embedding_network import EmbeddingNetwork, NetworkScale

__all__ = ["EmbeddingNetwork", "NetworkScale"]
