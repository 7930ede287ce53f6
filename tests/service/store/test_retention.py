from __future__ import annotations

import threading
from collections import Counter

import pytest
from sqlalchemy import func, select

from sightline.service.config import Retention
from sightline.service.steady import SteadyClock
from sightline.service.store import retention as retention_module
from sightline.service.store.audit import add_entry
from sightline.service.store.counts import add_counts
from sightline.service.store.database import Database
from sightline.service.store.deliveries import Delivery, add_deliveries
from sightline.service.store.erased import note_erased
from sightline.service.store.events import insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.recordings import insert_recordings
from sightline.service.store.retention import RetentionSweeper, delete_expired_rows
from sightline.service.store.sessions import LoginSession, add_session
from sightline.service.store.states import note_numbers
from sightline.service.store.tables import metadata, recordings
from sightline.service.store.tracks import upsert_tracks
from tests.service.store.samples import START, an_event, recording, stored, track

DAY = 86_400.0
NOW = START + 1000 * DAY

LIMITS = Retention(events_days=2, tracks_days=3, counts_days=4, audit_days=5)


def _fill(database: Database, days: float, number: int) -> None:
    """Everything that grows, of so many days ago."""
    time = NOW - days * DAY
    with database.session() as session:
        insert_events(session, [stored(time=time)])
        add_counts(session, [an_event(time=time)])
        upsert_tracks(session, [track(number, started_at=time - 9, seen_at=time)])
        insert_recordings(session, [recording(time)])
        add_entry(
            session, at=time, key_id="k", key_name="", address="", action="", target="", detail={}
        )
        for state in ("delivered", "dead"):
            add_deliveries(session, [_delivery(state, time)])
        add_deliveries(session, [_delivery("pending", None)])
        add_session(session, LoginSession(new_id(), "k", time, time + DAY))
        note_erased(session, "door", [number], time)


def _delivery(state: str, finished: float | None) -> Delivery:
    return Delivery(
        id=new_id(), alert="a", event=None, kind="", stream="", rule="",
        state=state, attempts=1, created_at=0, next_at=None, finished_at=finished,  # type: ignore[arg-type]
    )  # fmt: skip


def _rows(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            name: session.scalar(select(func.count()).select_from(table)) or 0
            for name, table in metadata.tables.items()
        }


def test_each_kind_goes_in_its_time(database: Database) -> None:
    ages = [0.1, 1.9, 2.1, 3.1, 4.1, 5.1, 7.1, 30.1]
    for number, days in enumerate(ages):
        _fill(database, days, number)
    with database.session() as session:
        note_numbers(session, {"door": 5})
    deleted: Counter[str] = Counter()
    for kind, rows in delete_expired_rows(database, LIMITS, NOW):
        deleted[kind] += rows
    left = _rows(database)
    assert left["events"] == 2
    assert left["tracks"] == left["exemplars"] == left["recordings"] == 3
    assert left["counts"] == 4
    assert left["audit"] == 5
    # Delivered ones stay for 7 days, dead ones for 30, pending ones until they are either.
    assert left["deliveries"] == 6 + 7 + 8
    assert left["sessions"] == 1
    assert left["erased"] == 6
    assert left["states"] == 1
    assert deleted == {
        "tracks": 5, "recordings": 5, "events": 6, "counts": 4, "audit": 3, "deliveries": 3,
        "sessions": 7, "erased": 2,
    }  # fmt: skip
    assert list(delete_expired_rows(database, LIMITS, NOW)) == []


def test_deleting_goes_in_slices(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention_module, "_SLICE", 4)
    with database.session() as session:
        insert_events(session, [stored() for _ in range(10)])
        upsert_tracks(session, [track(number) for number in range(5)])
    slices = list(delete_expired_rows(database, LIMITS, NOW))
    assert slices == [("tracks", 4), ("tracks", 1)] + [("events", n) for n in (4, 4, 2)]


def test_a_writer_gets_in_between_two_slices(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention_module, "_SLICE", 1)
    with database.session() as session:
        insert_events(session, [stored() for _ in range(3)])
    for _slice in delete_expired_rows(database, LIMITS, NOW):
        with database.session() as session:
            insert_events(session, [stored(time=NOW)])
    assert _rows(database)["events"] == 3


def test_the_sweeper_deletes_and_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    _fill(database, 100, 1)
    done = threading.Event()
    monkeypatch.setattr(type(database), "shrink", lambda _self: done.set())
    clock = SteadyClock(NOW - SteadyClock(0).now())
    sweeper = RetentionSweeper(database, LIMITS, clock, period=3600)
    sweeper.start()
    assert done.wait(30)
    sweeper.close()
    left = _rows(database)
    assert {name for name, rows in left.items() if rows} == {"deliveries"}


def test_a_store_that_fails_does_not_end_the_sweeper(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    warned = threading.Semaphore(0)
    monkeypatch.setattr(retention_module._log, "exception", lambda *_: warned.release())

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(retention_module, "delete_expired_rows", fail)
    sweeper = RetentionSweeper(database, LIMITS, SteadyClock.start(), period=0.001)
    sweeper.start()
    for _ in range(3):
        assert warned.acquire(timeout=30)
    sweeper.close()


def test_a_day_of_recordings_goes_in_bounded_slices(database: Database) -> None:
    with database.session() as session:
        insert_recordings(session, [recording(START + n, frames=2) for n in range(120)])
    slices = list(delete_expired_rows(database, LIMITS, NOW))
    assert slices == [("recordings", 50), ("recordings", 50), ("recordings", 20)]
    with database.reading() as session:
        assert session.scalar(select(func.max(recordings.c.end))) is None
