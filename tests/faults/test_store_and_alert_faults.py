"""A store that somebody holds, and webhooks that refuse, dawdle and lie, while people pass."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx

from tests.e2e.running_service import RunningService, following, wait_for
from tests.faults.plaza import (
    RATE,
    Plaza,
    in_view,
    started,
    stored_tracks,
    wait_until_forgotten,
    wait_until_stored,
)
from tests.faults.probing import metric, plaza_picture
from tests.service.http_sources import HttpSources
from tests.service.receivers import Answer, Receiver, status


def test_a_locked_store_and_bad_webhooks_lose_no_event(tmp_path: Path, shared: Path) -> None:
    plaza = Plaza(plaza_picture(shared))
    released = threading.Event()
    answers: dict[str, Answer] = {
        "prompt": status(204),
        "refusing": changing(status(503), status(429, Retry_After="1"), status(204)),
        "lying": changing(nonsense, hang_up, status(302, Location="/elsewhere"), status(204)),
        "slow": slow(released),
    }
    with ExitStack() as stack:
        sources = stack.enter_context(HttpSources())
        receivers = {
            name: stack.enter_context(Receiver(answer).running())
            for name, answer in answers.items()
        }
        stack.callback(released.set)
        url = sources.add_camera("plaza", plaza.draw, fps=RATE)
        config = {
            "detector": {"classes": ["person"]},
            "streams": [{"id": "plaza", "url": url, "process_fps": 4}],
            "alerts": [
                {
                    "id": name,
                    "webhook": {"url": receiver.url, "secret": "hush, hush"},
                    "kinds": ["track_start"],
                }
                for name, receiver in receivers.items()
            ],
        }
        service = stack.enter_context(RunningService(tmp_path, config))
        client = stack.enter_context(service.client())
        first = in_view(client, set())
        wait_until_stored(client, first)

        with locked(tmp_path / "store.db"):
            plaza.is_empty = True
            wait_until_forgotten(client)
            plaza.is_empty = False
            second = in_view(client, first)
            wait_for(
                lambda: metric(client, "sightline_store_failures_total") > 0, "the store was tried"
            )
            assert metric(client, "sightline_store_waiting", kind="events") >= len(second)
            assert not stored_tracks(client) & second

        wait_until_stored(client, second)
        assert metric(client, "sightline_store_lost_total", kind="events") == 0
        events = started(client)
        assert len({event["track"] for event in events}) == len(events)
        wanted = {event["id"] for event in events}
        for name in ("prompt", "refusing", "lying"):
            wait_until_told(receivers[name], wanted)
        assert not told_to_the_end(client, "slow") & wanted
        released.set()
        with following(client, "/v1/alerts/slow/deliveries?state=pending") as until:
            until(lambda answer: not answer["items"])
        assert told(receivers["slow"]) >= wanted
        for name in answers:
            assert not client.get(f"/v1/alerts/{name}/deliveries?state=dead").json()["items"]
        assert service.end() == 0


def changing(*answers: Answer) -> Answer:
    """The first answers one after the other, the last from then on."""
    left = list(answers)
    taking = threading.Lock()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        with taking:
            chosen = left.pop(0) if len(left) > 1 else left[0]
        chosen(handler)

    return answer


def nonsense(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"204 all is well, believe me\r\n\r\n")


def hang_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.close()


def slow(released: threading.Event) -> Answer:
    """No answer until then."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        released.wait()
        status(204)(handler)

    return answer


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the store as a program does that writes into it."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def told(receiver: Receiver) -> set[str]:
    return {json.loads(body)["event"]["id"] for body in receiver.bodies}


def wait_until_told(receiver: Receiver, events: set[str]) -> None:
    wait_for(lambda: told(receiver) >= events, "it is told")


def told_to_the_end(client: httpx.Client, alert: str) -> set[str]:
    answer = client.get(f"/v1/alerts/{alert}/deliveries?state=delivered&limit=500").json()
    return {delivery["event"] for delivery in answer["items"]}
