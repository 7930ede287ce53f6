from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import SourceError
from sightline.service.api import streams
from sightline.service.cameras.messages import Guard
from sightline.service.config import Stream
from tests.service.api.conftest import MakeService, Service, code_of

FILE_STREAM = {
    "id": "door",
    "url": "rtsp://admin:f1le-secret@camera.test/door?token=query-secret&channel=1",
}
NEW = {"id": "yard", "url": "rtsp://10.0.0.5/yard", "username": "u", "password": "n3w-secret"}


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(streams=[FILE_STREAM], security={"allowed_networks": ["10.0.0.0/8"]})


def test_a_stream_is_made_read_changed_and_deleted(service: Service) -> None:
    client = service.client(service.token("operator"))
    made = client.post("/v1/streams", json=NEW)
    assert (made.status_code, made.headers["location"]) == (201, "/v1/streams/yard")
    assert service.readers.running == {"door", "yard"}
    shown = client.get("/v1/streams/yard").json()
    assert (shown["origin"], shown["username"], shown["has_password"]) == ("api", "u", True)
    assert shown["status"]["state"] == "RUNNING"
    changed = client.patch("/v1/streams/yard", json={"process_fps": 5, "name": "Yard"}).json()
    assert (changed["process_fps"], changed["name"], changed["has_password"]) == (5, "Yard", True)
    assert client.post("/v1/streams/yard/stop").json()["status"]["state"] == "STOPPED"
    assert client.post("/v1/streams/yard/start").json()["status"]["state"] == "RUNNING"
    assert client.delete("/v1/streams/yard").status_code == 204
    assert code_of(client.get("/v1/streams/yard")) == "not_found"


def test_no_password_is_ever_answered(service: Service) -> None:
    client = service.client()
    answers = [
        client.post("/v1/streams", json=NEW),
        client.get("/v1/streams"),
        client.patch("/v1/streams/yard", json={"password": "an0ther-secret"}),
        client.patch("/v1/streams/yard", json={"password": "x" * 5000, "timeout": "s3cret"}),
        client.post("/v1/streams", json={**NEW, "id": "no id", "url": "rtsp://u:1n-url@"}),
        client.get("/v1/config"),
        client.get("/v1/audit"),
    ]
    for answer in answers:
        for secret in ("f1le-secret", "query-secret", "n3w-secret", "an0ther", "1n-url", "s3cret"):
            assert secret not in answer.text
    assert "channel=1" in answers[1].text


def test_nobody_reads_files_of_the_machine_through_a_stream(
    service: Service, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("rtsp://10.0.0.5/from-a-file")
    for body in (
        {"id": "yard", "url_file": str(secret)},
        {"id": "yard", "url": "rtsp://10.0.0.5/a", "password_file": str(secret)},
    ):
        answer = service.client().post("/v1/streams", json=body)
        assert code_of(answer) == "invalid_request"
    assert code_of(
        service.client().patch("/v1/streams/door", json={"password_file": str(secret)})
    ) == ("invalid_request")


@pytest.mark.parametrize(
    "url",
    [
        "rtsp://192.168.0.1/live",
        "http://127.0.0.1:8000/v1/keys",
        "http://[::ffff:10.0.0.5]/",
        "http://169.254.169.254/latest/meta-data/",
        "rtsp://inside.test/live",
        "webcam:0",
        "clip.mp4",
    ],
)
def test_a_source_that_is_not_allowed_is_refused_and_not_stored(service: Service, url: str) -> None:
    client = service.client()
    made = client.post("/v1/streams", json={"id": "yard", "url": url})
    assert (made.status_code, code_of(made)) == (422, "stream_refused")
    client.post("/v1/streams", json=NEW)
    assert code_of(client.patch("/v1/streams/yard", json={"url": url})) == "stream_refused"
    assert client.get("/v1/streams/yard").json()["url"] == NEW["url"]


def test_a_new_address_does_not_get_the_password_of_the_old_one(service: Service) -> None:
    client = service.client()
    client.post("/v1/streams", json=NEW)
    changed = client.patch("/v1/streams/yard", json={"url": "rtsp://10.6.6.6/collect"}).json()
    assert (changed["username"], changed["has_password"]) == (None, False)


def test_blur_is_changed_without_losing_the_masks(service: Service) -> None:
    client = service.client()
    masks = [[[0, 0], [0.5, 0], [0.5, 0.5]]]
    client.post("/v1/streams", json=NEW)
    assert client.put("/v1/streams/yard/masks", json={"masks": masks}).status_code == 200
    client.patch("/v1/streams/yard", json={"privacy": {"blur": "people"}})
    privacy = client.get("/v1/streams/yard").json()["privacy"]
    assert privacy == {"masks": masks, "blur": "people"}


def test_a_stream_of_the_file_is_not_redefined_by_the_interface(service: Service) -> None:
    client = service.client()
    assert code_of(client.patch("/v1/streams/door", json={"timeout": 3})) == "conflict"
    assert code_of(client.delete("/v1/streams/door")) == "conflict"
    assert code_of(client.post("/v1/streams", json={**NEW, "id": "door"})) == "conflict"
    assert client.post("/v1/streams/door/stop").json()["status"]["state"] == "STOPPED"


def test_zones_and_lines_are_replaced_and_what_cannot_fire_is_told(service: Service) -> None:
    client = service.client()
    zone = {"id": "hall", "points": [[0.1, 0.4], [0.9, 0.4], [0.9, 1]]}
    edge = {"id": "edge", "points": [[0, 1], [1, 1]]}
    assert client.put("/v1/streams/door/zones", json={"zones": [zone]}).json()["warnings"] == []
    assert "edge" in client.put("/v1/streams/door/lines", json={"lines": [edge]}).text
    assert client.get("/v1/streams/door/zones").json()["zones"][0]["id"] == "hall"
    crossed = {"id": "bow", "points": [[0.1, 0.1], [0.9, 0.9], [0.9, 0.1], [0.1, 0.8]]}
    answer = client.put("/v1/streams/door/zones", json={"zones": [crossed]})
    assert answer.json()["errors"][0]["location"] == "body.zones.0.points"
    same = {**edge, "id": "hall"}
    answer = client.put("/v1/streams/door/lines", json={"lines": [same]})
    assert code_of(answer) == "invalid_request"
    assert client.get("/v1/streams/door/lines").json()["lines"][0]["id"] == "edge"


def test_a_list_comes_in_pages_of_what_is_granted(service: Service) -> None:
    admin = service.client()
    for number in range(5):
        admin.post("/v1/streams", json={**NEW, "id": f"cam{number}"})
    client = service.client(service.token("viewer", "cam0", "cam2", "cam3", "door"))
    first = client.get("/v1/streams", params={"limit": 3}).json()
    admin.delete("/v1/streams/cam0")
    rest = client.get("/v1/streams", params={"cursor": first["next_cursor"]}).json()
    names = [item["id"] for page in (first, rest) for item in page["items"]]
    assert names == ["cam0", "cam2", "cam3", "door"]
    assert rest["next_cursor"] is None
    for cursor in ("%ff", "x", "é", "A" * 999):
        answer = client.get("/v1/streams", params={"cursor": cursor})
        assert answer.status_code in (200, 422)


def test_a_stream_is_tried_before_it_is_made(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    guards: list[Guard | None] = []
    noise = np.random.default_rng(1).integers(0, 255, (96, 128, 3), dtype=np.uint8)

    def probe(stream: Stream, guard: Guard | None) -> npt.NDArray[np.uint8]:
        guards.append(guard)
        if stream.url.endswith("/gone"):
            raise SourceError("it has no such stream", "stream_not_found")
        return noise.copy()

    monkeypatch.setattr(streams, "probe", probe)
    client = service.client()
    answer = client.post("/v1/streams/probe", json=NEW)
    assert answer.headers["content-type"] == "image/jpeg"
    assert decoded(answer.content).shape == noise.shape
    assert guards == [Guard(("10.0.0.0/8",), None)]
    blurred = client.post("/v1/streams/probe", json={**NEW, "privacy": {"blur": "heads"}})
    assert decoded(blurred.content).std() < decoded(answer.content).std() / 3
    gone = client.post("/v1/streams/probe", json={**NEW, "url": "http://10.0.0.5/gone"})
    assert (gone.status_code, code_of(gone)) == (422, "stream_not_found")
    assert guards[-1] is not None
    assert guards[-1].proxy is not None
    refused = client.post("/v1/streams/probe", json={**NEW, "url": "http://127.0.0.1/"})
    assert code_of(refused) == "stream_refused"
    assert len(guards) == 3
    assert code_of(client.get("/v1/streams/yard")) == "not_found"


def test_changes_are_tried_with_the_password_that_is_kept(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Stream] = []

    def probe(stream: Stream, guard: Guard | None) -> npt.NDArray[np.uint8]:
        tried.append(stream)
        return np.zeros((96, 128, 3), np.uint8)

    monkeypatch.setattr(streams, "probe", probe)
    client = service.client()
    client.post("/v1/streams", json=NEW).raise_for_status()
    before = client.get("/v1/streams/yard").json()
    answer = client.post("/v1/streams/yard/probe", json={"timeout": 3})
    assert answer.headers["content-type"] == "image/jpeg"
    assert tried[-1].timeout == 3
    assert tried[-1].password is not None
    assert tried[-1].password.get_secret_value() == NEW["password"]
    # Another host must not be told it.
    client.post("/v1/streams/yard/probe", json={"url": "http://10.0.0.9/else"}).raise_for_status()
    assert not tried[-1].password
    assert client.get("/v1/streams/yard").json()["url"] == before["url"]
    refused = client.post("/v1/streams/yard/probe", json={"url": "http://127.0.0.1/"})
    assert code_of(refused) == "stream_refused"
    assert len(tried) == 2


def decoded(jpeg: bytes) -> npt.NDArray[np.uint8]:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)
