"""Pictures and clips of events through the interface."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.service.engine.messages import TrackRecord
from sightline.service.recordings.keeper import EventPictures
from sightline.service.rules.events import Event
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.live.live_service import make_event

JPEG, MP4 = b"\xff\xd8 picture", b"....ftyp clip of some seconds"


def make(make_service: MakeService, folder: Path, **wanted: Any) -> Service:
    """A service that keeps what its configuration says, without cameras."""
    service = make_service(storage={"folder": str(folder / "data"), "event_pictures": wanted})
    context = service.context
    nobody: Any = None
    keeper = EventPictures(context.config, context.clock, nobody, nobody, lambda _: "off")
    service.app.state.context = replace(context, event_pictures=keeper)
    return service


def store(service: Service) -> StoredEvent:
    stored = make_event("gate")
    with service.context.database.session() as session:
        insert_events(session, [stored])
    return stored


@pytest.fixture
def service(make_service: MakeService, tmp_path: Path) -> Service:
    return make(make_service, tmp_path, snapshots=True, clips=True)


def test_what_is_kept_of_an_event_is_handed_out(service: Service) -> None:
    stored = store(service)
    files = service.app.state.context.event_pictures.files
    files.write("gate", stored.event.time, stored.id, "jpg", JPEG)
    files.write("gate", stored.event.time, stored.id, "mp4", MP4)
    client = service.client(service.token("viewer", "gate"))
    picture = client.get(f"/v1/events/{stored.id}/snapshot.jpg")
    assert (picture.content, picture.headers["content-type"]) == (JPEG, "image/jpeg")
    part = client.get(f"/v1/events/{stored.id}/clip.mp4", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    assert part.headers["content-range"] == f"bytes 4-7/{len(MP4)}"
    beyond = client.get(f"/v1/events/{stored.id}/clip.mp4", headers={"Range": "bytes=900-"})
    assert beyond.status_code == 416
    assert client.get("/v1/events").json()["items"][0]["pictures"] == ["snapshot", "clip"]
    files.write("gate", stored.event.time, stored.id, "strip.jpg", JPEG + b"s")
    assert client.get(f"/v1/events/{stored.id}/strip.jpg").content == JPEG + b"s"
    kept = client.get(f"/v1/events/{stored.id}").json()["pictures"]
    assert kept == ["snapshot", "strip", "clip"]
    other = service.client(service.token("viewer", "yard"))
    assert code_of(other.get(f"/v1/events/{stored.id}")) == "not_found"
    for name in ("snapshot.jpg", "strip.jpg", "clip.mp4"):
        assert code_of(other.get(f"/v1/events/{stored.id}/{name}")) == "not_found"


def test_whom_a_track_is_of_is_cut_out_of_the_picture_of_an_event(service: Service) -> None:
    start = make_event("gate").event.time
    event = Event("gate", "line_cross", "door", start + 1, start + 1.5, track=7)
    stored = StoredEvent(new_id(), event)
    path = np.array([[0, 0.0, 0.5, 0.1, 0.9], [2, 0.4, 0.5, 0.5, 0.9]], np.float32)
    walked = TrackRecord("gate", 7, "person", start, start + 2, True, path, None, "")
    with service.context.database.session() as session:
        insert_events(session, [stored])
        upsert_tracks(session, [walked])
    client = service.client(service.token("viewer", "gate"))
    assert "there is no picture of track" in client.get("/v1/tracks/gate:7/picture.jpg").text
    image = np.zeros((200, 400, 3), np.uint8)
    image[100:180, 120:160] = 255  # where it is after 1.5 s
    encoded: Any = cv2.imencode(".jpg", image)[1]
    files = service.app.state.context.event_pictures.files
    files.write("gate", event.time, stored.id, "jpg", bytes(encoded))
    answer = client.get("/v1/tracks/gate:7/picture.jpg")
    assert answer.headers["content-type"] == "image/jpeg"
    portrait: Any = cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_GRAYSCALE)
    assert portrait.shape == (120, 60)  # the box and a quarter around it
    assert portrait[25:95, 15:45].mean() > 240
    assert portrait[:, :5].mean() < 20
    other = service.client(service.token("viewer", "yard"))
    assert code_of(other.get("/v1/tracks/gate:7/picture.jpg")) == "not_found"


def test_why_there_is_nothing_is_said(
    service: Service, make_service: MakeService, tmp_path: Path
) -> None:
    stored = store(service)
    client = service.client()
    late = client.get(f"/v1/events/{stored.id}/snapshot.jpg")
    assert code_of(late) == "not_found"
    assert "too old, or could not be made" in late.json()["detail"]
    unknown = client.get(f"/v1/events/{make_event().id}/snapshot.jpg")
    assert "there is no event" in unknown.json()["detail"]
    assert code_of(client.get("/v1/events/..%2F..%2Fetc/snapshot.jpg")) in (
        "invalid_request",
        "not_found",
    )
    off = make(make_service, tmp_path)
    answer = off.client().get(f"/v1/events/{stored.id}/clip.mp4")
    assert "storage.event_pictures is off" in answer.json()["detail"]
