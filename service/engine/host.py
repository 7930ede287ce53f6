"""The service's side of the detector's process: starts it, watches over it, starts it again.

What a new process needs to go on where the last one was ended lies here: of each stream the last
saved state, what tracking was given since, and where its frames went. So a person in view keeps
the number, no event is told twice, and no number is given twice.
"""

from __future__ import annotations

import contextlib
import functools
import itertools
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.service import config
from sightline.service.engine.books import Book, plain_scene
from sightline.service.engine.messages import (
    EngineReport,
    EngineState,
    FrameCounts,
    FrameResult,
    Recording,
    SavedState,
    StreamEnd,
    TrackRecord,
    add_counts,
)
from sightline.service.engine.process import run_engine
from sightline.service.engine.scheduler import NO_FRAMES
from sightline.service.engine.tally import Tally
from sightline.service.engine.watchdog import Watchdog
from sightline.service.engine.wire import (
    Attach,
    Beat,
    Change,
    Command,
    End,
    Failed,
    Flushed,
    Left,
    Processed,
    Ready,
    Report,
    Stop,
    Stopped,
    Watch,
)
from sightline.service.processes import Child, start_child
from sightline.service.steady import SteadyClock

__all__ = ["EngineHost", "Message"]

_log = logging.getLogger(__name__)

Message = FrameResult | Recording | TrackRecord | SavedState | StreamEnd | EngineReport

_START_SECONDS = 900.0
"""A network that a GPU prepares, or a tracker that is compiled, may take minutes."""
_CLOSE_SECONDS = 5.0
_PAUSES = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before the process is started again, by failures in a row."""
_STEADY_SECONDS = 30.0
"""A process that ran for so long did not fail at once."""
_POLL_SECONDS = 0.25


class EngineHost:
    """All streams' detection and tracking, in a process of its own.

    Every method may be called by any thread, and none waits for the process.

    Args:
        detector: The configuration's section.
        tracker: The configuration's section.
        clock: The service's time.
        on_message: Called by one thread with everything that the process tells, in order; should
            take little time.
        threads: CPU threads of the detector; 0 for all cores that the process may use.
        hang_seconds: A process without a sign of life for so long is killed.
    """

    def __init__(
        self,
        detector: config.Detector,
        tracker: config.Tracker,
        clock: SteadyClock,
        on_message: Callable[[Message], None],
        *,
        threads: int = 0,
        hang_seconds: float = 10.0,
    ) -> None:
        self._settings = (detector, tracker, clock, threads)
        self._clock = clock
        self._on_message = on_message
        self._hang_seconds = hang_seconds
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._tally = Tally(detector)
        self._state: EngineState = "STOPPED"
        self._books: dict[str, Book] = {}
        self._leaving: dict[int, Book] = {}
        self._rings: dict[str, str] = {}
        self._used: dict[str, _Used] = {}
        self._epochs = itertools.count(1)
        self._outbox: _Outbox | None = None
        self._child: Child | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="engine-host", daemon=True)

    def start(self) -> None:
        """Start the process; it loads its networks beside the caller."""
        self._state = "STARTING"
        self._thread.start()

    def close(self) -> None:
        """Save all streams, end the process, and wait for that; at most some seconds."""
        with self._changed:
            if self._closing.is_set():
                return
            self._closing.set()
            self._send(Stop())
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join()
        with self._lock:
            for book in self._books.values():
                book.close()

    def wait_until_ready(self, timeout: float) -> bool:
        """Wait until the networks run; False if they do not by then, or cannot be started."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._state in ("RUNNING", "BACKOFF") or self._closing.is_set(), timeout
            )
            return self._state == "RUNNING"

    def add(self, stream: config.Stream, first_number: int, state: bytes | None) -> None:
        """Begin to track a stream, once its ring is attached.

        Args:
            stream: Its definition; zones, lines, rules, `process_fps` and `buffer` are used.
            first_number: Smallest number that a track may get.
            state: From a `SavedState` of this stream, to go on from; not used where the stream
                was removed since this host was started: all that it knows of has ended.
        """
        with self._lock:
            used = self._used.get(stream.id)
            if used is not None:
                first_number, state = max(first_number, used.number + 1), None
            else:
                used = self._used[stream.id] = _Used()
            ring = self._rings.get(stream.id)
            book = Book(stream, next(self._epochs), first_number, state, ring, used.sequence)
            old = self._books.pop(stream.id, None)
            if old is not None:
                self._leave(old)
            self._books[stream.id] = book
            self._send(book.plan())

    def attach(self, stream: str, ring: str) -> None:
        """Take the stream's frames from a ring, and no longer from the one before."""
        with self._lock:
            self._rings[stream] = ring
            book = self._books.get(stream)
            if book is not None:
                book.ring = ring
                self._send(Attach(stream, ring))

    def remove(self, stream: str) -> None:
        """Track a stream no longer; its `StreamEnd` comes with what ends with it."""
        with self._lock:
            self._rings.pop(stream, None)
            book = self._books.pop(stream, None)
            if book is not None:
                self._leave(book)

    def update(self, stream: config.Stream) -> None:
        """Take other zones, lines, rules and another `process_fps`; all identities stay."""
        with self._lock:
            book = self._books.get(stream.id)
            if book is not None:
                book.scene, book.process_fps = plain_scene(stream), stream.process_fps
                self._send(Change(stream.id, book.scene, book.process_fps))

    def watch(self, stream: str, until: float) -> None:
        """Until then (UNIX seconds) keep the last picture that was looked at for `picture`."""
        with self._lock:
            book = self._books.get(stream)
            if book is None or until <= book.watched_until:
                return
            book.watched_until = until
            if book.viewer is not None:
                self._send(Watch(stream, until, book.viewer.name))

    def picture(self, stream: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:
        """The last frame that was looked at while it is watched, and its own result.

        Returns:
            (H, W, 3) uint8 BGR, not to be changed, and the result of that very frame; None
            before there is one.
        """
        with self._lock:
            book = self._books.get(stream)
        return None if book is None else book.picture()

    def counts(self, stream: str) -> FrameCounts | None:
        """Where a stream's frames went since this host was started, at most a beat ago.

        Exact also where it was stopped, and over its stops and starts.

        Returns:
            None where it was never added.
        """
        with self._lock:
            used = self._used.get(stream)
            if used is None:
                return None
            books = [*self._leaving.values(), *self._books.values()]
            mine = [b for b in books if b.stream == stream and b.epoch > used.forgotten]
            return functools.reduce(add_counts, (book.counts for book in mine), used.counts)

    def forget(self, stream: str) -> None:
        """Count from 0 again: a stream of that name will be another one."""
        with self._lock:
            used = self._used.get(stream)
            if used is not None:
                used.forgotten, used.counts = next(self._epochs), NO_FRAMES

    def report(self) -> EngineReport:
        """What the process is and does."""
        with self._lock:
            return self._tally.report(self._state, self._clock.now())

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        with self._lock:
            return None if self._child is None else self._child.pid

    def _run(self) -> None:
        failures = 0
        while not self._closing.is_set():
            began = time.monotonic()
            reason = self._serve()
            if self._closing.is_set():
                break
            failures = 1 if time.monotonic() - began > _STEADY_SECONDS else failures + 1
            with self._changed:
                self._tally.restart(reason)
                self._set_state("BACKOFF")
                pause = _PAUSES[min(failures, len(_PAUSES)) - 1]
                self._changed.wait_for(self._closing.is_set, pause)
        with self._changed:
            self._set_state("STOPPED")
        self._pass_on(self.report())

    def _serve(self) -> str:
        """One life of the process; returns why it ended."""
        with self._changed:
            self._set_state("STARTING")
        try:
            child = start_child(run_engine, *self._settings, name="engine")
        except OSError as error:  # handles, memory or processes are used up
            return f"its process could not be started: {error.strerror}"
        outbox = _Outbox(child.pipe)
        with self._lock:
            self._child, self._outbox = child, outbox
            for book in self._leaving.values():
                self._send(book.plan())
                self._send(End(book.stream))
            for book in self._books.values():
                self._send(book.plan())
                if book.viewer is not None:
                    self._send(Watch(book.stream, book.watched_until, book.viewer.name))
            if self._closing.is_set():
                self._send(Stop())
        try:
            return self._listen(child)
        finally:
            with self._lock:
                self._child = self._outbox = None
            child.kill()
            outbox.close()

    def _listen(self, child: Child) -> str:
        """Take reports until the process has ended, hangs, or has stopped as it was told to."""
        watchdog = Watchdog(time.monotonic(), 4 * _POLL_SECONDS)
        patience, failure = _START_SECONDS, ""
        asked_to_stop: float | None = None
        while True:
            wait([child.pipe, child.sentinel], _POLL_SECONDS)
            while True:
                try:
                    if not child.pipe.poll():
                        break
                    report: Report = child.pipe.recv()
                except (EOFError, OSError):
                    return failure or _ending(child)
                watchdog.hear()
                match report:
                    case Stopped():
                        return "it was stopped"
                    case Failed():
                        failure = report.reason
                    case Ready():
                        patience = self._hang_seconds
                    case Beat():
                        patience = _START_SECONDS if report.is_preparing else self._hang_seconds
                        if report.quiet > patience:
                            return f"it hung: nothing moved for {report.quiet:.0f} s"
                self._take(report)
            now = time.monotonic()
            if self._closing.is_set():
                asked_to_stop = asked_to_stop or now
                if now - asked_to_stop > _CLOSE_SECONDS:
                    return "it did not stop"
            silence = watchdog.look(now)
            if silence > patience:
                return f"it hung: no sign of life for {silence:.0f} s"

    def _take(self, report: Report) -> None:
        match report:
            case Ready():
                with self._changed:
                    self._tally.ready(report)
                    self._set_state("RUNNING")
            case Beat():
                with self._lock:
                    self._tally.beat(report)
                    self._note_counts(report)
                self._pass_on(self.report())
            case Processed():
                self._processed(report)
            case Left():
                with self._lock:
                    book = self._leaving.pop(report.epoch, None)
                    if book is not None:
                        used = self._used[book.stream]
                        used.note(0, report.newest)
                        if book.epoch > used.forgotten:
                            used.counts = add_counts(used.counts, report.end.counts)
                        book.close()
                self._pass_on(*report.recordings, *report.records, report.end)
            case Flushed():
                self._pass_on(*report.recordings, report.saved)
            case Failed() | Stopped():
                pass

    def _processed(self, report: Processed) -> None:
        name = report.result.stream
        with self._lock:
            book = self._leaving.get(report.epoch) or self._books.get(name)
            if book is not None and book.epoch == report.epoch:
                self._used[name].note(report.last_number, report.newest)
                self._note_frame(book, report)
        saved = () if report.saved is None else (report.saved,)
        self._pass_on(*report.recordings, *report.records, report.result, *saved)

    def _note_frame(self, book: Book, report: Processed) -> None:
        try:
            has_new_ring = book.take(report, self._clock.now())
        except StateError as error:  # without shared memory there are no pictures to look at
            self._tally.note(str(error))
            return
        if has_new_ring and book.viewer is not None:
            self._send(Watch(book.stream, book.watched_until, book.viewer.name))

    def _note_counts(self, beat: Beat) -> None:
        # Of several of a name, the one that left first is what the process still has.
        first = dict(self._books)
        for book in reversed(self._leaving.values()):
            first[book.stream] = book
        for stream, counts in beat.counts.items():
            if stream in first:
                first[stream].note(counts)

    def _pass_on(self, *messages: Message) -> None:
        for message in messages:
            try:
                self._on_message(message)
            except Exception:
                # Whoever listens has a fault: cameras are tracked all the same.
                _log.exception("what the engine told was not taken: %s", type(message).__name__)

    def _leave(self, book: Book) -> None:
        self._leaving[book.epoch] = book
        self._send(End(book.stream))

    def _send(self, command: Command) -> None:
        """Have a command sent; without a process, the next one is told by the books."""
        if self._outbox is not None:
            self._outbox.put(command)

    def _set_state(self, state: EngineState) -> None:
        self._state = state
        self._changed.notify_all()


@dataclass(slots=True)
class _Used:
    """What of a stream's numbers is used up: of tracks, and of frames.

    Args:
        number: Largest of a track.
        sequence: Newest frame that is accounted for.
        counts: Where the frames of its earlier addings went.
        forgotten: Epoch before which nothing counts.
    """

    number: int = 0
    sequence: int = 0
    counts: FrameCounts = NO_FRAMES
    forgotten: int = 0

    def note(self, number: int, sequence: int) -> None:
        self.number = max(self.number, number)
        self.sequence = sequence


class _Outbox:
    """Sends commands from a thread of its own: a process that hangs takes none."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._commands: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="engine-outbox", daemon=True)
        self._thread.start()

    def put(self, command: Command) -> None:
        self._commands.put(command)

    def close(self) -> None:
        """After the process has ended."""
        self._commands.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (command := self._commands.get()) is not None:
            with contextlib.suppress(OSError, ValueError):  # it has ended: its heir is told anew
                self._pipe.send(command)


def _ending(child: Child) -> str:
    """How a process ended that said nothing about it."""
    code = child.wait(_POLL_SECONDS)
    if code is not None and code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with code {code}"
