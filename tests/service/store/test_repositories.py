"""Streams, keys, logins, alerts, deliveries, jobs and the audit log, on both databases."""

from __future__ import annotations

import dataclasses
from typing import Any

from sightline.service.store.alerts import (
    StoredAlert,
    add_alert,
    delete_alert,
    get_alert,
    list_alerts,
    replace_alert,
)
from sightline.service.store.audit import add_entry, list_entries
from sightline.service.store.database import Database
from sightline.service.store.deliveries import (
    Delivery,
    add_deliveries,
    bury_deliveries,
    due_deliveries,
    last_deliveries,
    list_deliveries,
    next_due,
    pending_counts,
    update_delivery,
)
from sightline.service.store.identifiers import new_id
from sightline.service.store.jobs import (
    Job,
    add_job,
    delete_job,
    finished_before,
    get_job,
    list_jobs,
    next_job,
    running_jobs,
    update_job,
)
from sightline.service.store.keys import Key, add_key, delete_key, get_key, list_keys, touch_key
from sightline.service.store.sessions import (
    LoginSession,
    add_session,
    delete_expired,
    delete_session,
    delete_sessions_of,
    get_session,
)
from sightline.service.store.streams import (
    StoredStream,
    StreamOverride,
    add_stream,
    delete_override,
    delete_stream,
    get_override,
    get_stream,
    list_overrides,
    list_streams,
    set_override,
    update_stream,
)


def test_streams_are_kept_and_their_passwords_not_shown(database: Database) -> None:
    door = StoredStream("door", {"url": "rtsp://cam/1", "zones": []}, 1.0, 1.0, "s3cret")
    with database.session() as session:
        assert add_stream(session, door)
        assert not add_stream(session, dataclasses.replace(door, password="other"))
        add_stream(session, StoredStream("attic", {}, 2.0, 2.0))
    with database.reading() as session:
        assert get_stream(session, "door") == door
        assert [stream.id for stream in list_streams(session)] == ["attic", "door"]
        assert get_stream(session, "none") is None
    assert "s3cret" not in repr(door)
    changed = dataclasses.replace(door, definition={"url": "x"}, updated_at=3.0, password=None)
    with database.session() as session:
        assert update_stream(session, changed)
        assert not update_stream(session, dataclasses.replace(door, id="none"))
        assert get_stream(session, "door") == changed
        assert delete_stream(session, "door")
        assert not delete_stream(session, "door")


def test_what_is_drawn_into_configured_streams_is_kept_apart(database: Database) -> None:
    drawn = StreamOverride("door", zones=[{"id": "hall"}], masks=[])
    with database.session() as session:
        assert get_override(session, "door") == StreamOverride("door")
        set_override(session, drawn, 1.0)
        assert get_override(session, "door") == drawn
        set_override(session, StreamOverride("door", lines=[{"id": "gate"}], enabled=False), 2.0)
        set_override(session, StreamOverride("attic", enabled=True), 2.0)
        assert list_overrides(session) == {
            "attic": StreamOverride("attic", enabled=True),
            "door": StreamOverride("door", lines=[{"id": "gate"}], enabled=False),
        }
        delete_override(session, "door")
        assert get_override(session, "door") == StreamOverride("door")


def test_keys_are_kept_until_they_are_revoked(database: Database) -> None:
    first = Key("k1", "root", "admin", None, "$argon2id$1", 1.0)
    second = Key("k2", "guard", "viewer", ("door", "yard"), "$argon2id$2", 2.0, expires_at=9.0)
    nobody = Key("k3", "none", "viewer", (), "$argon2id$3", 3.0)
    with database.session() as session:
        for key in (second, first, nobody):
            add_key(session, key)
        touch_key(session, "k1", 5.0)
        used = dataclasses.replace(first, used_at=5.0)
        assert list_keys(session) == [used, second, nobody]
        assert get_key(session, "k2") == second
        assert delete_key(session, "k2")
        assert not delete_key(session, "k2")
        assert get_key(session, "k2") is None
    assert "argon2" not in repr(first)


def test_logins_end_with_their_key_or_their_time(database: Database) -> None:
    logins = [LoginSession(f"hash{n}", "k1" if n < 2 else "k2", 0.0, n * 10.0) for n in range(4)]
    with database.session() as session:
        for login in logins:
            add_session(session, login)
        assert get_session(session, "hash3") == logins[3]
        delete_session(session, "hash3")
        delete_sessions_of(session, "k1")
        assert [get_session(session, f"hash{n}") is None for n in range(4)] == [
            True, True, False, True,
        ]  # fmt: skip
        delete_expired(session, 20.0)
        assert get_session(session, "hash2") is None
    assert "hash" not in repr(logins[0])


def test_the_audit_log_is_found_by_who_what_and_when(database: Database) -> None:
    with database.session() as session:
        for number in range(6):
            add_entry(
                session,
                at=float(number),
                key_id=f"k{number % 2}",
                key_name="root",
                address="::1",
                action="stream.create" if number < 3 else "key.create",
                target=f"t{number}",
                detail={"number": number},
            )
        newest = list_entries(session).items
        assert [entry.at for entry in newest] == [5, 4, 3, 2, 1, 0]
        assert newest[0].detail == {"number": 5}
        for filters, wanted in (
            ({"key_id": "k0"}, [4, 2, 0]),
            ({"action": "stream.create"}, [2, 1, 0]),
            ({"begin": 1.0, "end": 3.0}, [2, 1]),
        ):
            found = list_entries(session, **filters).items
            assert [entry.at for entry in found] == wanted, filters
        page = list_entries(session, limit=4)
        assert [e.at for e in list_entries(session, cursor=page.next_cursor).items] == [1, 0]


def test_alerts_are_kept_with_their_secrets_apart(database: Database) -> None:
    alert = StoredAlert("guard", {"kinds": ["loitering"]}, {"webhook.secret": "s3cret"}, 1.0, 1.0)
    with database.session() as session:
        assert add_alert(session, alert)
        assert not add_alert(session, alert)
        assert get_alert(session, "guard") == alert
        changed = dataclasses.replace(alert, definition={}, updated_at=2.0)
        assert replace_alert(session, changed)
        assert not replace_alert(session, dataclasses.replace(alert, id="none"))
        assert list_alerts(session) == [changed]
        add_deliveries(session, [_delivery()])
        assert delete_alert(session, "guard")
        assert not delete_alert(session, "guard")
        assert list_deliveries(session, "guard").items == ()
    assert "s3cret" not in repr(alert)


def _delivery(**changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": new_id(), "alert": "guard", "event": None, "kind": "loitering", "stream": "door",
        "rule": "hall", "state": "pending", "attempts": 0, "created_at": 1.0, "next_at": 1.0,
    }  # fmt: skip
    return Delivery(**{**values, **changes})


def test_deliveries_are_due_in_their_order(database: Database) -> None:
    late = _delivery(next_at=30.0)
    soon = _delivery(next_at=10.0)
    others = [_delivery(alert="other"), _delivery(state="delivered", next_at=None)]
    with database.session() as session:
        assert next_due(session, "guard") is None
        add_deliveries(session, [late, soon, *others])
        assert due_deliveries(session, "guard", 9.0, 10) == []
        assert due_deliveries(session, "guard", 30.0, 10) == [soon, late]
        assert due_deliveries(session, "guard", 30.0, 1) == [soon]
        assert next_due(session, "guard") == 10.0
        assert pending_counts(session) == {"guard": 2, "other": 1}
        tried = dataclasses.replace(soon, attempts=1, next_at=40.0, error="HTTP 500")
        update_delivery(session, tried)
        assert due_deliveries(session, "guard", 99.0, 10) == [late, tried]
        bury_deliveries(session, "guard", "the alert was changed", 50.0)
        assert next_due(session, "guard") is None
        dead = list_deliveries(session, "guard", state="dead").items
        assert {item.id for item in dead} == {late.id, soon.id}
        assert {(item.finished_at, item.error) for item in dead} == {
            (50.0, "the alert was changed")
        }
        assert pending_counts(session) == {"other": 1}


def test_an_event_is_delivered_once_to_each_alert(database: Database) -> None:
    event = new_id()
    with database.session() as session:
        for _ in range(2):
            add_deliveries(session, [_delivery(event=event), _delivery(event=event, alert="b")])
        add_deliveries(session, [_delivery(), _delivery()])
        assert len(list_deliveries(session, "guard").items) == 3
        assert len(list_deliveries(session, "b").items) == 1


def test_deliveries_are_listed_and_their_last_times_known(database: Database) -> None:
    with database.session() as session:
        items = [
            _delivery(created_at=float(n), event=new_id(), stream="door" if n % 2 else "yard")
            for n in range(5)
        ]
        add_deliveries(session, [*items, _delivery(created_at=9.0)])
        assert list(list_deliveries(session, "guard", streams=["yard"]).items) == [
            items[4], items[2], items[0],
        ]  # fmt: skip
        page = list_deliveries(session, "guard", limit=4)
        assert list(list_deliveries(session, "guard", cursor=page.next_cursor).items) == [
            items[1], items[0],
        ]  # fmt: skip
        assert last_deliveries(session, "guard", 1.0) == {
            ("loitering", "door", "hall"): 3.0,
            ("loitering", "yard", "hall"): 4.0,
        }
        assert last_deliveries(session, "guard", 3.5) == {("loitering", "yard", "hall"): 4.0}


def _job(number: int, **changes: Any) -> Job:
    return Job(
        **{
            "id": new_id(), "name": f"clip{number}.mp4", "state": "QUEUED", "owner": "k1",
            "options": {"formats": ["mot"]}, "bytes": 2**40, "created_at": float(number),
            **changes,
        }
    )  # fmt: skip


def test_jobs_wait_run_and_end(database: Database) -> None:
    jobs = [_job(n, owner="k2" if n == 3 else "k1") for n in range(4)]
    with database.session() as session:
        for job in reversed(jobs):
            add_job(session, job)
        assert next_job(session) == jobs[0]
        assert update_job(session, jobs[0].id, state="RUNNING", started_at=5.0, attempts=1)
        assert next_job(session) == jobs[1]
        assert [job.id for job in running_jobs(session)] == [jobs[0].id]
        assert update_job(
            session, jobs[0].id, state="DONE", finished_at=6.0, frames=10, tracks=3,
            warnings=("one frame was damaged",),
        )  # fmt: skip
        done = dataclasses.replace(
            jobs[0], state="DONE", started_at=5.0, attempts=1, finished_at=6.0, frames=10,
            tracks=3, warnings=("one frame was damaged",),
        )  # fmt: skip
        assert get_job(session, jobs[0].id) == done
        assert running_jobs(session) == []
        assert not update_job(session, "none", state="DONE")
        assert list(list_jobs(session).items) == [jobs[3], jobs[2], jobs[1], done]
        assert list(list_jobs(session, owner="k2").items) == [jobs[3]]
        assert list(list_jobs(session, state="DONE").items) == [done]
        page = list_jobs(session, limit=3)
        assert list(list_jobs(session, cursor=page.next_cursor).items) == [done]
        assert finished_before(session, 6.0) == []
        assert finished_before(session, 6.5) == [done]
        assert delete_job(session, jobs[0].id)
        assert not delete_job(session, jobs[0].id)
        assert get_job(session, jobs[0].id) is None
