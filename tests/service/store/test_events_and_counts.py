from __future__ import annotations

import threading
import time
import uuid
from collections import Counter

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.service.rules.events import Event
from sightline.service.store.counts import StoredCount, add_counts, list_counts
from sightline.service.store.database import Database
from sightline.service.store.events import (
    StoredEvent,
    get_event,
    get_events,
    insert_events,
    list_events,
)
from sightline.service.store.identifiers import new_id
from tests.service.store.samples import START, an_event, stored


def test_events_come_back_as_they_were(database: Database) -> None:
    items = [
        stored(),
        stored(time=1 / 3, decided=2 / 3, track=2**62, rule="Zürich 門"),
        StoredEvent(new_id(), Event("door", "occupancy", "hall", 5.0, 5.0, count=4)),
        StoredEvent(new_id(), Event("door", "zone_exit", "hall", 5.0, 6.0, 1, seconds=0.0)),
        StoredEvent(
            new_id(),
            Event("door", "stream_state", "", 5, 5, state="FAILED", error_code="stream_tls"),
        ),
    ]
    with database.session() as session:
        assert insert_events(session, items) == items
        assert get_events(session, [items[1].id, "none", items[0].id]) == items[:2]
        assert get_event(session, items[2].id) == items[2]
        assert get_event(session, new_id()) is None
    assert items[4].as_dict() == {
        "id": items[4].id,
        "stream": "door",
        "kind": "stream_state",
        "rule": "",
        "time": 5,
        "decided": 5,
        "state": "FAILED",
        "error_code": "stream_tls",
    }


def test_events_are_found_by_what_they_are(database: Database) -> None:
    one = stored(stream="a", kind="zone_enter", rule="hall", track=1, time=10.0)
    two = stored(stream="a", kind="line_cross", rule="gate", track=2, time=20.0, class_name="car")
    three = stored(stream="b", kind="line_cross", rule="gate", track=1, time=30.0)
    with database.session() as session:
        insert_events(session, [one, two, three])
        for filters, wanted in (
            ({}, [three, two, one]),
            ({"streams": ["a"]}, [two, one]),
            ({"streams": []}, []),
            ({"kinds": ["line_cross", "occupancy"]}, [three, two]),
            ({"rules": ["hall"]}, [one]),
            ({"classes": ["car"]}, [two]),
            ({"track": ("a", 1)}, [one]),
            ({"begin": 20.0}, [three, two]),
            ({"end": 20.0}, [one]),
        ):
            assert list(list_events(session, **filters).items) == wanted, filters


def test_an_event_is_stored_and_told_once(database: Database) -> None:
    item = stored()
    with database.session() as session:
        assert insert_events(session, [item]) == [item]
    with database.session() as session:
        other = stored()
        assert insert_events(session, [item, other]) == [other]


def test_identifiers_sort_by_when_they_were_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    last = uuid.UUID(made[-1])
    assert (last.version, last.variant) == (7, uuid.RFC_4122)
    # The machine's clock is set back by an hour.
    monkeypatch.setattr(time, "time_ns", lambda: (last.int >> 80) * 10**6 - 3600 * 10**9)
    assert new_id() > made[-1]


def test_identifiers_of_many_threads_differ() -> None:
    made: list[str] = []

    def make() -> None:
        made.extend([new_id() for _ in range(2000)])

    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000


_EVENTS = st.lists(
    st.builds(
        an_event,
        time=st.floats(-200_000, 200_000),
        rule=st.sampled_from(["gate", "hall", ""]),
        kind=st.sampled_from(["line_cross", "zone_enter"]),
        direction=st.sampled_from(["in", "out", None]),
    ),
    max_size=30,
)


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(parts=st.lists(_EVENTS, max_size=3), bucket=st.sampled_from([60, 120, 3600, 86_400]))
def test_every_bucket_is_the_number_of_its_events(
    database: Database, parts: list[list[Event]], bucket: int
) -> None:
    stream = new_id()
    for part in parts:
        events = [
            StoredEvent(new_id(), an_event(
                stream=stream, time=START // bucket * bucket + event.time, rule=event.rule,
                kind=event.kind, direction=event.direction,
            ))
            for event in part
        ]  # fmt: skip
        with database.session() as session:
            add_counts(session, [item.event for item in insert_events(session, events)])
    with database.reading() as session:
        stored_events = list_events(session, streams=[stream], limit=1000).items
        counts = list_counts(session, streams=[stream], bucket=bucket).items
        pages: list[StoredCount] = []
        cursor = None
        while True:
            page = list_counts(session, streams=[stream], bucket=bucket, cursor=cursor, limit=2)
            pages += page.items
            cursor = page.next_cursor
            if cursor is None:
                break
    wanted = Counter(
        (int(event.time // bucket * bucket), event.rule, event.kind, event.direction or "")
        for event in (item.event for item in stored_events)
    )
    assert {(c.start, c.rule, c.kind, c.direction): c.count for c in counts} == wanted
    assert pages == sorted(counts, key=lambda c: (c.start, c.stream, c.rule, c.kind, c.direction))


def test_counts_are_found_by_what_they_are(database: Database) -> None:
    with database.session() as session:
        add_counts(
            session,
            [
                an_event(time=60.0),
                an_event(time=119.0),
                an_event(time=120.0, direction="out"),
                an_event(time=7200.0, stream="yard", rule="hall", kind="zone_enter"),
            ],
        )
        assert list_counts(session, rules=["gate"]).items == (
            StoredCount(60, "door", "gate", "line_cross", "in", 2),
            StoredCount(120, "door", "gate", "line_cross", "out", 1),
        )
        for filters, wanted in (
            ({"streams": ["yard"]}, 1),
            ({"kinds": ["line_cross"]}, 3),
            ({"directions": ["out"]}, 1),
            ({"begin": 120.0}, 2),
            ({"begin": 60.0, "end": 120.0}, 2),
        ):
            found = list_counts(session, bucket=3600, **filters).items
            assert sum(count.count for count in found) == wanted, filters


@pytest.mark.parametrize("bucket", [0, 1, 59, 90, -60])
def test_counts_are_by_the_minute(database: Database, bucket: int) -> None:
    with database.reading() as session, pytest.raises(InputError, match="no multiple of 60 s"):
        list_counts(session, bucket=bucket)
