"""The WebSocket on a real server: topics, grants, slow clients, going on after a break."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from typing import Any

import cv2
import numpy as np
import pytest
from websockets.asyncio.client import connect as connect_async
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from sightline.service.store.identifiers import new_id
from tests.service.live.live_service import LiveService, make_event, make_result, until

CROWD = [[x * 3.0, 10.0, x * 3.0 + 9, 60.0] for x in range(100)]


@contextmanager
def _socket(
    live: LiveService, query: str = "", headers: dict[str, str] | None = None
) -> Iterator[ClientConnection]:
    with connect(
        f"{live.socket_url}{query}",
        additional_headers=live.headers() if headers is None else headers,
        proxy=None,
        open_timeout=30,
        compression=None,
    ) as client:
        yield client


def _next(client: ClientConnection) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(client.recv(timeout=30))
    return fields


def _ask(client: ClientConnection, **fields: Any) -> None:
    client.send(json.dumps(fields))


def _refusal(
    live: LiveService, query: str = "", headers: dict[str, str] | None = None
) -> tuple[int, str]:
    with pytest.raises(InvalidStatus) as caught, _socket(live, query, headers):
        pass
    body = caught.value.response.body
    return caught.value.response.status_code, json.loads(body)["code"]


def test_topics_are_told_and_changed_on_the_way(live: LiveService) -> None:
    with _socket(live, "?topics=tracks:gate") as client:
        assert _next(client) == {"type": "subscribed", "topics": ["tracks:gate"]}
        live.hub.publish_frame(make_result("gate", 3, [[32, 24, 64, 120]]))
        tracks = _next(client)
        assert tracks["type"] == "tracks"
        assert tracks["sequence"] == 3
        assert tracks["tracks"] == [
            {
                "id": "gate:1",
                "class_name": "person",
                "box": [0.1, 0.1, 0.2, 0.5],
                "score": 0.9,
                "seen": True,
                "seconds": 2.0,
            }
        ]
        _ask(client, type="subscribe", topics=["events"])
        assert _next(client)["topics"] == ["events", "tracks:gate"]
        _ask(client, type="unsubscribe", topics=["tracks:gate"])
        assert _next(client)["topics"] == ["events"]
        live.hub.publish_frame(make_result("gate", 4))
        stored = make_event()
        live.happen(stored)
        event = _next(client)
        assert (event["type"], event["id"], event["track"]) == ("event", stored.id, "gate:1")


def test_states_come_at_once_and_when_they_change(live: LiveService) -> None:
    live.hub.publish_state(live.streams.tell("gate", "BACKOFF", error="no answer", retry_at=1008.0))
    with _socket(live, "?topics=states") as client:
        assert _next(client)["type"] == "subscribed"
        state = _next(client)
        assert (state["state"], state["error"]) == ("BACKOFF", "no answer")
        assert state["retry_at"] == "1970-01-01T00:16:48.000Z"
        live.hub.publish_state(live.streams.tell("gate"))
        assert _next(client)["state"] == "RUNNING"


def test_events_that_were_missed_come_first_and_each_once(live: LiveService) -> None:
    events = [make_event(number=number) for number in range(1200)]
    live.happen(*events)
    with _socket(live, f"?topics=events&since={events[99].id}") as client:
        assert _next(client)["type"] == "subscribed"
        later = make_event(number=9999)
        live.happen(later)
        got = [_next(client)["id"] for _ in range(1101)]
    assert got == [stored.id for stored in events[100:]] + [later.id]


def test_a_limited_key_hears_of_its_cameras_only(live: LiveService) -> None:
    live.streams.tell("yard")
    headers = live.headers(streams=["gate"])
    assert _refusal(live, "?topics=tracks:yard", headers) == (404, "not_found")
    assert _refusal(live, "?topics=pictures:yard", headers) == (404, "not_found")
    missed = make_event("yard", 5)
    live.happen(missed)
    with _socket(live, f"?topics=events&since={new_id()[:8]}-0000-7000-8000-000000000000") as full:
        assert _next(full)["type"] == "subscribed"
    with _socket(live, "?topics=events,states&since=" + missed.id[:-1] + "0", headers) as client:
        assert _next(client)["topics"] == ["events", "states"]
        _ask(client, type="subscribe", topics=["tracks:yard"])
        refused = _next(client)
        assert (refused["type"], refused["code"]) == ("error", "not_found")
        live.hub.publish_state(live.streams.tell("yard", "FAILED"))
        live.happen(make_event("yard", 6), make_event("gate", 7))
        assert _next(client)["track"] == "gate:7"


def test_who_is_not_known_or_comes_from_another_site_is_refused(live: LiveService) -> None:
    assert _refusal(live, headers={}) == (401, "unauthenticated")
    assert _refusal(live, headers={"Authorization": "Bearer wrong"}) == (401, "unauthenticated")
    foreign = live.headers() | {"Origin": "https://elsewhere.example"}
    assert _refusal(live, headers=foreign) == (403, "origin_refused")
    with _socket(live, headers=live.headers() | {"Origin": live.url}):
        pass


def test_a_revoked_key_ends_its_connection(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.api.live_socket._CHECK_SECONDS", 0.02)
    key_id, token = live.key()
    with _socket(live, headers={"Authorization": f"Bearer {token}"}) as client:
        live.access.keys.revoke(key_id, keep_an_admin=False)
        with pytest.raises(ConnectionClosed):
            client.recv(timeout=30)
        assert client.close_code == 4401


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?topics=nonsense", "there is no topic 'nonsense'"),
        ("?topics=tracks:../x", "there is no topic"),
        ("?since=yesterday", "id of an event"),
    ],
)
def test_wrong_topics_are_refused_before_the_connection(
    live: LiveService, query: str, message: str
) -> None:
    with pytest.raises(InvalidStatus) as caught, _socket(live, query):
        pass
    assert caught.value.response.status_code == 422
    assert message in json.loads(caught.value.response.body)["detail"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"type": "dance", "topics": ["events"]}',
        '{"type": "subscribe", "topics": []}',
        '{"type": "subscribe", "topics": ["nothing"]}',
        '{"type": "subscribe", "topics": ["events"], "pictures": {"fps": 1e9}}',
        '{"type": "subscribe", "topics": ["events"], "more": 1}',
        '{"type": "subscribe", "topics": ["' + "x" * 70_000 + '"]}',
    ],
)
def test_a_message_that_does_not_fit_is_answered_and_changes_nothing(
    live: LiveService, text: str
) -> None:
    with _socket(live, "?topics=states") as client:
        assert _next(client)["topics"] == ["states"]
        client.send(text)
        answer = _next(client)
        assert (answer["type"], answer["code"]) == ("error", "invalid_request")
        assert len(answer["detail"]) < 300
        _ask(client, type="unsubscribe", topics=["events"])
        assert _next(client)["topics"] == ["states"]


def test_pictures_come_with_the_boxes_of_the_same_frame(live: LiveService) -> None:
    with _socket(live) as client:
        options = {"fps": 60, "width": 300, "boxes": False}
        _ask(client, type="subscribe", topics=["pictures:gate"], pictures=options)
        assert _next(client)["topics"] == ["pictures:gate"]
        for sequence in range(1, 6):
            image = np.full((480, 640, 3), 10 * sequence, np.uint8)
            boxes = [[2.0 * sequence, 0, 40, 40]]
            live.show(image, make_result("gate", sequence, boxes, size=(640, 480)))
            data = client.recv(timeout=30)
            assert isinstance(data, bytes)
            length = int.from_bytes(data[:4], "big")
            fields = json.loads(data[4 : 4 + length])
            picture = cv2.imdecode(np.frombuffer(data[4 + length :], np.uint8), cv2.IMREAD_COLOR)
            assert picture is not None
            assert picture.shape == (240, 320, 3)
            assert (fields["type"], fields["sequence"]) == ("picture", sequence)
            assert abs(float(picture.mean()) - 10 * fields["sequence"]) < 2
            assert fields["tracks"][0]["box"][0] == round(sequence / 320, 4)
        _ask(client, type="unsubscribe", topics=["pictures:gate"])
        assert _next(client)["topics"] == []
        assert live.pictures.statistics.viewers == 0


def test_one_client_that_never_reads_holds_less_than_a_mebibyte_and_delays_nobody(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.live.subscription._MOST_EVENTS", 40)
    headers = live.headers()

    async def run() -> None:
        async with AsyncExitStack() as stack:
            clients = [
                await stack.enter_async_context(
                    connect_async(
                        f"{live.socket_url}?topics=events,tracks:gate",
                        additional_headers=headers,
                        proxy=None,
                        open_timeout=30,
                    )
                )
                for _ in range(49)
            ]
            for client in clients:
                assert json.loads(await client.recv())["type"] == "subscribed"
            for sequence in range(1, 31):
                live.hub.publish_frame(make_result("gate", sequence, CROWD))
                stored = make_event(number=sequence)
                live.hub.publish_events([stored])
                await asyncio.gather(*[_until_event(client, stored.id) for client in clients])
                assert _held(live) < 1 << 20
            assert live.hub.statistics.listeners == 50
            assert live.hub.statistics.most_held > 0
            # Too far behind with events: the others have read each of them.
            for number in range(31, 100):
                stored = make_event(number=number)
                live.hub.publish_events([stored])
                await asyncio.gather(*[_until_event(client, stored.id) for client in clients])
            assert live.hub.statistics.too_slow == 1

    with _never_reading(live, headers):
        until(lambda: live.hub.statistics.listeners == 1)
        asyncio.run(run())
        until(lambda: live.hub.statistics.listeners == 0)


def test_a_client_that_takes_no_pictures_is_ended_and_held_one_at_most(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.service.api.live_socket._SEND_SECONDS", 0.2)
    noise = np.random.default_rng(1).integers(0, 256, (720, 1280, 3), np.uint8)
    sequence = 0
    with _never_reading(live, live.headers(), "pictures:gate"):
        until(lambda: live.pictures.statistics.viewers == 1)

        def ended() -> bool:
            nonlocal sequence
            sequence += 1
            live.show(noise, make_result("gate", sequence, size=(1280, 720)))
            assert _held(live) < 1 << 20
            return live.pictures.statistics.viewers == 0

        until(ended)
    assert live.pictures.statistics.rendered < sequence


def test_stopping_ends_every_connection(live: LiveService) -> None:
    with _socket(live, "?topics=events") as client, _socket(live) as watcher:
        assert _next(client)["type"] == "subscribed"
        _ask(watcher, type="subscribe", topics=["pictures:gate"])
        assert _next(watcher)["topics"] == ["pictures:gate"]
        live.hub.close()
        for one in (client, watcher):
            with pytest.raises(ConnectionClosed):
                one.recv(timeout=30)
            assert one.close_code == 1012


async def _until_event(client: Any, event_id: str) -> None:
    while json.loads(await asyncio.wait_for(client.recv(), 30)).get("id") != event_id:
        pass


def _held(live: LiveService) -> int:
    """Bytes that wait for the slowest client, in the hub and in its connection's buffer."""
    buffers = [
        connection.transport.get_write_buffer_size()
        for connection in list(live.server.server_state.connections)
        if getattr(connection, "transport", None) is not None
    ]
    return live.hub.statistics.most_held + max(buffers, default=0)


@contextmanager
def _never_reading(
    live: LiveService, headers: dict[str, str], topics: str = "events,tracks:gate"
) -> Iterator[socket.socket]:
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", live.port))
        lines = [
            f"GET /v1/live?topics={topics} HTTP/1.1",
            f"Host: 127.0.0.1:{live.port}",
            f"Authorization: {headers['Authorization']}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}",
            "Sec-WebSocket-Version: 13",
        ]
        client.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        yield client
