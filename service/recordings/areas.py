"""Where people were lately, for clips whose people have to be blurred."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from sightline.service.cameras.clips import HiddenAreas
from sightline.service.engine.messages import FrameResult
from sightline.service.live.privacy import people_in

__all__ = ["SeenAreas"]


class SeenAreas:
    """The places of people of some seconds, by stream; may be used by many threads.

    Args:
        seconds: How long they are remembered.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._areas: dict[str, deque[HiddenAreas]] = {}

    def add(self, result: FrameResult) -> None:
        """Remember everybody who was detected in a frame or has a track, predicted or not."""
        width, height = result.size
        boxes = people_in(result) / np.array([width, height, width, height], np.float32)
        with self._lock:
            areas = self._areas.setdefault(result.stream, deque())
            areas.append(HiddenAreas(result.captured_at, boxes.astype(np.float32)))
            while areas[0].at < result.captured_at - self._seconds:
                areas.popleft()

    def between(self, stream: str, begin: float, end: float) -> tuple[HiddenAreas, ...]:
        """What is remembered of a stretch of time in UNIX seconds, a second more on either side."""
        with self._lock:
            areas = tuple(self._areas.get(stream, ()))
        return tuple(each for each in areas if begin - 1 <= each.at <= end + 1)
