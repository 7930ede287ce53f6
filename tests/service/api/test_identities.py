"""Identities across cameras by the interface: who sees what of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sightline.service.engine.messages import TrackRecord
from sightline.service.search import Search
from sightline.service.store.events import insert_events
from sightline.service.store.identities import Join, join_tracks
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.store.samples import START, stored, track

WALK = (("lobby", 1), ("hall", 2), ("yard", 3))


def passing(stream: str, number: int, place: int) -> TrackRecord:
    at = START + 30 * place
    return track(number, stream=stream, started_at=at, seen_at=at + 9)


@pytest.fixture
def service(make_service: MakeService) -> Service:
    names = ("lobby", "hall", "yard")
    streams = [{"id": name, "url": "rtsp://10.0.0.5/", "enabled": False} for name in names]
    service = make_service(streams=streams)
    with service.context.database.session() as session:
        upsert_tracks(session, [passing(*key, place) for place, key in enumerate(WALK)])
        upsert_tracks(session, [passing("hall", 9, 5)])
        joins = [
            Join(WALK[0], WALK[1], "lobby-hall", 21.0, 2.5),
            Join(WALK[1], WALK[2], "hall-yard", 21.0, 4.0),
        ]
        join_tracks(session, joins, START)
        insert_events(session, [stored(stream="yard", track=3), stored(stream="hall", track=9)])
    return service


def test_an_identity_tells_the_whole_walk(service: Service) -> None:
    client = service.client()
    (listed,) = client.get("/v1/identities").json()["items"]
    assert listed == client.get(f"/v1/identities/{listed['id']}").json()
    assert listed["streams"] == ["lobby", "hall", "yard"]
    assert [one["id"] for one in listed["tracks"]] == ["lobby:1", "hall:2", "yard:3"]
    assert [one["previous"] for one in listed["tracks"]] == [None, "lobby:1", "hall:2"]
    assert [one["passage"] for one in listed["tracks"]] == [None, "lobby-hall", "hall-yard"]
    assert [one["seconds"] for one in listed["tracks"]] == [None, 21.0, 21.0]


def test_tracks_and_events_carry_the_number(service: Service) -> None:
    client = service.client()
    (listed,) = client.get("/v1/identities").json()["items"]
    number = listed["id"]
    tracks = client.get("/v1/tracks", params={"identity": number}).json()["items"]
    assert {one["id"] for one in tracks} == {"lobby:1", "hall:2", "yard:3"}
    assert client.get("/v1/tracks/hall:9").json()["identity"] is None
    events = client.get("/v1/events", params={"identity": number}).json()["items"]
    assert [(one["track"], one["identity"]) for one in events] == [("yard:3", number)]
    alone = client.get("/v1/events", params={"stream": "hall"}).json()["items"]
    assert "identity" not in alone[0]


def test_search_names_the_identity_of_what_it_finds(service: Service) -> None:
    context = service.context
    search = Search(context.config, context.database)
    service.app.state.context = replace(context, search=search)
    client = service.client()
    answer = client.post("/v1/search", json={"track": "hall:9"}).json()
    found = {one["track"]: one["identity"] for one in answer["results"]}
    assert set(found) == {"lobby:1", "hall:2", "yard:3"}
    assert len(set(found.values())) == 1


def test_a_key_for_one_stream_learns_nothing_of_the_others(service: Service) -> None:
    client = service.client(service.token("viewer", "hall"))
    (listed,) = client.get("/v1/identities").json()["items"]
    assert listed["streams"] == ["hall"]
    (only,) = listed["tracks"]
    assert (only["previous"], only["passage"], only["seconds"]) == (None, None, None)
    stranger = service.client(service.token("viewer", "nowhere"))
    assert stranger.get("/v1/identities").json()["items"] == []
    assert code_of(stranger.get(f"/v1/identities/{listed['id']}")) == "not_found"
    assert code_of(client.get("/v1/identities", params={"stream": "yard"})) == "not_found"


def test_filters_select_and_pages_go_on(service: Service) -> None:
    client = service.client()
    assert client.get("/v1/identities", params={"stream": "yard"}).json()["items"]
    late = {"begin": "2030-01-01T00:00:00Z"}
    assert client.get("/v1/identities", params=late).json()["items"] == []
    assert code_of(client.get("/v1/identities/77")) == "not_found"
    assert code_of(client.get("/v1/identities/none")) == "invalid_request"
