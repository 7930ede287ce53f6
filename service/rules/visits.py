"""Visits of zones: how they begin, last and end.

All functions work on `visits`, the cells (T, Z) of tracks at the zones, in place.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from sightline.service.rules.events import Direction, Event, EventKind, class_name, point
from sightline.service.rules.memory import ROUNDING, Cells
from sightline.service.rules.scene import Zone

__all__ = ["Visits"]

Mask = npt.NDArray[np.bool_]
Ids = npt.NDArray[np.int64]


class Visits:
    """Keeps the account of visits and reports them.

    Args:
        stream: Identifier of the stream.
        zones: The zones, in the order of the columns.
        class_names: Name of each class index.
        loitering_break: Seconds outside after which loitering counts from 0 again.
    """

    def __init__(
        self,
        stream: str,
        zones: Sequence[Zone],
        class_names: Sequence[str],
        loitering_break: float,
    ) -> None:
        self._stream = stream
        self._zones = zones
        self._class_names = class_names
        self._break = loitering_break
        self._dwell = np.array([zone.dwell or math.inf for zone in zones])
        self._loitering = np.array([zone.loitering or math.inf for zone in zones])

    def begin(self, visits: Cells, came: Mask, walked: Mask, ids: Ids, now: float) -> list[Event]:
        """Those who `came` stand inside since `since`; `walked` are those who stood outside."""
        away = visits["since"] - visits["left"] > self._break
        visits["entered"] = np.where(came, visits["since"], visits["entered"])
        visits["told_dwell"] &= ~came
        visits["told_loitering"] &= ~(came & away)
        visits["earlier"] = np.where(came & away, 0, visits["earlier"])
        return [
            self._event(
                "zone_enter",
                visits[row, zone],
                zone,
                ids[row],
                float(visits["since"][row, zone]),
                now,
                direction="in" if walked[row, zone] else "appeared",
            )
            for row, zone in np.argwhere(came)
        ]

    def last(self, visits: Cells, present: Mask, ids: Ids, now: float) -> list[Event]:
        """Those who are `present` have stayed until now."""
        events = []
        visit = now - visits["entered"]
        together = visits["earlier"] + visit
        kinds: tuple[EventKind, EventKind] = ("zone_dwell", "loitering")
        for kind, told, seconds, limit in zip(
            kinds,
            ("told_dwell", "told_loitering"),
            (visit, together),
            (self._dwell, self._loitering),
            strict=True,
        ):
            reached = present & ~visits[told] & (seconds >= limit - ROUNDING)
            visits[told] |= reached
            events += [
                self._event(
                    kind,
                    visits[row, zone],
                    zone,
                    ids[row],
                    now,
                    now,
                    seconds=float(seconds[row, zone]),
                )
                for row, zone in np.argwhere(reached)
            ]
        return events

    def leave(self, visits: Cells, went: Mask, ids: Ids, now: float) -> list[Event]:
        """Those who `went` have been outside since `since`."""
        return self._end(visits, went, visits["since"], ids, now, "out")

    def vanish(self, visits: Cells, gone: Mask, ids: Ids, now: float) -> list[Event]:
        """Those who are `gone` were last seen inside; where they are is unknown."""
        events = self._end(visits, gone, visits["seen"], ids, now, "vanished")
        visits["stands"] = np.where(gone, 0, visits["stands"])
        visits["sign"] = np.where(gone, 0, visits["sign"])
        return events

    def _end(
        self,
        visits: Cells,
        ended: Mask,
        times: npt.NDArray[np.float64],
        ids: Ids,
        now: float,
        direction: Direction,
    ) -> list[Event]:
        stayed = times - visits["entered"]
        visits["earlier"] = np.where(ended, visits["earlier"] + stayed, visits["earlier"])
        visits["left"] = np.where(ended, times, visits["left"])
        return [
            self._event(
                "zone_exit",
                visits[row, zone],
                zone,
                ids[row],
                float(times[row, zone]),
                now,
                direction=direction,
                seconds=float(stayed[row, zone]),
            )
            for row, zone in np.argwhere(ended)
        ]

    def _event(
        self,
        kind: EventKind,
        visit: np.void,
        zone: int,
        identity: np.int64,
        time: float,
        now: float,
        *,
        direction: Direction | None = None,
        seconds: float | None = None,
    ) -> Event:
        return Event(
            self._stream,
            kind,
            self._zones[zone].id,
            time,
            now,
            int(identity),
            class_name(self._class_names, visit["class"]),
            direction,
            point(visit["at"]),
            seconds,
        )
