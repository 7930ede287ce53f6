"""Video in and out: sources, camera motion, drawing, encoding."""

from __future__ import annotations

from sightline.video.sources import open_source

__all__ = ["open_source"]
