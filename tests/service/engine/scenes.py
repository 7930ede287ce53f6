"""What the engine's tests share: real detections, a scene drawn into them, comparisons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from sightline.formats import TrackTable
from sightline.formats.mot import read_mot, rows_to_detections
from sightline.formats.table import VideoInfo
from sightline.service.engine.messages import Recording
from sightline.service.rules import Event, Scene
from sightline.structures import Detections, Frame, Tracks
from tests.service.walks import scene_of

SIZE = (768, 576)
START = 1_800_000_000.0
"""UNIX seconds of the first frame: times as large as they are in service."""
RATE = 10.0

BLACK = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)


def busy_scene() -> Scene:
    """A line across the plaza of PETS09-S2L1, and a zone with everything that a zone can say."""
    return scene_of(
        {"id": "middle", "points": ((0.5, 0.0), (0.5, 1.0))},
        {
            "id": "lawn",
            "points": ((0.1, 0.2), (0.6, 0.2), (0.6, 0.9), (0.1, 0.9)),
            "dwell": 2.0,
            "loitering": 4.0,
            "occupancy": 3,
        },
    )


def real_detections(shared: Path, frames: int) -> list[Detections]:
    """Detections of a real detector on `vtest.avi`, frame by frame."""
    path = shared / "data/mot15/PETS09-S2L1/det/det-frcnn-sort.txt"
    by_frame = rows_to_detections(read_mot(path))
    return [by_frame.get(number, Detections.empty()) for number in range(1, frames + 1)]


def frame_at(number: int, start: float = START) -> Frame:
    """A black picture of the plaza's size; `number` counts from 0."""
    return Frame(BLACK, index=number + 1, captured_at=start + number / RATE)


def joined(recordings: Sequence[Recording]) -> TrackTable:
    """The pieces of one stream as the table that rules are replayed on."""
    first, offsets = 0, []
    for piece in recordings:
        offsets.append(first)
        first += len(piece.frame_times)
    width, height = recordings[0].size
    info = VideoInfo(width=width, height=height, class_names=recordings[0].class_names)
    return TrackTable.from_columns(
        info,
        frame_indices=np.arange(first),
        frame_times=np.concatenate([piece.frame_times for piece in recordings]),
        frames=np.concatenate(
            [piece.frames + offset for piece, offset in zip(recordings, offsets, strict=True)]
        ),
        ids=np.concatenate([piece.numbers for piece in recordings]),
        boxes=np.concatenate([piece.boxes for piece in recordings]),
        scores=np.concatenate([piece.scores for piece in recordings]),
        classes=np.concatenate([piece.classes for piece in recordings]),
        predicted=~np.concatenate([piece.seen for piece in recordings]),
    )


def of_rules(events: Iterable[Event]) -> list[Event]:
    """The events of zones and lines, in one order."""
    chosen = [event for event in events if event.rule]
    return sorted(
        chosen, key=lambda event: (event.decided, event.time, event.rule, event.kind, event.track)
    )


def assert_same_tracks(first: Tracks, second: Tracks) -> None:
    """Equal to the bit."""
    assert first.time == second.time
    for name in ("ids", "boxes", "scores", "classes", "detections"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
