"""The network in PyTorch. Needs the `train` extra; what serves runs its ONNX export instead."""

from sightline.detector.network.network import Network

__all__ = ["Network"]
