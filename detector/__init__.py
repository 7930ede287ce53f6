"""The detector: networks in, boxes out."""

from __future__ import annotations

from sightline.detector.class_names import COCO_CLASSES
from sightline.detector.detector import DEFAULT_CONFIDENCE, DEFAULT_NMS, Detector
from sightline.detector.registry import names

__all__ = ["COCO_CLASSES", "DEFAULT_CONFIDENCE", "DEFAULT_NMS", "Detector", "names"]
