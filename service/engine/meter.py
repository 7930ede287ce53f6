"""What the detector's process knows of its own work; used by all of its threads."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sightline.service.engine.messages import FrameCounts
from sightline.service.engine.wire import Beat

__all__ = ["Meter"]

_WINDOW = 10
"""Beats over which the utilisation is taken."""
_LATE_SECONDS = 2.0
"""What a beat comes later than this, the whole process was stopped, and no thread is to blame."""


class Meter:
    """Counts, stage times, signs of life.

    Args:
        threads: Names of the threads that give signs of life.
        batch_limit: Most frames of a batch.
    """

    def __init__(self, *threads: str, batch_limit: int) -> None:
        now = time.monotonic()
        self.batch_limit = batch_limit
        self._lock = threading.Lock()
        self._signs = dict.fromkeys(threads, now)
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._batches: Counter[int] = Counter()
        self._frames = 0
        self._error = ""
        self._problems: dict[str, str] = {}
        self._preparing = False
        self._detecting_since: float | None = None
        self._past: deque[tuple[float, float]] = deque([(now, 0.0)], maxlen=_WINDOW)

    def alive(self, thread: str) -> None:
        """A thread gives a sign of life."""
        self._signs[thread] = time.monotonic()

    @contextmanager
    def excused(self, thread: str) -> Iterator[None]:
        """A thread waits for the other process, which is no fault of its own."""
        self._signs[thread] = float("inf")
        try:
            yield
        finally:
            self.alive(thread)

    @contextmanager
    def detecting(self, *, is_first: bool) -> Iterator[None]:
        """Detection runs; `is_first` where it meets a size of pictures for the first time."""
        with self._lock:
            self._preparing, self._detecting_since = is_first, time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                self._seconds["detect"] += time.monotonic() - self._detecting_since
                self._preparing, self._detecting_since = False, None

    def spent(self, stage: str, seconds: float) -> None:
        """A stage took so long."""
        with self._lock:
            self._seconds[stage] += seconds

    def batch(self, size: int) -> None:
        """A batch was detected."""
        with self._lock:
            self._batches[size] += 1

    def frame(self) -> None:
        """A frame was processed."""
        with self._lock:
            self._frames += 1

    def note(self, error: str) -> None:
        """Something went wrong and the work goes on."""
        with self._lock:
            self._error = error

    def problems(self, stream: str, problems: list[str]) -> None:
        """What of a stream cannot be used; none forgets it."""
        with self._lock:
            self._problems.pop(stream, None)
            if problems:
                self._problems[stream] = "; ".join(problems)

    def beat(self, counts: Mapping[str, FrameCounts]) -> Beat:
        """Everything as it is now, with where the frames went; called in steady steps."""
        now = time.monotonic()
        with self._lock:
            seconds = self._seconds.copy()
            if self._detecting_since is not None:
                seconds["detect"] += now - self._detecting_since
            then, before = self._past[0]
            stopped = max(0.0, now - self._past[-1][0] - _LATE_SECONDS)
            for thread in self._signs:
                self._signs[thread] += stopped
            self._past.append((now, seconds["detect"]))
            return Beat(
                quiet=max(0.0, now - min(self._signs.values())),
                is_preparing=self._preparing,
                utilisation=min(1.0, (seconds["detect"] - before) / max(now - then, 1e-3)),
                frames=self._frames,
                stage_seconds=dict(seconds),
                batches=dict(self._batches),
                batch_limit=self.batch_limit,
                last_error=self._error,
                problems=dict(self._problems),
                counts=counts,
            )
