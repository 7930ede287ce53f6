"""Video in and out: sources, camera motion, drawing, encoding."""

from __future__ import annotations

from sightline.video.camera_motion import CameraMotionEstimator
from sightline.video.draw import TrackPainter
from sightline.video.sources import open_source
from sightline.video.writer import VideoWriter

__all__ = ["CameraMotionEstimator", "TrackPainter", "VideoWriter", "open_source"]
