from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from sightline.service.engine.messages import FrameCounts, SavedState, StreamEnd
from sightline.service.store import database as database_module
from sightline.service.store.backlog import Limits
from sightline.service.store.counts import list_counts
from sightline.service.store.database import Database
from sightline.service.store.erased import note_erased
from sightline.service.store.errors import StoreError, store_error
from sightline.service.store.events import StoredEvent, list_events
from sightline.service.store.exemplars import exemplars_of
from sightline.service.store.recordings import list_recordings
from sightline.service.store.states import get_state, reserve_numbers
from sightline.service.store.tracks import get_track
from sightline.service.store.writer import Writer
from tests.service.postgres import PostgresServer
from tests.service.store.samples import START, an_event, recording, track

StartWriter = Callable[..., Writer]
OpenSqlite = Callable[[], Database]

_PATIENCE = 30


@pytest.fixture
def start_writer() -> Iterator[StartWriter]:
    started: list[Writer] = []

    def start(database: Database, **options: Any) -> Writer:
        writer = Writer(database, **{"interval": 0.01, **options})
        writer.start()
        started.append(writer)
        return writer

    yield start
    for writer in started:
        writer.close(timeout=0)


class Told:
    """Remembers what it is told, and can be waited for."""

    def __init__(self) -> None:
        self.events: list[StoredEvent] = []
        self._changed = threading.Condition()

    def __call__(self, events: list[StoredEvent]) -> None:
        with self._changed:
            self.events += events
            self._changed.notify_all()

    @property
    def tracks(self) -> list[int | None]:
        return [item.event.track for item in self.events]

    def wait(self, number: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.events) >= number, _PATIENCE)


class Failing:
    """A store whose transactions fail until it is mended: before or after they are committed."""

    def __init__(self, database: Database, error: str, *, committed: bool = False) -> None:
        self.name = database.name
        self.attempts = 0
        self.mended = False
        self._database = database
        self._error = error
        self._committed = committed
        self._changed = threading.Condition()

    @contextmanager
    def session(self) -> Iterator[Session]:
        with self._changed:
            self.attempts += 1
            self._changed.notify_all()
        if self.mended:
            with self._database.session() as session:
                yield session
            return
        if self._committed:
            with self._database.session() as session:
                yield session
        cause = OperationalError("COMMIT", None, sqlite3.OperationalError(self._error))
        raise store_error(cause, self.name)

    def wait(self, attempts: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.attempts >= attempts, _PATIENCE)


def _total(session: Session) -> int:
    return sum(count.count for count in list_counts(session).items)


def test_everything_is_stored_and_events_are_told_in_order(
    database: Database, start_writer: StartWriter
) -> None:
    told = Told()
    writer = start_writer(database, on_events=told)
    for number in range(1, 101):
        writer.put(an_event(track=number, time=START + number))
        writer.put(track(number))
        writer.put(recording(START + number))
        writer.put(SavedState("door", START + number, b"%d" % number))
    assert writer.flush(_PATIENCE)
    told.wait(100)
    assert told.tracks == list(range(1, 101))
    assert [item.id for item in told.events] == sorted(item.id for item in told.events)
    with database.reading() as session:
        assert {item.id for item in list_events(session, limit=1000).items} == {
            item.id for item in told.events
        }
        assert _total(session) == 100
        assert get_track(session, "door", 100) is not None
        assert len(list(list_recordings(session, "door", 0, np.inf))) == 100
        assert get_state(session, "door") == SavedState("door", START + 100, b"100")
    statistics = writer.statistics
    assert statistics.written.events == statistics.written.recordings == 100
    assert statistics.lost.events == statistics.waiting.events == statistics.failures == 0
    with database.session() as session:
        assert reserve_numbers(session, "door") > 100


def test_what_waits_is_stored_at_the_end(database: Database) -> None:
    writer = Writer(database, interval=3600)
    writer.start()
    for number in range(5000):
        writer.put(an_event(track=number))
    writer.close(_PATIENCE)
    with database.reading() as session:
        assert _total(session) == 5000
    assert writer.statistics.waiting.events == writer.statistics.lost.events == 0


def test_a_stream_that_ends_leaves_its_events_and_no_state(
    database: Database, start_writer: StartWriter
) -> None:
    writer = start_writer(database)
    nothing = FrameCounts(0, 0, 0, 0, 0)
    writer.put(SavedState("door", START, b"x"))
    assert writer.flush(_PATIENCE)
    writer.put(SavedState("door", START, b"y"))
    writer.put(StreamEnd("door", START, (an_event(kind="zone_exit"),), nothing))
    writer.put(StreamEnd("yard", START, (), nothing))
    writer.put(SavedState("yard", START, b"begun anew"))
    assert writer.flush(_PATIENCE)
    with database.reading() as session:
        assert get_state(session, "door") is None
        assert get_state(session, "yard") is not None
        assert [item.event.kind for item in list_events(session).items] == ["zone_exit"]


def test_who_stores_with_events_does_it_in_their_transaction(
    database: Database, start_writer: StartWriter
) -> None:
    def hook(session: Session, events: Sequence[StoredEvent]) -> None:
        for item in events:
            session.execute(
                text("INSERT INTO erased VALUES ('hook', :number, 0)"),
                {"number": item.event.track},
            )

    writer = start_writer(database, in_transaction=hook)
    writer.put(an_event(track=1))
    assert writer.flush(_PATIENCE)
    # The second fails, since its row is there: the event is stored all the same.
    writer.put(an_event(track=1))
    assert writer.flush(_PATIENCE)
    with database.reading() as session:
        assert session.scalar(text("SELECT count(*) FROM erased")) == 1
        assert _total(session) == 2


def test_who_is_told_may_fail(database: Database, start_writer: StartWriter) -> None:
    calls = []

    def fail(events: list[StoredEvent]) -> None:
        calls.append(len(events))
        raise RuntimeError("a listener's mistake")

    writer = start_writer(database, on_events=fail)
    for _ in range(2):
        writer.put(an_event())
        assert writer.flush(_PATIENCE)
    assert writer.statistics.written.events == 2
    writer.close()
    assert calls == [1, 1]


def test_a_commit_that_came_through_unknown_counts_once(
    database: Database, start_writer: StartWriter
) -> None:
    told = Told()
    hooked: list[str] = []
    failing = Failing(database, "disk I/O error", committed=True)
    writer = start_writer(
        failing,
        on_events=told,
        in_transaction=lambda _session, events: hooked.extend(item.id for item in events),
    )
    writer.put(an_event(track=1))
    failing.wait(3)
    writer.put(an_event(track=2))
    failing.mended = True
    told.wait(2)
    assert told.tracks == [1, 2]
    assert hooked == [item.id for item in told.events]
    with database.reading() as session:
        assert _total(session) == len(list_events(session).items) == 2


def test_a_store_that_is_locked_keeps_nobody_waiting_and_gets_everything_later(
    open_sqlite: OpenSqlite,
    tmp_path: Path,
    start_writer: StartWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.02)
    database = open_sqlite()
    database.migrate()
    told = Told()
    writer = start_writer(database, on_events=told)
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for number in range(1, 51):
        writer.put(an_event(track=number))
    while writer.statistics.failures < 3:
        assert not writer.flush(0.01)
    statistics = writer.statistics
    assert statistics.waiting.events == 50
    assert statistics.error is not None
    assert statistics.error.code == "store_locked"
    other.close()
    told.wait(50)
    assert told.tracks == list(range(1, 51))
    assert writer.flush(_PATIENCE)
    assert writer.statistics.error is None
    assert writer.statistics.lost.events == 0
    with database.reading() as session:
        assert _total(session) == 50


def test_a_server_that_was_gone_gets_everything_later(
    postgres: PostgresServer, start_writer: StartWriter
) -> None:
    database = Database(postgres.create())
    database.migrate()
    told = Told()
    writer = start_writer(database, on_events=told)
    writer.put(an_event(track=1))
    assert writer.flush(_PATIENCE)
    postgres.kill()
    try:
        for number in range(2, 21):
            writer.put(an_event(track=number))
        while writer.statistics.failures < 2:
            assert not writer.flush(0.01)
        error = writer.statistics.error
        assert error is not None
        assert error.code == "store_gone"
    finally:
        postgres.start()
    told.wait(20)
    assert told.tracks == list(range(1, 21))
    with database.reading() as session:
        assert _total(session) == 20
    writer.close()
    database.close()


def test_a_full_store_gives_up_recordings_and_keeps_events(
    open_sqlite: OpenSqlite, start_writer: StartWriter
) -> None:
    database = open_sqlite()
    database.migrate()
    with database.session() as session:
        full = session.scalar(text("PRAGMA page_count")) + 20
        session.execute(text(f"PRAGMA max_page_count={full}"))
    told = Told()
    writer = start_writer(database, on_events=told, interval=0.05)
    large = recording(frames=4000, numbers=tuple(range(10)))
    writer.put(large)
    for number in range(1, 101):
        writer.put(an_event(track=number))
    told.wait(100)
    statistics = writer.statistics
    assert statistics.lost.recordings == 1
    assert statistics.lost.events == 0
    for number in range(101, 1001):
        writer.put(an_event(track=number))
    while True:
        error = writer.statistics.error
        if error is not None and error.code == "store_full":
            break
        assert not writer.flush(0.01)
    with database.session() as session:
        session.execute(text("PRAGMA max_page_count=100000"))
    told.wait(1000)
    assert told.tracks == list(range(1, 1001))
    with database.reading() as session:
        assert _total(session) == 1000


def test_what_the_store_refuses_for_ever_holds_nothing_else_up(
    database: Database, start_writer: StartWriter
) -> None:
    told = Told()
    writer = start_writer(database, on_events=told, interval=3600)
    writer.put(an_event(track=1))
    writer.put(an_event(track=2, class_name="\ud800"))
    writer.put(an_event(track=3))
    writer.put(track(4))
    assert writer.flush(_PATIENCE)
    told.wait(2)
    assert told.tracks == [1, 3]
    statistics = writer.statistics
    assert (statistics.lost.events, statistics.written.events) == (1, 2)
    with database.reading() as session:
        assert _total(session) == 2
        assert get_track(session, "door", 4) is not None


def test_too_much_is_lost_oldest_first_and_counted(database: Database) -> None:
    limits = Limits(events=10, tracks=3, recorded_bytes=10_000)
    writer = Writer(database, limits=limits)
    for number in range(15):
        writer.put(an_event(track=number))
        writer.put(track(number))
        writer.put(recording(START + number))
    statistics = writer.statistics
    assert (statistics.lost.events, statistics.waiting.events) == (5, 10)
    assert (statistics.lost.tracks, statistics.waiting.tracks) == (12, 3)
    assert statistics.lost.recordings + statistics.waiting.recordings == 15
    assert 0 < statistics.waiting.recordings < 15
    writer.start()
    assert writer.flush(_PATIENCE)
    writer.close()
    with database.reading() as session:
        found = sorted(item.event.track or 0 for item in list_events(session).items)
        assert found == list(range(5, 15))
        assert get_track(session, "door", 14) is not None
        assert get_track(session, "door", 2) is None


def test_what_cannot_be_stored_at_the_end_is_counted(database: Database) -> None:
    writer = Writer(Failing(database, "database is locked"), interval=0.01)  # type: ignore[arg-type]
    writer.start()
    for number in range(3000):
        writer.put(an_event(track=number))
    writer.close(timeout=0.3)
    statistics = writer.statistics
    assert (statistics.lost.events, statistics.waiting.events) == (3000, 0)
    assert writer.flush(_PATIENCE)


def test_a_state_never_knows_of_an_event_that_is_not_there(
    database: Database, start_writer: StartWriter
) -> None:
    failing = Failing(database, "database is locked")
    writer = start_writer(failing, limits=Limits(batch_events=10))
    for number in range(1, 36):
        writer.put(an_event(track=number))
        writer.put(SavedState("door", START, b"%d" % number))
    seen: list[tuple[int, bytes | None]] = []

    def look(_events: list[StoredEvent]) -> None:
        with database.reading() as session:
            state = get_state(session, "door")
            seen.append((_total(session), None if state is None else state.data))

    writer._on_events = look
    failing.mended = True
    assert writer.flush(_PATIENCE)
    writer.close()
    assert seen[-1] == (35, b"35")
    assert all(state is None or int(state) <= events for events, state in seen)


def test_what_was_erased_does_not_come_back(database: Database, start_writer: StartWriter) -> None:
    with database.session() as session:
        note_erased(session, "door", [7], START)
    writer = start_writer(database)
    writer.put(an_event(track=7))
    writer.put(an_event(track=8))
    writer.put(track(7))
    writer.put(track(8))
    writer.put(recording(numbers=(7, 8)))
    assert writer.flush(_PATIENCE)
    with database.session() as session:
        assert {item.event.track for item in list_events(session).items} == {None, 8}
        assert get_track(session, "door", 7) is None
        assert exemplars_of(session, "door", 7) is None
        assert get_track(session, "door", 8) is not None
        (piece,) = list_recordings(session, "door", 0, np.inf)
        assert set(piece.numbers.tolist()) == {8}


def test_a_killed_service_loses_no_more_than_a_second(store_url: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.service.store.killed_writer", store_url],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert child.stdout is not None
    lines = []
    for line in child.stdout:
        lines.append(line)
        if line.startswith("stored") and sum(text.startswith("stored") for text in lines) == 4:
            break
    child.kill()
    child.wait()
    lines += child.stdout.readlines()
    child.stdout.close()
    told = [int(number) for number in re.findall(r"^stored (\d+)$", "".join(lines), re.M)]
    database = Database(store_url)
    database.migrate()
    with database.reading() as session:
        numbers, cursor = set(), None
        while True:
            page = list_events(session, cursor=cursor, limit=1000)
            numbers |= {item.event.track for item in page.items}
            cursor = page.next_cursor
            if cursor is None:
                break
        state = get_state(session, "door")
        assert _total(session) == len(numbers)
    # What was told is there, nothing is missing in between, and the state fits the events.
    assert numbers == set(range(1, len(numbers) + 1))
    assert len(numbers) >= max(told)
    assert state is not None
    assert abs(int(state.data) - len(numbers)) <= 1
    database.close()


def test_errors_of_drivers_have_codes() -> None:
    for error, code in (
        (sqlite3.OperationalError("database is locked"), "store_locked"),
        (sqlite3.OperationalError("database or disk is full"), "store_full"),
        (sqlite3.OperationalError("attempt to write a readonly database"), "store_readonly"),
        (sqlite3.DatabaseError("database disk image is malformed"), "store_corrupt"),
        (OSError(28, "No space left on device"), "store_gone"),
        (RuntimeError({"C": "53100", "M": "could not extend file"}), "store_full"),
        (RuntimeError({"C": "57P01", "M": "terminating connection"}), "store_gone"),
        (RuntimeError({"C": "40001", "M": "could not serialize"}), "store_locked"),
        (RuntimeError({"C": "25006", "M": "read-only transaction"}), "store_readonly"),
        (RuntimeError("something else"), "store_failed"),
    ):
        found = store_error(error, "x")
        assert isinstance(found, StoreError)
        assert found.code == code
