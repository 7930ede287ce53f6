"""Which frames of a source are wanted: from, until, and every how many."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sightline.errors import InputError

__all__ = ["Selection"]


@dataclass(frozen=True, slots=True)
class Selection:
    """A stretch of stream time, thinned out; frames keep the numbers they have in the source.

    Args:
        start: Seconds of stream time of the first wanted frame; None is the beginning.
        end: Seconds of stream time that are no longer wanted; None is the end.
        stride: Frames whose index is a multiple of it are wanted.

    Raises:
        InputError: A number is out of range.
    """

    start: float | None = None
    end: float | None = None
    stride: int = 1

    def __post_init__(self) -> None:
        for name, value in (("start", self.start), ("end", self.end)):
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise InputError(f"{name} is seconds of stream time from 0; got {value}")
        if self.end is not None and self.end <= (self.start or 0):
            raise InputError(f"end must lie after start; got {self.start or 0} to {self.end}")
        if self.stride < 1:
            raise InputError(f"stride is a whole number from 1; got {self.stride}")

    def is_before(self, time: float) -> bool:
        """Whether a stream time in seconds lies before the stretch."""
        return self.start is not None and time < self.start

    def is_after(self, time: float) -> bool:
        """Whether a stream time in seconds lies behind the stretch."""
        return self.end is not None and time >= self.end

    def takes(self, index: int) -> bool:
        """Whether the stride keeps the frame with this index."""
        return index % self.stride == 0

    def count(self, frames: int, rate: float) -> int:
        """How many of a source's frames it takes, at a constant rate in frames per second."""
        first, last = 0, frames
        if rate > 0:
            # Times are binary fractions: 0.3 s at 10 frames/s is frame 3, not 4.
            first = min(math.ceil((self.start or 0) * rate - 1e-6), frames)
            if self.end is not None:
                last = min(math.ceil(self.end * rate - 1e-6), frames)
        return max(0, -(-last // self.stride) + -first // self.stride)
