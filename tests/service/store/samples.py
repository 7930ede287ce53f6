"""Things to store."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.service.engine.messages import Recording, TrackRecord
from sightline.service.rules.events import Event
from sightline.service.store.events import StoredEvent
from sightline.service.store.identifiers import new_id

__all__ = ["an_event", "recording", "stored", "track"]

START = 1_700_000_000.0


def an_event(**changes: Any) -> Event:
    values: dict[str, Any] = {
        "stream": "door",
        "kind": "line_cross",
        "rule": "gate",
        "time": START,
        "decided": START + 0.5,
        "track": 7,
        "class_name": "person",
        "direction": "in",
        "position": (0.25, 0.75),
    }
    return Event(**{**values, **changes})


def stored(**changes: Any) -> StoredEvent:
    return StoredEvent(new_id(), an_event(**changes))


def track(number: int = 7, **changes: Any) -> TrackRecord:
    values: dict[str, Any] = {
        "stream": "door",
        "class_name": "person",
        "started_at": START,
        "seen_at": START + 5,
        "ended": True,
        "path": np.array([[0, 0.1, 0.2, 0.3, 0.4], [5, 0.2, 0.2, 0.4, 0.4]], np.float32),
        "exemplars": np.eye(2, 4, dtype=np.float16),
        "embedder": "net@1",
    }
    return TrackRecord(number=number, **{**values, **changes})


def recording(
    begin: float = START, frames: int = 10, numbers: tuple[int, ...] = (7, 8), **changes: Any
) -> Recording:
    """Some frames, ten a second, each with a row for every number."""
    rows = frames * len(numbers)
    random = np.random.default_rng(rows)
    values: dict[str, Any] = {
        "stream": "door",
        "size": (640, 480),
        "class_names": ("person", "car"),
        "frame_times": begin + np.arange(frames) / 10,
        "frames": np.repeat(np.arange(frames, dtype=np.int32), len(numbers)),
        "numbers": np.tile(np.array(numbers, np.int64), frames),
        "boxes": random.uniform(0, 640, (rows, 4)).astype(np.float32),
        "scores": random.uniform(0, 1, rows).astype(np.float32),
        "classes": np.zeros(rows, np.int32),
        "seen": random.uniform(0, 1, rows) > 0.2,
    }
    return Recording(**{**values, **changes})
