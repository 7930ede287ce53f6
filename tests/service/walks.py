"""Tracks whose truth is known: people as boxes that walk along paths of points in 0…1."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from sightline.service.rules import Event, RulesEngine, Scene
from sightline.structures import Tracks

SIZE = (1000, 500)
RATE = 10.0

Path = Callable[[float], tuple[float, float] | None]


def line(*ends: tuple[float, float], **fields: Any) -> dict[str, Any]:
    return {"id": "line", "points": ends, **fields}


def zone(*corners: tuple[float, float], **fields: Any) -> dict[str, Any]:
    return {"id": "zone", "points": corners, **fields}


def path(*stops: tuple[float, float, float]) -> Path:
    """Straight from stop to stop, each (time, x, y); None before the first and after the last."""
    times, xs, ys = zip(*stops, strict=True)

    def at(time: float) -> tuple[float, float] | None:
        if not times[0] - 1e-9 <= time <= times[-1] + 1e-9:
            return None
        return float(np.interp(time, times, xs)), float(np.interp(time, times, ys))

    return at


def tracks_at(
    time: float,
    feet: Sequence[tuple[int, tuple[float, float]]],
    *,
    height: float = 0.2,
    classes: int = 0,
    predicted: Iterable[int] = (),
) -> Tracks:
    """Boxes of people who stand at points in 0…1; `height` is in heights of the picture."""
    tall = height * SIZE[1]
    boxes = np.array(
        [
            (x * SIZE[0] - tall / 5, y * SIZE[1] - tall, x * SIZE[0] + tall / 5, y * SIZE[1])
            for _, (x, y) in feet
        ],
        np.float32,
    ).reshape(-1, 4)
    ids = np.array([identity for identity, _ in feet], np.int64)
    rows = np.arange(len(ids), dtype=np.int32)
    return Tracks(
        ids=ids,
        boxes=boxes,
        scores=np.ones(len(ids), np.float32),
        classes=np.full(len(ids), classes, np.int32),
        detections=np.where(np.isin(ids, list(predicted)), np.int32(-1), rows),
        ages=np.zeros(len(ids), np.float32),
        hits=np.ones(len(ids), np.int32),
        time=time,
    )


def scene_of(*places: dict[str, Any], **timing: float) -> Scene:
    return Scene.model_validate(
        {
            "lines": [place for place in places if len(place["points"]) == 2],
            "zones": [place for place in places if len(place["points"]) > 2],
            "rules": timing,
        }
    )


def run(
    scene: Scene,
    paths: dict[int, Path],
    *,
    seconds: float = 10.0,
    rate: float = RATE,
    gone: Callable[[int, float], bool] = lambda identity, time: False,
    skipped: Callable[[float], bool] = lambda time: False,
    shift: Callable[[int, float], tuple[float, float]] = lambda identity, time: (0.0, 0.0),
    finish: bool = True,
) -> list[Event]:
    """All events of people who walk; `gone` hides one of them, `skipped` drops a frame."""
    engine = RulesEngine(scene, stream="camera", class_names=("person", "car"))
    events: list[Event] = []
    for number in range(round(seconds * rate) + 1):
        time = number / rate
        if skipped(time):
            continue
        feet = []
        for identity, walk in paths.items():
            place = walk(time)
            if place is not None and not gone(identity, time):
                by = shift(identity, time)
                feet.append((identity, (place[0] + by[0], place[1] + by[1])))
        events += engine.update(tracks_at(time, feet), size=SIZE)
    return events + engine.finish() if finish else events


def said(events: Iterable[Event]) -> list[tuple[str, int | None, str | None]]:
    return [(event.kind, event.track, event.direction) for event in events]
