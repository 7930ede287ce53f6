"""What is kept of each track: when it came and went, where it walked, how it looked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.service.engine.messages import TrackRecord
from sightline.service.rules.events import Event, EventKind, class_name
from sightline.structures import Tracks

__all__ = ["Histories"]

_REPORT_SECONDS = 10.0
_SPACING = 0.5
_MOST_PLACES = 240
_SLACK = 1e-3
"""Seconds by which a place may come early, so that a steady rate is not halved by rounding."""

_PLACE = 5

Looks = Callable[[Iterable[int]], Mapping[int, npt.NDArray[np.float32]]]


@dataclass(slots=True)
class _History:
    """One track that is not over.

    Args:
        class_index: Its class.
        started_at: UNIX seconds of its first confirmed box.
        seen_at: UNIX seconds of its last seen box.
        reported_at: UNIX seconds at which it was last sent.
        spacing: Seconds between two places of the path.
        path: Seconds since the start, x1 y1 x2 y2 in 0…1.
    """

    class_index: int
    started_at: float
    seen_at: float
    reported_at: float
    spacing: float
    path: list[tuple[float, float, float, float, float]]

    def walk(self, time: float, box: tuple[float, float, float, float]) -> None:
        """Note where it was seen; long paths get wider steps."""
        self.seen_at = time
        since = time - self.started_at
        if self.path and since - self.path[-1][0] < self.spacing - _SLACK:
            return
        self.path.append((since, *box))
        if len(self.path) > _MOST_PLACES:
            self.path = self.path[::2]
            self.spacing *= 2


class Histories:
    """The tracks of one stream, from their first confirmed box to the end.

    Args:
        stream: Identifier of the stream.
        class_names: Name of each class index.
        looks: Gives the exemplars of tracks, also of those that have just ended.
        embedder: Name of the network that makes exemplars; empty without.
    """

    def __init__(
        self, stream: str, class_names: tuple[str, ...], looks: Looks, embedder: str
    ) -> None:
        self._stream = stream
        self._class_names = class_names
        self._looks = looks
        self._embedder = embedder
        self._open: dict[int, _History] = {}

    def update(
        self, tracks: Tracks, size: tuple[int, int], remembered: Collection[int]
    ) -> tuple[list[Event], list[TrackRecord]]:
        """Take one frame's tracks.

        Args:
            tracks: Confirmed tracks.
            size: Width and height of the picture in pixels.
            remembered: Numbers that may be seen again; all others are over.

        Returns:
            Events of tracks that began or ended, and the records that are to be stored.
        """
        now = tracks.time
        shares = (tracks.boxes / np.tile(size, 2)).tolist()
        rows = zip(
            tracks.ids.tolist(), tracks.classes.tolist(), tracks.detections.tolist(), shares,
            strict=True,
        )  # fmt: skip
        events: list[Event] = []
        due: list[int] = []
        for number, label, detection, box in rows:
            history = self._open.get(number)
            if history is None:
                history = _History(label, now, now, now, _SPACING, [])
                self._open[number] = history
                due.append(number)
                events.append(self._event("track_start", number, label, now, now, box))
            elif now - history.reported_at >= _REPORT_SECONDS:
                due.append(number)
            history.class_index = label
            if detection >= 0:
                history.walk(now, (box[0], box[1], box[2], box[3]))
        ended = [number for number in self._open if number not in remembered]
        records = self._records(due, ended=False, now=now)
        return events + self._end_events(ended, now), records + self._end(ended, now)

    def finish(self, now: float) -> tuple[list[Event], list[TrackRecord]]:
        """End all tracks: what `update` would say."""
        ended = list(self._open)
        return self._end_events(ended, now), self._end(ended, now)

    def save(self) -> tuple[list[dict[str, Any]], npt.NDArray[np.float64]]:
        """All tracks that are not over: facts as JSON takes them, and their paths in a row."""
        facts = [
            {
                "number": number,
                "class": history.class_index,
                "started_at": history.started_at,
                "seen_at": history.seen_at,
                "reported_at": history.reported_at,
                "spacing": history.spacing,
                "places": len(history.path),
            }
            for number, history in self._open.items()
        ]
        places = [place for history in self._open.values() for place in history.path]
        return facts, np.array(places, np.float64).reshape(-1, _PLACE)

    def restore(self, facts: Iterable[Mapping[str, Any]], paths: npt.NDArray[np.float64]) -> None:
        """Go on from `save`.

        Raises:
            KeyError: A fact is missing.
            TypeError: A fact is no number.
            ValueError: The paths do not fit.
        """
        known: dict[int, _History] = {}
        start = 0
        for fact in facts:
            stop = start + int(fact["places"])
            known[int(fact["number"])] = _History(
                int(fact["class"]),
                float(fact["started_at"]),
                float(fact["seen_at"]),
                float(fact["reported_at"]),
                float(fact["spacing"]),
                [(p[0], p[1], p[2], p[3], p[4]) for p in paths[start:stop].tolist()],
            )
            start = stop
        if start != len(paths):
            raise ValueError(f"the tracks have {start} places, but {len(paths)} are there")
        self._open = known

    def _end(self, numbers: list[int], now: float) -> list[TrackRecord]:
        records = self._records(numbers, ended=True, now=now)
        for number in numbers:
            del self._open[number]
        return records

    def _end_events(self, numbers: list[int], now: float) -> list[Event]:
        events = []
        for number in numbers:
            history = self._open[number]
            box = history.path[-1][1:] if history.path else None
            events.append(
                self._event("track_end", number, history.class_index, history.seen_at, now, box)
            )
        return events

    def _records(self, numbers: list[int], *, ended: bool, now: float) -> list[TrackRecord]:
        looks = self._looks(numbers) if numbers and self._embedder else {}
        records = []
        for number in numbers:
            history = self._open[number]
            history.reported_at = now
            vectors = looks.get(number)
            records.append(
                TrackRecord(
                    stream=self._stream,
                    number=number,
                    class_name=class_name(self._class_names, history.class_index),
                    started_at=history.started_at,
                    seen_at=history.seen_at,
                    ended=ended,
                    path=np.array(history.path, np.float32).reshape(-1, _PLACE),
                    exemplars=None if vectors is None else vectors.astype(np.float16),
                    embedder="" if vectors is None else self._embedder,
                )
            )
        return records

    def _event(
        self,
        kind: EventKind,
        number: int,
        label: int,
        time: float,
        now: float,
        box: Collection[float] | None,
    ) -> Event:
        position = None if box is None else _feet(*box)
        name = class_name(self._class_names, label)
        return Event(self._stream, kind, "", time, now, number, name, position=position)


def _feet(left: float, _top: float, right: float, bottom: float) -> tuple[float, float]:
    """The bottom centre of a box, inside the picture."""
    return (min(max((left + right) / 2, 0.0), 1.0), min(max(bottom, 0.0), 1.0))
