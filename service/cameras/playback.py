"""Files that play a camera, and streams that come as files: when each of their frames is due."""

from __future__ import annotations

__all__ = ["Playback"]

_STEP = 0.001  # seconds between frames at least
_LATE = 1.0  # seconds that a file may lag before the rest of it is put off


class Playback:
    """Capture times of a file's frames as if a camera saw them from now on; they grow.

    Args:
        start: UNIX seconds at which its first frame is captured.
        last: UNIX seconds of the frame before that.
        longest_gap: Seconds between two frames above which time stamps jumped.
    """

    def __init__(self, start: float, last: float = 0.0, longest_gap: float = float("inf")) -> None:
        self.last = last
        self._start = max(start, last + _STEP)
        self._longest_gap = longest_gap
        self._first_stamp: float | None = None
        self._told = False

    def begin_again(self, interval: float) -> None:
        """The file starts anew, one interval (seconds) behind its last frame."""
        self._start = self.last + interval
        self._first_stamp = None

    def arrive(self, stamp: float | None, arrived: float) -> float:
        """When a packet's picture will be due, as near as its stamp tells.

        Args:
            stamp: Seconds on the file's own clock, None where it has none.
            arrived: UNIX seconds at which it was read.
        """
        if stamp is None:
            return arrived
        if self._first_stamp is None:
            self._first_stamp = stamp
        return self._start + stamp - self._first_stamp

    def tell(self, time: float) -> float:
        """UNIX seconds at which a frame is due: later than every frame before.

        Args:
            time: Seconds of stream time of the frame.
        """
        if self._told and self._start + time - self.last > self._longest_gap:
            self._start = self.last + _STEP - time
        self._told = True
        self.last = max(self._start + time, self.last + _STEP)
        return self.last

    def put_off(self, now: float) -> None:
        """Let the rest come later if the last frame is late by more than a second."""
        if now - self.last > _LATE:
            self._start += now - self.last
