"""What happened: one value for everything that rules, trackers and cameras report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["Direction", "Event", "EventKind", "class_name", "point"]

EventKind = Literal[
    "zone_enter",
    "zone_exit",
    "zone_dwell",
    "loitering",
    "occupancy",
    "line_cross",
    "track_start",
    "track_end",
    "stream_state",
    "transit",
]

Direction = Literal["in", "out", "appeared", "vanished", "above", "below"]


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in one stream.

    Args:
        stream: Identifier of the stream.
        kind: What happened.
        rule: Identifier of the zone or line, of the passage in `transit`; empty where there is
            none.
        time: Stream time in seconds at which it happened.
        decided: Stream time in seconds of the update that was sure of it; never before `time`.
        track: Identity, or None where it is about no single one.
        class_name: Class of the track.
        direction: `in` or `out` over a line or a zone's edge; `appeared` or `vanished` where a
            track began or ended inside a zone; `above` or `below` a limit of occupancy.
        position: Anchor point x, y in 0…1 of the picture: where the line was crossed, else where
            the track was when it was decided.
        seconds: Time spent in the zone, or between two cameras in `transit`.
        count: Tracks in the zone.
        state: What the stream is doing now, in `stream_state`.
        error_code: Why it does not run, in `stream_state`.
        identity: Number that the track has across cameras, where it was joined with others.
    """

    stream: str
    kind: EventKind
    rule: str
    time: float
    decided: float
    track: int | None = None
    class_name: str | None = None
    direction: Direction | None = None
    position: tuple[float, float] | None = None
    seconds: float | None = None
    count: int | None = None
    state: str | None = None
    error_code: str | None = None
    identity: int | None = None

    def as_dict(self) -> dict[str, Any]:
        """The fields that are set, as JSON takes them."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def class_name(names: Sequence[str], index: int) -> str:
    """The name of a class, or `class N` where none is known."""
    return names[index] if 0 <= index < len(names) else f"class {index}"


def point(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    """Plain numbers of x and y."""
    return (float(values[0]), float(values[1]))
