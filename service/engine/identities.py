"""The thread behind the detector: who is who, what happens, and telling it."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import SightlineError, StateError
from sightline.service import config
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.collector import Retired, Taken
from sightline.service.engine.messages import FrameResult, StreamEnd
from sightline.service.engine.meter import Meter
from sightline.service.engine.scheduler import Scheduler
from sightline.service.engine.tracking import Identification, Outcome, StreamTracking
from sightline.service.engine.wire import (
    Begin,
    Change,
    Command,
    End,
    Flushed,
    HandOver,
    Left,
    Processed,
    Report,
    Stop,
    Stopped,
    Watch,
)
from sightline.service.steady import SteadyClock
from sightline.structures import Detections, Frame

__all__ = ["Identities"]

_PATIENCE = 0.5


@dataclass(slots=True)
class _Stream:
    epoch: int
    tracking: StreamTracking
    watched_until: float = 0.0
    viewer: FrameRing | None = None


class Identities:
    """Tracks what the collector hands on; `run` is a thread's work.

    Args:
        how: Tracker and embedder of all streams.
        settings: The configuration's section of the detector: what of its detections counts.
        scheduler: Shared with the collector.
        lock: Held around every use of the scheduler.
        clock: The service's time.
        meter: Counts and signs of life.
        work: Where frames and commands come from.
        tell: Sends a report; may be called by any thread.
    """

    name = "identities"

    def __init__(
        self,
        how: Identification,
        settings: config.Detector,
        scheduler: Scheduler,
        lock: threading.Lock,
        clock: SteadyClock,
        meter: Meter,
        work: queue.Queue[list[Taken] | Retired | Command],
        tell: Callable[[Report], None],
    ) -> None:
        self._how = how
        self._confidence = settings.confidence
        self._wanted = _rows_named(settings.classes or how.class_names, how.class_names)
        self._people = _rows_named(("person",), how.class_names)
        self._scheduler = scheduler
        self._lock = lock
        self._clock = clock
        self._meter = meter
        self._work = work
        self._tell = tell
        self._streams: dict[str, _Stream] = {}
        self._last_numbers: dict[str, int] = {}

    def run(self) -> None:
        """Work until `Stop`."""
        while True:
            self._meter.alive(self.name)
            try:
                item = self._work.get(timeout=_PATIENCE)
            except queue.Empty:
                continue
            if isinstance(item, list):
                for taken in item:
                    self._meter.alive(self.name)
                    self._track(taken)
            elif isinstance(item, Retired):
                item.ring.close()
            else:
                self._obey(item)
            self._work.task_done()
            if isinstance(item, Stop):
                return

    def _obey(self, command: Command) -> None:
        match command:
            case Begin():
                self._begin(command)
            case End():
                self._end(command.stream)
            case HandOver():
                self._hand_over(command.stream)
            case Change():
                tracking = self._streams[command.stream].tracking
                tracking.change(command.scene)
                self._meter.problems(command.stream, tracking.problems)
            case Watch():
                self._watch(command)
            case Stop():
                self._stop()

    def _begin(self, plan: Begin) -> None:
        first = max(plan.first_number, self._last_numbers.get(plan.stream, 0) + 1)
        tracking = StreamTracking(plan.stream, plan.scene, self._how, first_number=first)
        try:
            if plan.state is not None:
                tracking.resume(plan.state, first)
            tracking.repeat(plan.since)
        except StateError as error:
            self._meter.note(f"stream {plan.stream} begins with new identities: {error}")
        tracking.reserve(plan.last_number)
        self._streams[plan.stream] = _Stream(plan.epoch, tracking)
        self._meter.problems(plan.stream, tracking.problems)

    def _end(self, name: str) -> None:
        stream = self._streams.pop(name)
        ending = stream.tracking.finish()
        self._last_numbers[name] = stream.tracking.last_number
        with self._lock:
            newest = self._scheduler.newest(name)
            counts = self._scheduler.remove(name)
        if stream.viewer is not None:
            stream.viewer.close()
        self._meter.problems(name, [])
        end = StreamEnd(name, ending.at, ending.events, counts)
        self._tell(Left(stream.epoch, end, newest, ending.records, ending.recordings))

    def _hand_over(self, name: str) -> None:
        stream = self._streams.pop(name)
        self._last_numbers[name] = stream.tracking.last_number
        with self._lock:
            self._scheduler.remove(name)
        if stream.viewer is not None:
            stream.viewer.close()
        self._meter.problems(name, [])

    def _watch(self, command: Watch) -> None:
        stream = self._streams[command.stream]
        stream.watched_until = command.until
        if stream.viewer is not None and stream.viewer.name == command.ring:
            return
        if stream.viewer is not None:
            stream.viewer.close()
            stream.viewer = None
        try:
            stream.viewer = FrameRing.attach(command.ring)
        except FileNotFoundError:
            return  # a larger one has taken its place and is about to be named

    def _stop(self) -> None:
        for stream in self._streams.values():
            recordings = stream.tracking.flush()
            self._tell(Flushed(stream.epoch, recordings, stream.tracking.save()))
        self._tell(Stopped())

    def _track(self, taken: Taken) -> None:
        stream = self._streams[taken.stream]
        outcome = None
        if taken.detections is not None:
            try:
                outcome = stream.tracking.update(taken.frame, self._counting(taken.detections))
            except SightlineError as error:
                self._meter.note(f"stream {taken.stream}: {error}")
        if outcome is None or taken.detections is None:
            with self._lock:
                self._scheduler.finish(taken.stream, processed=False)
        else:
            self._show(stream, taken.frame)
            began = time.thread_time()
            report = self._report(stream, taken.frame, taken.detections, outcome)
            with self._meter.excused(self.name):
                self._tell(report)
            self._count(outcome, time.thread_time() - began)
        if taken.ring is not None:
            taken.ring.taken = taken.frame.index

    def _counting(self, seen: Detections) -> Detections:
        """Those that the configuration asks for; the others were found for the sake of blur."""
        return seen[(seen.scores > self._confidence) & self._wanted[seen.classes]]

    def _report(
        self, stream: _Stream, frame: Frame, seen: Detections, outcome: Outcome
    ) -> Processed:
        people = seen[self._people[seen.classes]]
        with self._lock:
            counts = self._scheduler.finish(frame.source, processed=True)
            newest = self._scheduler.newest(frame.source)
        result = FrameResult(
            stream=frame.source,
            sequence=frame.index,
            captured_at=outcome.seen.captured_at,
            finished_at=self._clock.now(),
            size=outcome.seen.size,
            tracks=outcome.tracks,
            class_names=self._how.class_names,
            detected=np.concatenate([people.boxes, people.scores[:, None]], axis=1),
            events=outcome.events,
            counts=counts,
        )
        return Processed(
            epoch=stream.epoch,
            result=result,
            newest=newest,
            last_number=stream.tracking.last_number,
            seen=outcome.seen,
            records=outcome.records,
            recordings=outcome.recordings,
            saved=outcome.saved,
        )

    def _show(self, stream: _Stream, frame: Frame) -> None:
        """Leave the picture for those who watch."""
        viewer = stream.viewer
        if viewer is None:
            return
        if self._clock.now() > stream.watched_until:
            viewer.close()
            stream.viewer = None
            return
        if viewer.fits(frame.height, frame.width):
            began = time.thread_time()
            viewer.write(frame.image, sequence=frame.index, captured_at=frame.time)
            self._meter.spent("show", time.thread_time() - began)

    def _count(self, outcome: Outcome, telling: float) -> None:
        self._meter.frame()
        for stage, seconds in {**outcome.seconds, "tell": telling}.items():
            self._meter.spent(stage, seconds)


def _rows_named(wanted: tuple[str, ...], names: tuple[str, ...]) -> npt.NDArray[np.bool_]:
    """(C,) whether each class is one of those that are wanted."""
    return np.array([name in wanted for name in names], np.bool_)
