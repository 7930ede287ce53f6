"""Server-sent events, moving pictures, snapshots and tracks now, on a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import cv2
import httpx
import numpy as np
import numpy.typing as npt
import pytest

from tests.service.live.live_service import LiveService, make_event, make_result, until

Image = npt.NDArray[np.uint8]
NOISE = np.random.default_rng(5).integers(0, 256, (240, 320, 3), np.uint8)
BOX = [100.0, 40.0, 160.0, 200.0]


@contextmanager
def _client(live: LiveService, **key: Any) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=live.url, headers=live.headers(**key), timeout=30, trust_env=False
    ) as client:
        yield client


def _events(response: httpx.Response) -> Iterator[dict[str, str]]:
    """Server-sent events by the rules of the WHATWG's text."""
    fields: dict[str, str] = {}
    for line in response.iter_lines():
        if not line:
            if "data" in fields:
                yield fields
            fields = {}
        elif not line.startswith(":"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")


def _decode(jpeg: bytes) -> Image:
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return np.asarray(image, np.uint8)


def _detail(image: Image) -> float:
    return float(np.abs(np.diff(image.astype(int), axis=1)).mean())


def _parts(response: httpx.Response) -> Iterator[tuple[dict[str, str], bytes]]:
    """Parts of multipart/x-mixed-replace, read as a browser does."""
    boundary = b"--" + response.headers["content-type"].partition("boundary=")[2].encode()
    buffer = b""
    chunks = response.iter_bytes()
    while True:
        while buffer.count(boundary) < 2:
            buffer += next(chunks)
        _, part, rest = buffer.split(boundary, 2)
        buffer = boundary + rest
        head, _, body = part.lstrip(b"\r\n").partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        assert len(body) == int(fields["Content-Length"]) + 2
        yield fields, body[:-2]


def _show_while(live: LiveService, image: Image, result: Any) -> None:
    """Look at a frame once somebody watches."""
    until(lambda: "gate" in live.engine.watched)
    live.show(image, result)


def test_events_go_on_where_they_broke_off(live: LiveService) -> None:
    events = [make_event(number=number) for number in range(20)]
    live.happen(*events[:10])
    with _client(live) as client:
        with client.stream("GET", "/v1/live/sse", params={"topics": "events"}) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            until(lambda: live.hub.statistics.listeners == 1)
            live.happen(*events[10:13])
            stream = _events(response)
            got = [next(stream) for _ in range(3)]
        until(lambda: live.hub.statistics.listeners == 0)
        live.happen(*events[13:18])
        last = {"Last-Event-ID": got[-1]["id"]}
        with client.stream("GET", "/v1/live/sse", headers=last) as response:
            stream = _events(response)
            got += [next(stream) for _ in range(5)]
            live.happen(*events[18:])
            got += [next(stream) for _ in range(2)]
    assert [one["id"] for one in got] == [stored.id for stored in events[10:]]
    assert {one["event"] for one in got} == {"event"}
    assert json.loads(got[0]["data"])["track"] == "gate:10"


def test_states_and_tracks_come_as_events_too(live: LiveService) -> None:
    live.hub.publish_state(live.streams.tell("gate"))
    live.hub.publish_frame(make_result("gate", 7))
    with (
        _client(live) as client,
        client.stream("GET", "/v1/live/sse", params={"topics": "states,tracks:gate"}) as response,
    ):
        stream = _events(response)
        state, tracks = next(stream), next(stream)
    assert (state["event"], json.loads(state["data"])["state"]) == ("state", "RUNNING")
    assert (tracks["event"], json.loads(tracks["data"])["sequence"]) == ("tracks", 7)
    assert "id" not in tracks


def test_a_listener_that_is_ended_is_told_why(live: LiveService) -> None:
    with _client(live) as client, client.stream("GET", "/v1/live/sse") as response:
        until(lambda: live.hub.statistics.listeners == 1)
        live.hub.close()
        closed = next(_events(response))
        assert json.loads(closed["data"]) == {"type": "closed", "reason": "closed"}


def test_a_key_that_is_revoked_ends_events_and_pictures(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.api.live._CHECK_SECONDS", 0.02)
    key_id, token = live.key()
    headers = {"Authorization": f"Bearer {token}"}
    with (
        httpx.Client(base_url=live.url, headers=headers, timeout=30, trust_env=False) as client,
        client.stream("GET", "/v1/live/sse") as events,
        client.stream("GET", "/v1/streams/gate/live.mjpeg") as pictures,
    ):
        until(lambda: live.hub.statistics.listeners == 1)
        live.access.keys.revoke(key_id, keep_an_admin=False)
        assert json.loads(next(_events(events))["data"])["reason"] == "access_ended"
        assert pictures.read() == b"--sightline-picture\r\n"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/live/sse?topics=nonsense", 422, "invalid_request"),
        ("/v1/live/sse?topics=pictures:gate", 422, "invalid_request"),
        ("/v1/live/sse?topics=tracks:nowhere", 404, "not_found"),
        ("/v1/live/sse?since=1", 422, "invalid_request"),
        ("/v1/streams/nowhere/live.mjpeg", 404, "not_found"),
        ("/v1/streams/nowhere/snapshot.jpg", 404, "not_found"),
        ("/v1/streams/nowhere/tracks", 404, "not_found"),
        ("/v1/streams/yard/live.mjpeg", 404, "not_found"),
        ("/v1/streams/yard/snapshot.jpg", 404, "not_found"),
        ("/v1/streams/yard/tracks", 404, "not_found"),
        ("/v1/live/sse?topics=tracks:yard", 404, "not_found"),
        ("/v1/streams/gate/live.mjpeg?fps=0", 422, "invalid_request"),
        ("/v1/streams/gate/snapshot.jpg?width=-1", 422, "invalid_request"),
        ("/v1/streams/gate/snapshot.jpg?raw=perhaps", 422, "invalid_request"),
    ],
)
def test_wrong_requests_are_refused_with_a_code(
    live: LiveService, path: str, status: int, code: str
) -> None:
    live.streams.tell("yard")
    with _client(live, streams=["gate", "nowhere"]) as client:
        answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_moving_pictures_are_parts_that_name_their_frame(live: LiveService) -> None:
    with _client(live) as client:
        path = "/v1/streams/gate/live.mjpeg?raw=yes&fps=60"
        with client.stream("GET", path) as response:
            parts = _parts(response)
            for sequence in range(1, 6):
                image = np.full((240, 320, 3), 20 * sequence, np.uint8)
                _show_while(live, image, make_result("gate", sequence))
                fields, jpeg = next(parts)
                assert fields["Sightline-Sequence"] == str(sequence)
                assert fields["Sightline-Time"] == f"1970-01-01T00:16:40.{40 * sequence:03}Z"
                assert abs(float(_decode(jpeg).mean()) - 20 * sequence) < 2
        until(lambda: live.pictures.statistics.viewers == 0)
        rendered = live.pictures.statistics.rendered
        for sequence in range(10, 20):
            live.show(NOISE, make_result("gate", sequence))
        assert live.pictures.statistics.rendered == rendered == 5


def test_snapshot_has_boxes_and_raw_has_none_and_both_are_blurred(live: LiveService) -> None:
    live.blur = "people"
    result = make_result("gate", 1, [[10, 10, 60, 100]], detected=[[*BOX, 0.15]])
    with _client(live) as client:
        live.show(NOISE, result)
        boxed = client.get("/v1/streams/gate/snapshot.jpg")
        raw = client.get("/v1/streams/gate/snapshot.jpg?raw=yes")
        small = client.get("/v1/streams/gate/snapshot.jpg?width=100")
    assert boxed.headers["content-type"] == "image/jpeg"
    assert boxed.headers["sightline-sequence"] == "1"
    assert boxed.headers["cache-control"] == "no-store"
    for answer in (boxed, raw, small):
        assert _detail(_decode(answer.content)[40:200, 100:160]) < 0.1 * _detail(NOISE)
    difference = np.abs(_decode(boxed.content).astype(int) - _decode(raw.content)).max(axis=2)
    # The left edge of the box; beside it the two differ by what JPEG made of them.
    assert difference[12:98, 10:12].mean() > 3 * difference[12:98, 2:8].mean()
    assert difference[120:, 180:].max() < 40


@pytest.mark.parametrize("state", ["CONNECTING", "STALLED", "BACKOFF", "FAILED", "STOPPED"])
def test_a_camera_that_does_not_run_has_no_snapshot_and_says_why(
    live: LiveService, state: Any
) -> None:
    live.streams.tell("gate", state, error="wrong user name or password")
    with _client(live) as client:
        answer = client.get("/v1/streams/gate/snapshot.jpg")
    assert answer.status_code == 503
    assert state in answer.json()["detail"]
    assert "wrong user name or password" in answer.json()["detail"]


def test_a_frame_that_never_comes_is_not_waited_for(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.api.live._SNAPSHOT_SECONDS", 0.05)
    with _client(live) as client:
        assert client.get("/v1/streams/gate/snapshot.jpg").status_code == 503
    assert live.pictures.statistics.viewers == 0


def test_tracks_now(live: LiveService) -> None:
    with _client(live) as client:
        before = client.get("/v1/streams/gate/tracks").json()
        assert (before["sequence"], before["time"], before["tracks"]) == (0, None, [])
        live.show(NOISE, make_result("gate", 9, [[32, 24, 64, 120]]))
        now = client.get("/v1/streams/gate/tracks").json()
    assert (now["sequence"], now["width"], now["height"]) == (9, 320, 240)
    assert now["tracks"][0]["class_name"] == "person"
    assert now["tracks"][0]["box"] == [0.1, 0.1, 0.2, 0.5]
