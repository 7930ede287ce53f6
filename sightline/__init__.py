"""Sightline: who is where in a video, which one is which, and what happened."""

from sightline.errors import (
    ConfigError,
    InputError,
    ModelError,
    SightlineError,
    SourceError,
    StateError,
)
from sightline.structures import Detections, Frame, Tracks

__version__ = "0.1.0"

__all__ = [
    "ConfigError",
    "Detections",
    "Frame",
    "InputError",
    "ModelError",
    "SightlineError",
    "SourceError",
    "StateError",
    "Tracks",
    "__version__",
]
