"""Stream time: from presentation time stamps to seconds that only grow."""

from __future__ import annotations

from fractions import Fraction

__all__ = ["Clock"]


class Clock:
    """Turns presentation time stamps (PTS) into seconds of stream time.

    A missing stamp is replaced by the time of the frame before plus one nominal interval, and a
    stamp that runs backwards (joined recordings, a camera that was started again) continues from
    there; both leave a sentence in `warnings` once.

    Args:
        base: Seconds that the stream's own clock shows at stream time 0; None takes the first
            frame as 0.
        rate: Nominal frames per second for missing stamps.
        warnings: Where sentences are left.
    """

    def __init__(self, base: float | None, rate: float, warnings: list[str]) -> None:
        self._base = base
        self._interval = 1 / rate
        self._warnings = warnings
        self._frames = 0
        self._last: float | None = None
        self._warned: set[str] = set()

    def tell(self, stamp: float | None) -> float:
        """Seconds of stream time of the next frame.

        Args:
            stamp: The frame's stamp in seconds of the stream's own clock, or None.
        """
        expected = 0.0 if self._last is None else self._last + self._interval
        if stamp is None:
            time = expected
            if self._frames > 0:  # RTSP never stamps the first frame
                self._warn(
                    "missing",
                    f"no time stamp on the frame after {expected - self._interval:.3f} s; such "
                    f"frames are taken to follow at {1 / self._interval:g} frames per second",
                )
        else:
            if self._base is None:
                self._base = stamp - expected
            # Nanoseconds: 2.28 s - 0.08 s must not lie before 2.2 s.
            time = round(stamp - self._base, 9)
            if self._last is not None and time <= self._last:
                self._warn(
                    "backwards",
                    f"time stamps run backwards after {self._last:.3f} s; time goes on from there",
                )
                self._base, time = stamp - expected, expected
        self._frames += 1
        self._last = time
        return time

    def seconds(self, stamp: int, unit: Fraction) -> float:
        """Stream time of a stamp in ticks, without counting it as a frame's."""
        return round(float(stamp * unit) - (self._base or 0.0), 9)

    def _warn(self, kind: str, sentence: str) -> None:
        if kind not in self._warned:
            self._warned.add(kind)
            self._warnings.append(sentence)
