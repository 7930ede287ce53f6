"""How many are in each zone, and when that passes a limit for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sightline.errors import StateError
from sightline.service.rules.events import Event
from sightline.service.rules.memory import ROUNDING
from sightline.service.rules.scene import Zone

__all__ = ["Occupancy"]


class Occupancy:
    """Reports a zone `above` its limit and later `below`, each when it has lasted.

    A track that changes its identity is two for as long as the first is waited for: a change
    counts when it has lasted for longer than that.

    Args:
        stream: Identifier of the stream.
        zone: A zone with a limit.
        patience: Seconds that a change has to last.
    """

    def __init__(self, stream: str, zone: Zone, patience: float) -> None:
        assert zone.occupancy is not None
        self.zone = zone
        self._stream = stream
        self._limit = zone.occupancy
        self._patience = patience
        self.above = False
        self.changed: float | None = None

    def update(self, count: int, time: float) -> list[Event]:
        """Take the number of tracks in the zone at a time in seconds."""
        if (count >= self._limit) == self.above:
            self.changed = None
            return []
        if self.changed is None:
            self.changed = time
        if time - self.changed < self._patience - ROUNDING:
            return []
        began, self.changed, self.above = self.changed, None, not self.above
        return [
            Event(
                self._stream,
                "occupancy",
                self.zone.id,
                began,
                time,
                direction="above" if self.above else "below",
                count=count,
            )
        ]

    def finish(self, time: float) -> list[Event]:
        """The end of the stream: nobody is there any more."""
        if not self.above:
            return []
        self.above, self.changed = False, None
        zone = self.zone.id
        return [Event(self._stream, "occupancy", zone, time, time, direction="below", count=0)]

    def save(self) -> dict[str, Any]:
        """The state as JSON takes it."""
        return {"above": self.above, "changed": self.changed}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from `save`.

        Raises:
            StateError: The state is not one of `save`.
        """
        try:
            self.above = bool(state["above"])
            self.changed = None if state["changed"] is None else float(state["changed"])
        except (KeyError, TypeError, ValueError) as error:
            raise StateError(f"not a saved state of rules: occupancy {state!r}") from error
