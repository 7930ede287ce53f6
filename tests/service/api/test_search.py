"""Search by appearance through the interface, with people of a real clip."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.reid import Embedder
from sightline.reid.choices import embedder_name
from sightline.service.engine.messages import TrackRecord
from sightline.service.search import Search
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of

Image = npt.NDArray[np.uint8]
NETWORK = "sightline-reid"
BEGIN = 1_700_000_000.0


@pytest.fixture(scope="module")
def crops(shared: Path) -> dict[int, list[Image]]:
    """Pictures of each person of PETS09-S2L1 in the order of time, of 64x128 pixels."""
    found: dict[int, list[Image]] = defaultdict(list)
    for path in sorted((shared / "data" / "person-crops" / "pets09-s2l1").glob("*.jpg")):
        found[int(path.name.split("_")[0])].append(np.asarray(cv2.imread(str(path)), np.uint8))
    return {person: pictures for person, pictures in found.items() if len(pictures) >= 12}


@pytest.fixture(scope="module")
def records(crops: dict[int, list[Image]]) -> list[TrackRecord]:
    """Each person's first pictures as a track of one camera, the last ones as one of another."""
    embedder = Embedder(NETWORK, "cpu", threads=1)
    height, width = embedder.crop_size
    records = []
    for person, pictures in crops.items():
        sized = np.stack(
            [np.asarray(cv2.resize(each, (width, height)), np.uint8) for each in pictures]
        )
        vectors = embedder.embed_crops(sized).astype(np.float16)
        for stream, part, begin in (("gate", vectors[:4], 0.0), ("yard", vectors[-4:], 600.0)):
            at = BEGIN + begin
            path = np.array([[0, 0.1, 0.1, 0.2, 0.4]], np.float32)
            name = embedder_name(NETWORK)
            records.append(
                TrackRecord(stream, person, "person", at, at + 5, True, path, part, name)
            )
    return records


@pytest.fixture
def service(make_service: MakeService, records: list[TrackRecord]) -> Service:
    streams = [
        {"id": name, "url": "rtsp://10.0.0.5/", "enabled": False} for name in ("gate", "yard")
    ]
    service = make_service(streams=streams, tracker={"reid": NETWORK})
    context = service.context
    with context.database.session() as session:
        upsert_tracks(session, records)
    search = Search(context.config, context.database)
    service.app.state.context = replace(context, search=search)
    return service


def picture_of(image: Image) -> bytes:
    return bytes(cv2.imencode(".png", image)[1])


def test_a_person_is_found_on_the_other_camera(
    service: Service, records: list[TrackRecord]
) -> None:
    client = service.client()
    ranks = []
    for record in records:
        if record.stream == "gate":
            answer = client.post(
                "/v1/search", json={"track": f"gate:{record.number}"}, params={"stream": "yard"}
            )
            found = [each["track"] for each in answer.json()["results"]]
            assert len(found) == len(records) // 2
            ranks.append(found.index(f"yard:{record.number}"))
    assert np.mean(np.array(ranks) == 0) >= 0.4
    assert np.mean(np.array(ranks) < 3) >= 0.7


def test_a_track_does_not_find_itself_and_scores_are_sorted(
    service: Service, records: list[TrackRecord]
) -> None:
    answer = (
        service.client().post("/v1/search", json={"track": "gate:1"}, params={"limit": 5}).json()
    )
    scores = [each["score"] for each in answer["results"]]
    assert len(scores) == 5
    assert scores == sorted(scores, reverse=True)
    assert "gate:1" not in [each["track"] for each in answer["results"]]
    assert answer["searched"] == len(records)
    assert 0 < answer["threshold"] < 1
    assert [each["likely"] for each in answer["results"]] == [
        score >= answer["threshold"] for score in scores
    ]


def test_a_picture_finds_the_tracks_of_its_person(
    service: Service, crops: dict[int, list[Image]]
) -> None:
    client = service.client()
    hits = 0
    for person, pictures in crops.items():
        answer = client.post(
            "/v1/search",
            content=picture_of(pictures[6]),
            params={"box": "0,0,1,1", "limit": 2},
            headers={"Content-Type": "image/png"},
        ).json()
        assert answer["threshold"] is None
        hits += any(each["track"].endswith(f":{person}") for each in answer["results"])
    assert hits / len(crops) >= 0.6


def test_the_person_of_a_picture_is_found_by_the_detector(
    service: Service, crops: dict[int, list[Image]]
) -> None:
    client = service.client()
    street = np.full((480, 640, 3), 150, np.uint8)
    assert code_of(client.post("/v1/search", content=picture_of(street))) == "invalid_request"
    person = cv2.resize(crops[1][6], (128, 256))
    street[150:406, 300:428] = person
    answer = client.post("/v1/search", content=picture_of(street))
    assert answer.status_code == 200, answer.text
    x1, y1, x2, y2 = answer.json()["box"]
    assert 300 / 640 - 0.05 < x1 < x2 < 428 / 640 + 0.05
    assert 150 / 480 - 0.05 < y1 < y2 < 406 / 480 + 0.05


def test_filters_and_grants_narrow_what_is_compared(service: Service) -> None:
    client = service.client()
    body = {"track": "gate:1"}
    early = client.post("/v1/search", json=body, params={"end": "2023-11-14T22:15:00Z"}).json()
    assert {each["stream"] for each in early["results"]} == {"gate"}
    assert client.post("/v1/search", json=body, params={"class": "car"}).json()["results"] == []
    limited = service.client(service.token("viewer", "gate"))
    own = limited.post("/v1/search", json=body).json()
    assert {each["stream"] for each in own["results"]} == {"gate"}
    assert code_of(limited.post("/v1/search", json={"track": "yard:1"})) == "not_found"
    other = limited.post("/v1/search", json=body, params={"stream": "yard"})
    assert code_of(other) == "not_found"


def test_what_cannot_be_searched_for_is_named(service: Service) -> None:
    client = service.client()
    with service.context.database.session() as session:
        path = np.zeros((0, 5), np.float32)
        upsert_tracks(session, [TrackRecord("gate", 999, "car", BEGIN, BEGIN, True, path)])
    assert code_of(client.post("/v1/search", json={"track": "gate:998"})) == "not_found"
    unseen = client.post("/v1/search", json={"track": "gate:999"})
    assert code_of(unseen) == "conflict"
    assert "nothing is known of the looks" in unseen.json()["detail"]
    for body, params in (({"track": "gate"}, {}), ({}, {}), ({"track": "gate:1"}, {"limit": 0})):
        answer = client.post("/v1/search", json=body, params=params)
        assert code_of(answer) == "invalid_request"
    for box in ("0,0,1", "a,b,c,d", "0.5,0,0.2,1", "0,0,2,1", "nan,0,1,1"):
        answer = client.post("/v1/search", content=b"x", params={"box": box})
        assert code_of(answer) == "invalid_request"
    assert code_of(client.post("/v1/search", content=b"GIF89a")) == "unsupported_media_type"
    kind = {"Content-Type": "text/plain"}
    assert (
        code_of(client.post("/v1/search", content=b"x", headers=kind)) == "unsupported_media_type"
    )


def test_vectors_of_another_network_are_not_compared(
    make_service: MakeService, crops: dict[int, list[Image]]
) -> None:
    service = make_service(tracker={"reid": "colour"})
    context = service.context
    service.app.state.context = replace(context, search=Search(context.config, context.database))
    client = service.client()
    whole = {"box": "0,0,1,1"}
    picture = picture_of(crops[1][0])
    assert client.post("/v1/search", content=picture, params=whole).json()["results"] == []
    with context.database.session() as session:
        path, vectors = np.zeros((0, 5), np.float32), np.eye(1, 128).astype(np.float16)
        name = "sightline-reid@0123456789ab"
        record = TrackRecord("gate", 1, "person", BEGIN, BEGIN, True, path, vectors, name)
        upsert_tracks(session, [record])
    answer = client.post("/v1/search", content=picture, params=whole)
    assert code_of(answer) == "conflict"
    assert name in answer.json()["detail"]
    assert client.post("/v1/search", json={"track": "gate:1"}).json()["searched"] == 1


def test_without_reidentification_there_is_no_search_by_picture(
    make_service: MakeService, crops: dict[int, list[Image]]
) -> None:
    service = make_service()
    context = service.context
    service.app.state.context = replace(context, search=Search(context.config, context.database))
    answer = service.client().post("/v1/search", content=picture_of(crops[1][0]))
    assert code_of(answer) == "conflict"
    assert "set tracker.reid" in answer.json()["detail"]
