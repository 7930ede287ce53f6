"""Tracks, detections and ground truth as files, written and read back."""

from sightline.formats.registry import FORMATS, format_of, open_sink, read_tracks, write_tracks
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo

__all__ = [
    "FORMATS",
    "FileSink",
    "TrackTable",
    "VideoInfo",
    "format_of",
    "open_sink",
    "read_tracks",
    "write_tracks",
]
