"""The association engine: detections in, tracks out."""

from sightline.tracker.group import TrackerGroup
from sightline.tracker.parameters import PARAMETERS, Parameter
from sightline.tracker.presets import preset_names
from sightline.tracker.tracker import Statistics, Tracker

__all__ = ["PARAMETERS", "Parameter", "Statistics", "Tracker", "TrackerGroup", "preset_names"]
