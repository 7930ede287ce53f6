"""What is known of the detector's process over all of its lives."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any

from sightline.service import config
from sightline.service.engine.messages import EngineReport, EngineState
from sightline.service.engine.wire import Beat, Ready

__all__ = ["Tally"]


class Tally:
    """Adds up what each process says of itself.

    Args:
        settings: The configuration's section of the detector.
    """

    def __init__(self, settings: config.Detector) -> None:
        self._settings = settings
        self._detector: Mapping[str, Any] = {}
        self._embedder: Mapping[str, Any] = {}
        self._beat: Beat | None = None
        self._frames = 0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._batches: Counter[int] = Counter()
        self._restarts = 0
        self._error = ""

    def ready(self, report: Ready) -> None:
        """A process has loaded its networks."""
        self._detector, self._embedder = report.detector, report.embedder

    def beat(self, beat: Beat) -> None:
        """A process gave a sign of life."""
        self._beat = beat
        self._error = beat.last_error or self._error

    def note(self, error: str) -> None:
        """Something went wrong on this side."""
        self._error = error

    def restart(self, reason: str) -> None:
        """A process ended and another follows."""
        self._restarts += 1
        self._error = reason
        if self._beat is not None:
            self._frames, self._seconds, self._batches = self._sums(self._beat)
            self._beat = None

    def report(self, state: EngineState, now: float) -> EngineReport:
        """All of it."""
        beat = self._beat
        frames, seconds, batches = (
            (self._frames, self._seconds, self._batches) if beat is None else self._sums(beat)
        )
        return EngineReport(
            state=state,
            at=now,
            model=self._settings.network,
            device_asked=self._settings.device,
            device=self._detector.get("device", ""),
            providers=tuple(self._detector.get("providers", ())),
            detector=self._detector,
            embedder=self._embedder,
            utilisation=0.0 if beat is None else beat.utilisation,
            frames=frames,
            stage_seconds=dict(seconds),
            batches=dict(batches),
            batch_limit=0 if beat is None else beat.batch_limit,
            restarts=self._restarts,
            last_error=self._error,
            problems={} if beat is None else beat.problems,
        )

    def _sums(self, beat: Beat) -> tuple[int, defaultdict[str, float], Counter[int]]:
        seconds = self._seconds.copy()
        for stage, spent in beat.stage_seconds.items():
            seconds[stage] += spent
        batches = self._batches + Counter(beat.batches)
        return self._frames + beat.frames, seconds, batches
