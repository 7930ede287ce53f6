"""Time that is UNIX time at the start of the service and only ever grows from there."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime

__all__ = ["SteadyClock", "rfc3339"]


@dataclass(frozen=True, slots=True)
class SteadyClock:
    """One clock for all processes of a service; setting the machine's clock does not move it.

    Linux counts its monotonic clock for the whole machine, so the offset makes the same time in
    every process that is given it.

    Args:
        offset: UNIX time minus monotonic time, in seconds, when the service started.
    """

    offset: float

    @classmethod
    def start(cls) -> SteadyClock:
        """The clock of a service that starts now."""
        return cls(time.time() - time.monotonic())

    def now(self) -> float:
        """UNIX seconds."""
        return time.monotonic() + self.offset


def rfc3339(seconds: float) -> str:
    """UNIX seconds as the interface writes times: UTC, to the millisecond.

    Example:
        >>> rfc3339(0.25)
        '1970-01-01T00:00:00.250Z'
    """
    text = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
