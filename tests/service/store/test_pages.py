from __future__ import annotations

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from sightline.errors import InputError
from sightline.service.store.counts import list_counts
from sightline.service.store.database import Database
from sightline.service.store.events import insert_events, list_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tables import events
from tests.service.store.samples import stored

# Every example has a stream of its own.
_ONE_STORE = settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
# Few different times, so that the order often hangs on the identifier.
_TIMES = st.lists(st.sampled_from([0.0, 0.1, 1 / 3, 1.0, 1e9]), max_size=25)


@_ONE_STORE
@given(times=_TIMES, later=_TIMES, gone=st.integers(0, 5), limit=st.integers(1, 7))
def test_pages_show_everything_once_whatever_happens_in_between(
    database: Database, times: list[float], later: list[float], gone: int, limit: int
) -> None:
    stream = new_id()
    before = [stored(stream=stream, time=time) for time in times]
    between = [stored(stream=stream, time=time) for time in later]
    with database.session() as session:
        insert_events(session, before)
    seen: list[tuple[float, str]] = []
    cursor: str | None = None
    while True:
        with database.session() as session:
            page = list_events(session, streams=[stream], cursor=cursor, limit=limit)
            seen += [(item.event.time, item.id) for item in page.items]
            insert_events(session, between[:1])
            between = between[1:]
            if gone and page.items:
                # The very item that the cursor stands on.
                session.execute(delete(events).where(events.c.id == page.items[-1].id))
                gone -= 1
        cursor = page.next_cursor
        if cursor is None:
            break
        assert len(page.items) == limit
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen))
    assert {item.id for item in before} <= {name for _time, name in seen}


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "ö",
        "!!!!",
        "e30",
        "W10",
        *(
            base64.urlsafe_b64encode(text).decode().rstrip("=")
            for text in (
                b'["a","b"]',
                b'[1.5,"a\\u0000"]',
                b'[1e999,"a"]',
                b'[NaN,"a"]',
                b'[true,"a"]',
                b'[1.5,"a",2]',
                b'[1.5,"\\ud800"]',
                b"[" * 1400,
            )
        ),
    ],
)
def test_a_wrong_cursor_is_refused(database: Database, cursor: str) -> None:
    with database.reading() as session, pytest.raises(InputError, match="cursor is none of this"):
        list_events(session, cursor=cursor)


def test_a_cursor_of_another_list_is_refused(database: Database) -> None:
    with database.session() as session:
        insert_events(session, [stored(), stored()])
        cursor = list_events(session, limit=1).next_cursor
        with pytest.raises(InputError, match="cursor is none of this list"):
            list_counts(session, cursor=cursor)


@pytest.mark.parametrize("limit", [0, -1, 1001])
def test_pages_have_bounds(database: Database, limit: int) -> None:
    with database.reading() as session, pytest.raises(InputError, match=f"got limit={limit}"):
        list_events(session, limit=limit)
