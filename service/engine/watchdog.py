"""How long somebody has been silent, in time in which the listener was awake.

Whoever was stopped himself (a suspended machine, SIGSTOP, a core that others took) has heard
nothing in that time, and it proves nothing.
"""

from __future__ import annotations

__all__ = ["Watchdog"]


class Watchdog:
    """Counts silence between looks.

    Args:
        now: Seconds of a monotonic clock.
        step: Seconds between two looks that are usual; what a look comes later is not counted.

    Example:
        >>> watchdog = Watchdog(now=0.0, step=1.0)
        >>> watchdog.look(0.5), watchdog.look(30.0)
        (0.5, 1.5)
    """

    def __init__(self, now: float, step: float) -> None:
        self._step = step
        self._looked = now
        self._silence = 0.0

    def hear(self) -> None:
        """There was a sign of life."""
        self._silence = 0.0

    def look(self, now: float) -> float:
        """Seconds of silence until now."""
        self._silence += min(now - self._looked, self._step)
        self._looked = now
        return self._silence
