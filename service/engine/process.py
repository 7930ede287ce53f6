"""The detector's process: one owner of the device for all cameras.

Three threads: the collector keeps the network busy, the identities behind it track and tell, and
this one obeys and gives signs of life. `docs/engine.md` shows how frames flow.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import sys
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection

from sightline.detector import Detector
from sightline.detector.class_names import class_indices
from sightline.errors import SightlineError
from sightline.reid import ColourEmbedder, Embedder
from sightline.reid.choices import embedder_name
from sightline.service import config
from sightline.service.engine.collector import Collector, Retired, Taken
from sightline.service.engine.identities import Identities
from sightline.service.engine.meter import Meter
from sightline.service.engine.scheduler import Scheduler
from sightline.service.engine.tracking import Identification
from sightline.service.engine.wire import Command, Failed, Ready, Report, Stop
from sightline.service.networks import open_detector, open_embedder_of, open_tracker
from sightline.service.steady import SteadyClock

__all__ = ["run_engine"]

_log = logging.getLogger(__name__)

BEAT_SECONDS = 0.5

_AHEAD = 2
"""Batches that the detector may be ahead of tracking."""
_BLUR_CONFIDENCE = 0.1
"""People with at least this score are blurred, whatever score counts."""
_SWITCH_SECONDS = 0.001
"""A thread that wants the interpreter has it after that: the detector is not to wait."""
_NICENESS = 5
"""The network takes every core that is free; who answers people and reads cameras comes first."""


def run_engine(
    pipe: Connection,
    detector_settings: config.Detector,
    tracker_settings: config.Tracker,
    clock: SteadyClock,
    threads: int,
) -> None:
    """Work until `Stop`, or until the pipe ends.

    Args:
        pipe: Brings commands (`wire.Command`) and takes reports (`wire.Report`).
        detector_settings: The configuration's section.
        tracker_settings: The configuration's section.
        clock: The service's time.
        threads: CPU threads of the detector; 0 for all cores that the process may use.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    os.nice(_NICENESS)
    sending = threading.Lock()

    def tell(report: Report) -> None:
        with sending, contextlib.suppress(BrokenPipeError):  # nobody is left to hear it
            pipe.send(report)

    try:
        # Before the networks, so that a name that is wrong is said at once.
        mark = embedder_name(tracker_settings.reid)
        detector = _open_detector(detector_settings, threads)
        embedder = open_embedder_of(tracker_settings, detector_settings.device, threads=1)
        open_tracker(tracker_settings, embedder)  # compiled once on a machine, which takes a minute
    except SightlineError as error:
        tell(Failed(str(error)))
        return
    how = Identification(tracker_settings, detector.class_names, embedder, mark)
    size = detector_settings.batch if detector.joins_frames else 1
    scheduler, lock = Scheduler(size, detector_settings.batch_wait), threading.Lock()
    meter = Meter(Collector.name, Identities.name, batch_limit=size)
    # A batch's frames and commands go through one queue, so that both take effect in order.
    work: queue.Queue[list[Taken] | Retired | Command] = queue.Queue(_AHEAD)
    collector = Collector(detector, scheduler, lock, clock, meter, work)
    identities = Identities(how, detector_settings, scheduler, lock, clock, meter, work, tell)
    tell(Ready(detector.describe(), _describe(embedder)))
    workers = [_start(part.run, part.name, tell) for part in (collector, identities)]

    def beat() -> None:
        # Taken while nobody else tells anything: behind a stream's `Left` it has no counts.
        with sending, contextlib.suppress(BrokenPipeError):
            with lock:
                counts = scheduler.all_counts()
            pipe.send(meter.beat(counts))

    _obey(pipe, collector, beat)
    for worker in workers:
        worker.join()


def _obey(pipe: Connection, collector: Collector, beat: Callable[[], None]) -> None:
    """Pass on commands and give signs of life, until told to stop."""
    due = time.monotonic()
    while True:
        now = time.monotonic()
        if now >= due:
            beat()
            due = now + BEAT_SECONDS
        try:
            if not pipe.poll(due - now if due > now else 0):
                continue
            command: Command = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)  # nobody is left to work for
        collector.give(command)
        if isinstance(command, Stop):
            return


def _open_detector(settings: config.Detector, threads: int) -> Detector:
    """The detector, of more than what counts: whoever is not tracked may have to be blurred."""
    detector = open_detector(
        settings,
        threads=threads,
        confidence=min(settings.confidence, _BLUR_CONFIDENCE),
        classes=(),
    )
    if settings.classes:
        class_indices(settings.classes, detector.class_names)
    return detector


def _describe(embedder: Embedder | ColourEmbedder | None) -> dict[str, object]:
    if embedder is None:
        return {}
    return {"name": "colour"} if isinstance(embedder, ColourEmbedder) else embedder.describe()


def _start(work: Callable[[], None], name: str, tell: Callable[[Report], None]) -> threading.Thread:
    """Start a thread; what it cannot go on after ends the process, which is then started anew."""

    def guarded() -> None:
        try:
            work()
        except Exception as error:
            if not isinstance(error, SightlineError):
                _log.exception("the engine failed")
            tell(Failed(str(error) or type(error).__name__))
            os._exit(1)

    thread = threading.Thread(target=guarded, name=name)
    thread.start()
    return thread
