"""The rules on a pipeline's results, and on tracks that were recorded: one engine, same events."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

import numpy as np

from sightline.errors import InputError
from sightline.formats import TrackTable
from sightline.service.rules.engine import RulesEngine
from sightline.service.rules.events import Event
from sightline.structures import Frame, Tracks

__all__ = ["RulesSink", "replay"]


class RulesSink:
    """A sink of a pipeline that hands on what happens; implements `protocols.Sink`.

    Args:
        engine: The rules of the stream.
        report: Called with each event.
    """

    def __init__(self, engine: RulesEngine, report: Callable[[Event], object]) -> None:
        self.engine = engine
        self._report = report

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Take one frame's tracks.

        Raises:
            InputError: As `RulesEngine.update`.
        """
        for event in self.engine.update(tracks, size=(frame.width, frame.height)):
            self._report(event)

    def close(self) -> None:
        """End all visits; may be called twice."""
        for event in self.engine.finish():
            self._report(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def replay(engine: RulesEngine, table: TrackTable) -> Iterator[Event]:
    """What the rules report of recorded tracks, from the first frame to the end of all visits.

    Args:
        engine: The rules; it begins afresh.
        table: The tracks, with the picture's size and the frames' times.

    Raises:
        InputError: Size or times are unknown, or the table holds detections.
    """
    size = (table.info.width, table.info.height)
    if min(size) <= 0:
        raise InputError(
            "the recorded tracks do not name the picture's size, and coordinates of zones are in "
            "0…1 of it; give it"
        )
    if np.isnan(table.frame_times).any():
        raise InputError(
            "the recorded tracks name neither times nor the frame rate, and rules work in "
            "seconds; give the rate"
        )
    engine.reset()
    for _, _, tracks in table.by_frame():
        yield from engine.update(tracks, size=size)
    yield from engine.finish()
