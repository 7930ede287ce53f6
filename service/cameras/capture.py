"""When light fell into the camera: from time stamps and arrivals to steady, growing seconds.

A camera's stamps are smooth, but count from anywhere; arrivals are on our clock, but late by what
encoder, network and scheduling take, which varies. Within some seconds the earliest arrival shows
how far the two clocks are apart (the minimum filter of Mills, RFC 5905, 10: the sample with the
least delay is the most exact). What remains unknown is the least delay itself.
"""

from __future__ import annotations

from collections import deque

__all__ = ["CaptureClock"]

_WINDOW = 10.0  # seconds in which the least delay is looked for
_JUMP = 2.0  # seconds; no delay varies so much, the stamps jumped
_STEP = 0.001  # seconds between frames at least


class CaptureClock:
    """Capture times of one camera; they grow with every frame, also over its reconnections.

    Args:
        last: UNIX seconds of the last frame told before, by another clock of that camera.
    """

    def __init__(self, last: float = 0.0) -> None:
        self.last = last
        self._stamp: float | None = None
        # Arrival and what arrival minus stamp was, growing in both: the first is the least.
        self._offsets: deque[tuple[float, float]] = deque()

    def restart(self) -> None:
        """Forget the stamps: the camera was connected anew and counts from elsewhere."""
        self._offsets.clear()
        self._stamp = None

    def arrive(self, stamp: float | None, arrived: float) -> float:
        """Take note of a packet.

        Args:
            stamp: Seconds on the camera's own clock; None, frozen or jumping ones are of no use.
            arrived: UNIX seconds of the service's clock.

        Returns:
            When it was captured as far as is known now; of an earlier packet perhaps more.
        """
        # Frozen stamps would seem to come ever later.
        if stamp is None or stamp == self._stamp:
            self.restart()
            return arrived
        self._stamp = stamp
        offset = arrived - stamp
        if self._offsets and abs(offset - self._offsets[0][1]) > _JUMP:
            self._offsets.clear()
        while self._offsets and self._offsets[-1][1] >= offset:
            self._offsets.pop()
        self._offsets.append((arrived, offset))
        while self._offsets[0][0] < arrived - _WINDOW:
            self._offsets.popleft()
        return stamp + self._offsets[0][1]

    def tell(self, stamp: float | None, arrived: float) -> float:
        """UNIX seconds at which a frame was captured: later than every frame before.

        Args:
            stamp: Seconds on the camera's own clock of the frame, None if it has none.
            arrived: UNIX seconds at which its packet came.
        """
        time = arrived
        if stamp is not None and self._offsets:
            time = stamp + self._offsets[0][1]
            if abs(time - arrived) > _JUMP:
                time = arrived
        self.last = max(time, self.last + _STEP)
        return self.last
