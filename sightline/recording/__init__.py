"""One recording tracked into files: what `sightline track` does with a video, wherever it runs."""

from sightline.recording.offline import record_offline
from sightline.recording.online import record
from sightline.recording.options import DetectorOptions, Networks, TrackOptions
from sightline.recording.outputs import Outputs, Progress, no_progress

__all__ = [
    "DetectorOptions",
    "Networks",
    "Outputs",
    "Progress",
    "TrackOptions",
    "no_progress",
    "record",
    "record_offline",
]
