"""The one thread that stores what cameras produce, some times a second, whatever befalls the store.

Callers never wait. What cannot be stored now is kept in memory and tried again, events for as long
as there is room for them; whatever is lost is counted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from sightline.service.engine.messages import Recording, SavedState, StreamEnd, TrackRecord
from sightline.service.rules.events import Event
from sightline.service.store.backlog import Backlog, Batch, Limits, Numbers
from sightline.service.store.batches import EventHook, write_batch
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.events import StoredEvent
from sightline.service.store.identifiers import new_id

__all__ = ["Writer", "WriterStatistics"]

_SHORTEST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class WriterStatistics:
    """How storing goes.

    Args:
        written: What was stored since the start.
        waiting: What is to be stored.
        lost: What had to be given up: too much waited, the store refused it, or it was still
            gone at the end.
        batches: Transactions that were committed.
        failures: Transactions that failed.
        error: Why the last failed, None while all is well.
        seconds: What the last transaction took.
    """

    written: Numbers
    waiting: Numbers
    lost: Numbers
    batches: int
    failures: int
    error: StoreError | None
    seconds: float


class Writer:
    """Stores events with their counts, tracks, recordings and saved states.

    Args:
        database: Where to; up to date.
        on_events: Called with stored events after their commit, once with each, in order.
        in_transaction: Called with new events inside the transaction that stores them; again
            where that is tried again.
        interval: Seconds that things wait for others, at most.
        limits: How much may wait.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_events: Callable[[list[StoredEvent]], None] | None = None,
        in_transaction: EventHook | None = None,
        interval: float = 0.5,
        limits: Limits | None = None,
    ) -> None:
        self._database = database
        self._on_events = on_events
        self._hook = in_transaction
        self._interval = interval
        self._changed = threading.Condition()
        self._backlog = Backlog(limits or Limits())
        self._pending: deque[Batch] = deque()
        self._taken = self._accepted = self._settled = self._wanted = 0
        self._deadline: float | None = None
        self._written, self._lost = Numbers(), Numbers()
        self._batches = self._failures = 0
        self._error: StoreError | None = None
        self._seconds = 0.0
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    @property
    def statistics(self) -> WriterStatistics:
        """How storing goes now."""
        with self._changed:
            waiting, lost, written = self._backlog.numbers(), Numbers(), Numbers()
            for batch in self._pending:
                waiting.add(batch.numbers())
            for part in (self._lost, self._backlog.lost):
                lost.add(part)
            written.add(self._written)
            return WriterStatistics(
                written,
                waiting,
                lost,
                self._batches,
                self._failures,
                self._error,
                self._seconds,
            )

    def start(self) -> None:
        """Begin to store."""
        self._thread.start()

    def put(self, item: Event | Recording | TrackRecord | SavedState | StreamEnd) -> None:
        """Hand over something to be stored; returns at once.

        The end of a stream stores its last events and forgets the saved state.
        """
        with self._changed:
            match item:
                case Event():
                    self._backlog.put(StoredEvent(new_id(), item))
                case StreamEnd():
                    for event in item.events:
                        self._backlog.put(StoredEvent(new_id(), event))
                    self._backlog.end(item.stream)
                case _:
                    self._backlog.put(item)
            self._accepted += 1
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything that was put is stored, or lost; False after `timeout` seconds."""
        with self._changed:
            wanted = self._wanted = self._accepted
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._settled >= wanted, timeout)

    def close(self, timeout: float = 5.0) -> None:
        """Store what waits, give up what cannot be stored within `timeout` seconds, and end."""
        with self._changed:
            self._deadline = time.monotonic() + timeout
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout + _LONGEST_PAUSE)

    def _run(self) -> None:
        failed = 0
        while self._has_next():
            batch = self._pending[0]
            if self._store(batch):
                failed = 0
                continue
            failed += 1
            if self._is_late():
                self._give_up()
                return
            pause = min(self._interval * 2 ** min(failed - 1, 10), _LONGEST_PAUSE)
            self._pause(pause)

    def _has_next(self) -> bool:
        """Wait for the next batch; False at the end."""
        with self._changed:
            if self._pending:
                return True
            self._settled = self._taken
            self._changed.notify_all()
            self._changed.wait_for(lambda: len(self._backlog) > 0 or self._is_closing)
            self._changed.wait_for(
                lambda: (
                    self._backlog.is_full_batch or self._wanted > self._settled or self._is_closing
                ),
                self._interval,
            )
            if not self._backlog:
                return False
            batch = self._backlog.take()
            # With some left behind, what was accepted is not settled by this batch.
            if not self._backlog:
                self._taken = self._accepted
            self._pending.append(batch)
            return True

    def _store(self, batch: Batch) -> bool:
        """Store the first pending batch; False where it is to be tried again later."""
        begin = time.monotonic()
        try:
            with self._database.session() as session:
                events = write_batch(session, batch, self._hook)
        except StoreError as error:
            self._note_failure(error, batch)
            return False
        except Exception:
            self._note_refusal(batch)
            return True
        self._note_success(batch, time.monotonic() - begin)
        if events and self._on_events is not None:
            try:
                self._on_events(events)
            except Exception:
                _log.exception("who is told of events failed")
        return True

    def _note_success(self, batch: Batch, seconds: float) -> None:
        if self._error is not None:
            _log.warning("the store %s works again", self._database.name)
        with self._changed:
            self._pending.popleft()
            self._written.add(batch.numbers())
            self._batches += 1
            self._error = None
            self._seconds = seconds

    def _note_failure(self, error: StoreError, batch: Batch) -> None:
        if self._error is None or self._error.code != error.code:
            _log.error("%s; events are kept in memory until it works", error)
        with self._changed:
            self._failures += 1
            self._error = error
            if error.code == "store_full":
                # The largest may be what does not fit.
                self._lost.recordings += len(batch.recordings)
                batch.recordings.clear()

    def _note_refusal(self, batch: Batch) -> None:
        """Something in the batch can never be stored: find it by storing each by itself."""
        with self._changed:
            self._pending.popleft()
            if len(batch) > 1:
                self._pending.extendleft(reversed(list(batch.single())))
                return
            self._lost.add(batch.numbers())
        _log.exception("something was refused by the store %s and is lost", self._database.name)

    def _give_up(self) -> None:
        with self._changed:
            while self._pending:
                self._lost.add(self._pending.popleft().numbers())
            while self._backlog:
                self._lost.add(self._backlog.take().numbers())
            self._settled = self._taken = self._accepted
            self._changed.notify_all()
            lost = self._lost
        _log.error("at the end the store failed still; lost since the start: %s", lost)

    @property
    def _is_closing(self) -> bool:
        return self._deadline is not None

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _pause(self, seconds: float) -> None:
        with self._changed:
            if self._is_closing:
                self._changed.wait_for(self._is_late, _SHORTEST_PAUSE)
            else:
                self._changed.wait_for(lambda: self._is_closing, seconds)
