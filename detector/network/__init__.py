"""The networks in PyTorch. They need the `train` extra; what serves runs an ONNX export instead."""

from sightline.detector.network.base import DetectorNetwork
from sightline.detector.network.network import Network
from sightline.detector.network.yolov1 import YoloV1

__all__ = ["NETWORKS", "DetectorNetwork", "Network", "YoloV1"]

NETWORKS: dict[str, type[Network | YoloV1]] = {"yolo": Network, "yolov1": YoloV1}
"""The networks by the name of their head, as recipes have it."""
