"""Presence and movement by HTTP: from stored tracks and events, within grants."""

from __future__ import annotations

from typing import Any

import httpx
import numpy as np
import pytest

from sightline.service.engine.messages import TrackRecord
from sightline.service.rules.events import Event
from sightline.service.steady import rfc3339
from sightline.service.store import presence as stored_presence
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of

HOUR = 3600.0
NOON = 1_799_928_000.0
SPAN = {"begin": rfc3339(NOON), "end": rfc3339(NOON + 2 * HOUR)}


def visit(kind: Any, time: float, track: int, seconds: float | None = None) -> Event:
    return Event(
        "door", kind, "hall", time, time, track=track, class_name="person", seconds=seconds
    )


def track(stream: str, number: int, start: float, seconds: float, kind: str) -> TrackRecord:
    path = np.array([[k / 2, 0.1 + k / 40, 0.2, 0.2 + k / 40, 0.5] for k in range(20)], np.float32)
    return TrackRecord(stream, number, kind, start, start + seconds, True, path, None, "")


@pytest.fixture
def service(make_service: MakeService) -> Service:
    streams = [{"id": name, "url": f"rtsp://camera.test/{name}"} for name in ("door", "yard")]
    service = make_service(streams=streams)
    events = [
        visit("zone_enter", NOON + 60, 1),
        visit("zone_exit", NOON + 90, 1, 30.0),
        visit("zone_enter", NOON + HOUR - 100, 2),  # still inside
        visit("zone_enter", NOON + 70, 3),
        visit("zone_exit", NOON + HOUR + 70, 3, HOUR),
    ]
    with service.context.database.session() as session:
        insert_events(session, [StoredEvent(new_id(), event) for event in events])
        upsert_tracks(
            session,
            [
                track("door", 1, NOON, 120, "person"),
                track("door", 2, NOON + HOUR - 120, 240, "person"),
                track("door", 4, NOON + 10, 20, "car"),
                track("yard", 1, NOON, 60, "person"),
            ],
        )
    return service


def rows(answer: httpx.Response) -> dict[tuple[str, str, str], dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    return {(one["start"], one["stream"], one["zone"]): one for one in answer.json()["items"]}


def test_pictures_are_counted_from_tracks_and_zones_from_events(service: Service) -> None:
    found = rows(service.client().get("/v1/presence", params=SPAN))
    first, second = rfc3339(NOON), rfc3339(NOON + HOUR)
    picture = found[first, "door", ""]
    assert (picture["came"], picture["left"], picture["peak"]) == (3, 2, 2)
    assert picture["seconds"] == 120 + 120 + 20
    assert found[second, "door", ""]["seconds"] == 120
    hall = found[first, "door", "hall"]
    assert (hall["came"], hall["left"], hall["stayed_seconds"], hall["peak"]) == (3, 1, 30.0, 2)
    assert hall["seconds"] == 30 + 100 + (HOUR - 70)
    later = found[second, "door", "hall"]
    assert (later["came"], later["left"], later["stayed_seconds"]) == (0, 1, HOUR)
    assert later["seconds"] == 120 + 70  # until its track was last seen; until its exit


def test_presence_is_narrowed_by_stream_and_class(service: Service) -> None:
    client = service.client()
    yard = rows(client.get("/v1/presence", params={**SPAN, "stream": "yard"}))
    assert set(yard) == {(rfc3339(NOON), "yard", "")}
    cars = rows(client.get("/v1/presence", params={**SPAN, "class": "car"}))
    assert {key: one["came"] for key, one in cars.items()} == {(rfc3339(NOON), "door", ""): 1}


def test_stretches_are_widened_to_whole_ones(service: Service) -> None:
    params = {"begin": rfc3339(NOON + 61), "end": rfc3339(NOON + 62), "bucket": "1m"}
    answer = service.client().get("/v1/presence", params=params)
    assert (answer.json()["begin"], answer.json()["end"]) == (
        rfc3339(NOON + 60),
        rfc3339(NOON + 120),
    )
    assert rows(answer)[rfc3339(NOON + 60), "door", ""]["seconds"] == 60


@pytest.mark.parametrize(
    "params",
    [
        {"begin": rfc3339(NOON), "end": rfc3339(NOON + 32 * 24 * HOUR)},
        {"begin": rfc3339(NOON), "end": rfc3339(NOON + 4 * 24 * HOUR), "bucket": "1m"},
        {"begin": rfc3339(NOON + 1e9)},
        {"bucket": "7m"},
        {"stream": "no stream"},
    ],
)
def test_what_cannot_be_answered_is_named(service: Service, params: dict[str, str]) -> None:
    assert code_of(service.client().get("/v1/presence", params=params)) == "invalid_request"


def test_more_rows_than_can_be_read_are_refused(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_presence, "MOST_ROWS", 2)
    answer = service.client().get("/v1/presence", params=SPAN)
    assert code_of(answer) == "invalid_request"
    assert "shorter" in answer.json()["detail"]


def test_limited_key_learns_of_its_streams_alone(service: Service) -> None:
    client = service.client(service.token("viewer", "yard"))
    assert {key[1] for key in rows(client.get("/v1/presence", params=SPAN))} == {"yard"}
    for answer in (
        client.get("/v1/presence", params={**SPAN, "stream": "door"}),
        client.get("/v1/streams/door/movement", params=SPAN),
    ):
        assert code_of(answer) == "not_found"


def test_movement_of_a_stream(service: Service) -> None:
    answer = service.client().get(
        "/v1/streams/door/movement", params={**SPAN, "columns": 16, "rows": 9, "class": "person"}
    )
    found = answer.json()
    assert (found["tracks"], found["columns"], found["rows"]) == (2, 16, 9)
    assert (len(found["seconds"]), len(found["seconds"][0])) == (9, 16)
    assert sum(map(sum, found["seconds"])) == pytest.approx(19, abs=0.2)  # 9.5 s of path each
    assert found["arrows"][0]["dx"] == pytest.approx(0.05, abs=0.001)
    assert found["arrows"][0]["tracks"] == 2


def test_movement_of_a_stretch_holds_what_was_in_it(service: Service) -> None:
    span = {"begin": rfc3339(NOON), "end": rfc3339(NOON + 5), "class": "person"}
    found = service.client().get("/v1/streams/door/movement", params=span).json()
    assert found["tracks"] == 1
    assert sum(map(sum, found["seconds"])) == pytest.approx(4.5, abs=0.2)
    empty = {"begin": rfc3339(NOON - HOUR), "end": rfc3339(NOON - 1)}
    none = service.client().get("/v1/streams/door/movement", params=empty).json()
    assert (none["tracks"], none["arrows"]) == (0, [])
    assert code_of(service.client().get("/v1/streams/nowhere/movement")) == "not_found"
