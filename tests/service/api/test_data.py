"""Events, tracks, counts: found by filters, within grants, erased for good."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import Any

import httpx
import numpy as np
import pytest

from sightline.service.engine.messages import Recording, TrackRecord
from sightline.service.rules.events import Event
from sightline.service.steady import rfc3339
from sightline.service.store.counts import add_counts
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.recordings import insert_recordings, list_recordings
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of

HOUR = 3600.0
NOON = 1_799_928_000.0  # midday UTC of the day before the test's clock


@dataclass
class EventPictures:
    """Remembers what was removed."""

    removed: list[tuple[str, float, str]] = field(default_factory=list)

    def find(self, stored: StoredEvent, ending: str) -> None:
        """Nothing is kept."""

    def remove(self, stream: str, time: float, event_id: str) -> None:
        self.removed.append((stream, time, event_id))


def happened(time: float, stream: str = "door", kind: Any = "line_cross", **fields: Any) -> Event:
    values = {"rule": "gate", "track": 1, "class_name": "person", "direction": "in", **fields}
    return Event(stream=stream, kind=kind, time=time, decided=time + 0.3, **values)


EVENTS = [
    happened(NOON),
    happened(NOON + 10, direction="out", track=2, class_name="car"),
    happened(NOON + 70, kind="zone_enter", rule="hall", direction="appeared"),
    happened(NOON + HOUR, stream="yard", track=1),
    Event("yard", "stream_state", "", NOON + HOUR, NOON + HOUR, state="STALLED"),
]


def track(stream: str, number: int, class_name: str, start: float) -> TrackRecord:
    path = np.array([[0, 0.1, 0.2, 0.3, 0.4], [2, 0.15, 0.2, 0.35, 0.4]], np.float32)
    looks = np.full((3, 4), 0.5, np.float16) if number == 1 else None
    return TrackRecord(stream, number, class_name, start, start + 90, True, path, looks, "net@1")


def recording(stream: str) -> Recording:
    return Recording(
        stream=stream,
        size=(640, 480),
        class_names=("person",),
        frame_times=np.array([NOON, NOON + 0.1]),
        frames=np.array([0, 0, 1], np.int32),
        numbers=np.array([1, 2, 1]),
        boxes=np.zeros((3, 4), np.float32),
        scores=np.ones(3, np.float32),
        classes=np.zeros(3, np.int32),
        seen=np.ones(3, np.bool_),
    )


@pytest.fixture
def service(make_service: MakeService) -> Service:
    service = make_service()
    stored = [StoredEvent(new_id(), event) for event in EVENTS]
    with service.context.database.session() as session:
        insert_events(session, stored)
        add_counts(session, EVENTS)
        upsert_tracks(
            session,
            [
                track("door", 1, "person", NOON),
                track("door", 2, "car", NOON + 10),
                track("yard", 1, "person", NOON + HOUR),
            ],
        )
        insert_recordings(session, [recording("door"), recording("yard")])
    # The context is frozen; in a test its parts may be doubles all the same.
    object.__setattr__(service.context, "event_pictures", EventPictures())
    return service


def get(service: Service, path: str, *params: tuple[str, Any], **headers: str) -> httpx.Response:
    answer: httpx.Response = service.client().get(path, params=params, headers=headers)
    return answer


def rows(response: httpx.Response) -> list[dict[str, Any]]:
    assert response.status_code == 200, response.text
    items: list[dict[str, Any]] = response.json()["items"]
    return items


def test_events_are_filtered(service: Service) -> None:
    cases: list[tuple[tuple[tuple[str, Any], ...], list[float]]] = [
        ((), [HOUR, HOUR, 70, 10, 0]),
        ((("stream", "door"),), [70, 10, 0]),
        ((("stream", "door"), ("stream", "yard")), [HOUR, HOUR, 70, 10, 0]),
        ((("kind", "zone_enter"), ("kind", "stream_state")), [HOUR, 70]),
        ((("rule", "hall"),), [70]),
        ((("class", "car"),), [10]),
        ((("track", "door:1"),), [70, 0]),
        ((("begin", rfc3339(NOON + 10)), ("end", rfc3339(NOON + 70))), [10]),
        ((("begin", "2027-01-14T13:00:10+01:00"), ("kind", "line_cross")), [HOUR, 10]),
    ]
    for params, times in cases:
        found = rows(get(service, "/v1/events", *params))
        assert [one["time"] for one in found] == [rfc3339(NOON + time) for time in times], params


def test_event_holds_what_is_known_of_its_kind_alone(service: Service) -> None:
    (state,) = rows(get(service, "/v1/events", ("kind", "stream_state")))
    known = {"id", "stream", "kind", "rule", "time", "decided", "state", "pictures"}
    assert set(state) == known
    assert get(service, f"/v1/events/{state['id']}").json() == state
    (car,) = rows(get(service, "/v1/events", ("class", "car")))
    assert (car["track"], car["direction"], car["class_name"]) == ("door:2", "out", "car")


def test_lists_come_in_pages(service: Service) -> None:
    lists = (("/v1/events", 5), ("/v1/tracks", 3), ("/v1/counts", 5), ("/v1/streams/door/paths", 2))
    for path, count in lists:
        seen: list[Any] = []
        cursor: str | None = None
        while True:
            params = [("limit", 2), *([("cursor", cursor)] if cursor else [])]
            answer = get(service, path, *params).json()
            seen += answer["items"]
            cursor = answer["next_cursor"]
            if cursor is None:
                break
        assert seen == rows(get(service, path))
        assert len(seen) == count


def test_paths_of_a_stream_are_those_of_its_tracks(service: Service) -> None:
    found = rows(get(service, "/v1/streams/door/paths"))
    assert [one["id"] for one in found] == ["door:2", "door:1"]
    for one in found:
        alone = get(service, f"/v1/tracks/{one['id']}").json()
        assert [row[1:] for row in one["path"]] == [place["box"] for place in alone["path"]]
        assert [row[0] for row in one["path"]] == [0.0, 2.0]
    begin = ("begin", rfc3339(NOON + 95))
    assert [one["id"] for one in rows(get(service, "/v1/streams/door/paths", begin))] == ["door:2"]


def test_limited_key_sees_its_streams_alone(service: Service) -> None:
    client = service.client(service.token("viewer", "yard"))
    for path in ("/v1/events", "/v1/tracks", "/v1/counts"):
        for params in ({}, {"stream": "yard"}):
            assert {one["stream"] for one in rows(client.get(path, params=params))} == {"yard"}
        refused = client.get(path, params=[("stream", "yard"), ("stream", "door")])
        assert code_of(refused) == "not_found"


def test_wrong_filters_are_problems(service: Service) -> None:
    wrong: list[tuple[str, Any]] = [
        ("begin", "yesterday"),
        ("begin", "2027-01-14T12:00:00"),
        ("end", "0001-01-01T00:00:00Z"),
        ("limit", 0),
        ("cursor", "x"),
        ("stream", "no stream"),
    ]
    for path in ("/v1/events", "/v1/tracks", "/v1/counts"):
        for param in wrong:
            answer = get(service, path, ("begin", rfc3339(NOON)), param)
            assert code_of(answer) == "invalid_request", param


def test_tracks_are_filtered(service: Service) -> None:
    cases: list[tuple[tuple[tuple[str, Any], ...], list[str]]] = [
        ((), ["yard:1", "door:2", "door:1"]),
        ((("class", "person"), ("stream", "door")), ["door:1"]),
        ((("zone", "hall"),), ["door:1"]),
        ((("zone", "gate"), ("stream", "door")), ["door:2", "door:1"]),
        ((("begin", rfc3339(NOON + 95)), ("end", rfc3339(NOON + HOUR))), ["door:2"]),
    ]
    for params, ids in cases:
        assert [one["id"] for one in rows(get(service, "/v1/tracks", *params))] == ids, params


def test_track_has_its_path_and_says_what_search_knows(service: Service) -> None:
    answer = get(service, "/v1/tracks/door:1").json()
    assert answer["path"] == [
        {"time": rfc3339(NOON), "box": [0.1, 0.2, 0.3, 0.4]},
        {"time": rfc3339(NOON + 2), "box": [0.15, 0.2, 0.35, 0.4]},
    ]
    assert answer["exemplars"] == {"count": 3, "embedder": "net@1"}
    assert get(service, "/v1/tracks/door:2").json()["exemplars"] is None


def test_track_that_is_not_granted_is_as_one_that_is_not_there(service: Service) -> None:
    client = service.client(service.token("viewer", "yard"))
    there, nowhere = client.get("/v1/tracks/door:1"), client.get("/v1/tracks/yard:99")
    assert code_of(there) == code_of(nowhere) == "not_found"
    assert client.get("/v1/tracks/yard:1").status_code == 200
    assert code_of(client.get("/v1/tracks/door")) == "invalid_request"


def test_erased_track_is_gone_from_everything(service: Service) -> None:
    client = service.client()
    answer = client.delete("/v1/tracks", params={"track": "door:1"})
    assert answer.json() == {"tracks": 1, "exemplars": 1, "recordings": 1, "events": 2}
    assert code_of(client.get("/v1/tracks/door:1")) == "not_found"
    kept = rows(client.get("/v1/events", params={"stream": "door"}))
    assert [one.get("track") for one in kept] == [None, "door:2", None]
    with service.context.database.reading() as session:
        (left,) = list_recordings(session, "door", NOON, NOON + 1)
    assert left.numbers.tolist() == [2]
    pictures: Any = service.context.event_pictures
    assert sorted(one[1] for one in pictures.removed) == [NOON, NOON + 70]
    assert rows(client.get("/v1/counts", params={"stream": "door"}))  # how often, stays
    audited = rows(client.get("/v1/audit"))[0]
    assert (audited["action"], audited["target"]) == ("erase_tracks", "door:1")


def test_time_of_a_stream_is_erased_for_all_who_were_there(service: Service) -> None:
    client = service.client()
    params = {"stream": "door", "begin": rfc3339(NOON - 5), "end": rfc3339(NOON + 20)}
    assert client.delete("/v1/tracks", params=params).json()["tracks"] == 2
    assert [one["id"] for one in rows(client.get("/v1/tracks"))] == ["yard:1"]


def test_erasing_asks_for_exactly_what(service: Service) -> None:
    client = service.client()
    wrong: list[dict[str, str]] = [
        {},
        {"stream": "door"},
        {"begin": rfc3339(NOON), "end": rfc3339(NOON + 1)},
        {"stream": "door", "begin": rfc3339(NOON)},
        {"track": "door:1", "stream": "door"},
        {"track": "door"},
    ]
    for params in wrong:
        assert code_of(client.delete("/v1/tracks", params=params)) == "invalid_request", params
    assert len(rows(client.get("/v1/tracks"))) == 3


def test_erasing_is_for_administrators(service: Service) -> None:
    client = service.client(service.token("operator"))
    assert code_of(client.delete("/v1/tracks", params={"track": "door:1"})) == "forbidden"


def test_counts_are_sums_of_stretches(service: Service) -> None:
    params = {"bucket": "1m", "stream": "door"}
    assert rows(service.client().get("/v1/counts", params=params)) == [
        {
            "start": rfc3339(NOON + start),
            "end": rfc3339(NOON + start + 60),
            "stream": "door",
            "rule": rule,
            "kind": kind,
            "direction": direction,
            "count": 1,
        }
        for start, rule, kind, direction in (
            (0, "gate", "line_cross", "in"),
            (0, "gate", "line_cross", "out"),
            (60, "hall", "zone_enter", "appeared"),
        )
    ]
    crossed = {"bucket": "1d", "kind": "line_cross", "direction": "in"}
    days = rows(service.client().get("/v1/counts", params=crossed))
    assert [(one["stream"], one["count"]) for one in days] == [("door", 1), ("yard", 1)]
    assert {one["start"] for one in days} == {"2027-01-14T00:00:00.000Z"}


def test_counts_are_csv_for_who_likes_that_better(service: Service) -> None:
    cases = [
        ("text/csv", "text/csv"),
        ("text/csv, application/json;q=0.5", "text/csv"),
        ("application/json, text/csv;q=0.9", "application/json"),
        ("*/*", "application/json"),
        ("text/csv;q=0", "application/json"),
        ("image/png", "application/json"),
    ]
    for accept, kind in cases:
        answer = get(service, "/v1/counts", Accept=accept)
        assert answer.headers["content-type"].partition(";")[0] == kind, accept


def test_csv_holds_the_same_rows_as_json(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.service.api.counts.LARGEST_PAGE", 2)
    table = list(csv.DictReader(io.StringIO(get(service, "/v1/counts", Accept="text/csv").text)))
    items = rows(get(service, "/v1/counts"))
    assert len(table) == len(items) == 5
    assert [
        {**row, "count": int(row["count"]), "direction": row["direction"] or None} for row in table
    ] == items
