"""The service's side of the detector's process: starts it, watches over it, starts it again.

What a new process needs to go on where the last one was ended lies here: of each stream the last
saved state, what tracking was given since, and where its frames went. So a person in view keeps
the number, no event is told twice, and no number is given twice.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from sightline.errors import StateError
from sightline.service import config
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.accounts import Accounts, Used
from sightline.service.engine.books import Book, MakeRing, plain_scene
from sightline.service.engine.messages import (
    EngineReport,
    EngineState,
    FrameCounts,
    FrameResult,
    Recording,
    SavedState,
    StreamEnd,
    TrackRecord,
)
from sightline.service.engine.process import run_engine
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
    HandOver,
    Left,
    Processed,
    Ready,
    Report,
    Stop,
    Stopped,
    Watch,
)
from sightline.service.processes import start_child
from sightline.service.steady import SteadyClock

__all__ = ["EngineHost", "EngineProcess", "Message", "Pipe"]

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


class Pipe(Protocol):
    """The service's end of what connects it with a process; `multiprocessing`'s, or the like."""

    def send(self, obj: Any, /) -> None:
        """Have a command told; OSError or ValueError where nobody can hear it any more."""

    def poll(self) -> bool:
        """Whether a report waits."""

    def recv(self) -> Any:
        """The next report; EOFError or OSError where none will come any more."""

    def fileno(self) -> int:
        """What `multiprocessing.connection.wait` takes."""


class EngineProcess(Protocol):
    """A process that runs `run_engine`: a child of this one, or one on another machine."""

    @property
    def pipe(self) -> Pipe:
        """Takes commands and gives reports."""

    @property
    def sentinel(self) -> int:
        """Ready when the process has ended."""

    @property
    def pid(self) -> int:
        """Its number, where it runs."""

    def wait(self, timeout: float) -> int | None:
        """Wait for its end; its exit code, None if it still runs."""

    def kill(self) -> None:
        """End it now."""


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
        start: Starts the process; OSError where it cannot be started. A child of this process, if
            not given.
        accounts: Shared with the hosts that streams are handed over to and taken over from.
        make_ring: Makes the memory of pictures, where the process finds it.
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
        start: Callable[[], EngineProcess] | None = None,
        accounts: Accounts | None = None,
        make_ring: MakeRing = FrameRing.create,
    ) -> None:
        def start_here() -> EngineProcess:
            return start_child(run_engine, detector, tracker, clock, threads, name="engine")

        self._start_process = start or start_here
        self._make_ring = make_ring
        self._clock = clock
        self._on_message = on_message
        self._hang_seconds = hang_seconds
        self._accounts = accounts or Accounts()
        self._lock = self._accounts.lock
        self._telling = threading.Lock()  # held while one report is taken and told
        self._changed = threading.Condition(self._lock)
        self._tally = Tally(detector)
        self._state: EngineState = "STOPPED"
        self._books: dict[str, Book] = {}
        self._leaving: dict[int, Book] = {}
        self._rings: dict[str, str] = {}
        self._outbox: _Outbox | None = None
        self._child: EngineProcess | None = None
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

    def add(self, stream: config.Stream, first_number: int, state: bytes | None) -> None:
        """Begin to track a stream, once its ring is attached.

        Args:
            stream: Its definition; zones, lines, rules, `process_fps` and `buffer` are used.
            first_number: Smallest number that a track may get.
            state: From a `SavedState` of this stream, to go on from; not used where the stream
                was removed since this host was started: all that it knows of has ended.
        """
        with self._lock:
            used = self._accounts.used.get(stream.id)
            if used is not None:
                first_number, state = max(first_number, used.number + 1), None
            else:
                used = self._accounts.used[stream.id] = Used()
            epoch = self._accounts.next_epoch()
            book = Book(stream, epoch, first_number, state, used.sequence)
            old = self._books.pop(stream.id, None)
            if old is not None:
                self._leave(old)
            self._accounts.books[epoch] = book
            self._begin(book)

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

    def hand_over(self, stream: str) -> Book | None:
        """Track a stream no longer, for another host to go on with it as if nothing had been.

        Returns:
            What that host takes over; None where the stream is not tracked here. No report of it
            is told any more.
        """
        with self._telling, self._lock:
            self._rings.pop(stream, None)
            book = self._books.pop(stream, None)
            if book is not None:
                self._send(HandOver(stream))
                book.close()
            return book

    def abandon(self) -> list[Book]:
        """Give all streams up, those that leave first: the process is lost, and no other follows.

        Returns:
            What other hosts take over; no report is told any more.
        """
        with self._telling, self._changed:
            self._closing.set()
            self._changed.notify_all()
            books = [*self._leaving.values(), *self._books.values()]
            for book in books:
                book.close()
            self._leaving, self._books = {}, {}
            return books

    def take_over(self, book: Book, sequence: int = 0) -> None:
        """Go on with a stream of another host.

        Args:
            book: From `hand_over` or `abandon`.
            sequence: Of the frame before the first of its new reader.
        """
        with self._lock:
            used = self._accounts.used[book.stream]
            del self._accounts.books[book.epoch]
            if book.epoch > used.forgotten:  # late reports of the process before are not its
                book.epoch = self._accounts.next_epoch()
            self._accounts.books[book.epoch] = book
            book.go_on(sequence)
            if book.is_leaving:
                self._leaving[book.epoch] = book
                self._send(book.plan())
                self._send(End(book.stream))
            else:
                self._begin(book)

    def update(self, stream: config.Stream) -> None:
        """Take other zones, lines, rules and another `process_fps`; all identities stay."""
        with self._lock:
            book = self._books.get(stream.id)
            if book is not None:
                book.scene, book.process_fps = plain_scene(stream), stream.process_fps
                self._send(Change(stream.id, book.scene, book.process_fps))

    @property
    def is_busy(self) -> bool:
        """Whether a stream is tracked here, or is still to end here."""
        with self._lock:
            return bool(self._books or self._leaving)

    @property
    def is_leaving(self) -> bool:
        """Whether a stream is still to end here."""
        with self._lock:
            return bool(self._leaving)

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
        return self._accounts.counts(stream)

    def forget(self, stream: str) -> None:
        """Count from 0 again: a stream of that name will be another one."""
        self._accounts.forget(stream)

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
                self._state = "BACKOFF"
                pause = _PAUSES[min(failures, len(_PAUSES)) - 1]
                self._changed.wait_for(self._closing.is_set, pause)
        with self._changed:
            self._state = "STOPPED"
        self._pass_on(self.report())

    def _serve(self) -> str:
        """One life of the process; returns why it ended."""
        with self._changed:
            self._state = "STARTING"
        try:
            child = self._start_process()
        except OSError as error:  # handles, memory or processes are used up
            return f"its process could not be started: {error.strerror or error}"
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

    def _listen(self, child: EngineProcess) -> str:
        """Take reports until the process has ended, hangs, or has stopped as it was told to."""
        watchdog = Watchdog(time.monotonic(), 4 * _POLL_SECONDS)
        patience, failure = _START_SECONDS, ""
        asked_to_stop: float | None = None
        while True:
            wait([child.pipe.fileno(), child.sentinel], _POLL_SECONDS)
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
                    case Ready() | Processed():
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
                    self._state = "RUNNING"
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
                        self._accounts.close(book, report.end.counts, report.newest)
                        book.close()
                if book is not None:
                    self._pass_on(*report.recordings, *report.records, report.end)
            case Flushed():
                self._pass_on(*report.recordings, report.saved)
            case Failed() | Stopped():
                pass

    def _processed(self, report: Processed) -> None:
        name = report.result.stream
        with self._telling:
            with self._lock:
                book = self._leaving.get(report.epoch) or self._books.get(name)
                if book is None or book.epoch != report.epoch:
                    return  # another host goes on with it
                self._accounts.used[name].note(report.last_number, report.newest)
                book.take(report)
            self._show(book, report.result)
            saved = () if report.saved is None else (report.saved,)
            self._pass_on(*report.recordings, *report.records, report.result, *saved)

    def _show(self, book: Book, result: FrameResult) -> None:
        try:
            has_new_ring = book.show(result, self._clock.now(), self._make_ring)
        except StateError as error:  # without shared memory there are no pictures to look at
            self._tally.note(str(error))
            return
        with self._lock:
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

    def _begin(self, book: Book) -> None:
        book.ring = self._rings.get(book.stream)
        self._books[book.stream] = book
        self._send(book.plan())

    def _leave(self, book: Book) -> None:
        book.is_leaving = True
        self._leaving[book.epoch] = book
        self._send(End(book.stream))

    def _send(self, command: Command) -> None:
        """Have a command sent; without a process, the next one is told by the books."""
        if self._outbox is not None:
            self._outbox.put(command)


class _Outbox:
    """Sends commands from a thread of its own: a process that hangs takes none."""

    def __init__(self, pipe: Pipe) -> None:
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


def _ending(child: EngineProcess) -> str:
    """How a process ended that said nothing about it."""
    code = child.wait(_POLL_SECONDS)
    if code is not None and code < 0:
        return f"it was ended by {signal.Signals(-code).name}"
    return f"it ended with code {code}"
