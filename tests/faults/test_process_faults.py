"""Processes of a running service that are killed, stopped and continued, with people in view."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.e2e.running_service import RunningService, following, wait_for
from tests.faults.probing import engine_process, metric, plaza_picture, reader_processes
from tests.service.http_sources import HttpSources

# Seconds; longer than cameras may be silent here.
_PAUSE = float(os.environ.get("SIGHTLINE_PAUSE", "4"))


def test_whatever_process_is_killed_or_stopped_people_keep_their_ids_and_visits(
    tmp_path: Path, shared: Path
) -> None:
    picture = plaza_picture(shared)
    everywhere = {"id": "plaza", "points": [[0, 0], [1, 0], [1, 1], [0, 1]], "dwell": 4}
    with HttpSources() as sources:
        camera = {
            "id": "still",
            "url": sources.add_camera("still", lambda _: picture, fps=8),
            "timeout": 1.0,
            "process_fps": 4,
            "reconnect": {"first": 0.2, "longest": 0.5},
            "zones": [everywhere],
        }
        config = {"detector": {"classes": ["person"]}, "streams": [camera]}
        with RunningService(tmp_path, config) as service, service.client() as client:
            people = settled(client)

            os.kill(engine_process(service), signal.SIGKILL)
            wait_for_detector(client, restarts=1, error="it was ended by SIGKILL")
            assert settled(client) == people

            os.kill(engine_process(service), signal.SIGSTOP)
            wait_for_detector(client, restarts=2, error="it hung")
            assert settled(client) == people

            (reader,) = reader_processes(service)
            os.kill(reader, signal.SIGSTOP)
            wait_for(lambda: not Path(f"/proc/{reader}").exists(), "the reader was replaced")
            assert settled(client) == people
            (again,) = reader_processes(service)
            assert again != reader
            interrupted = interruptions(client)
            assert interrupted >= 1

            with paused({service.pid}):
                pass
            assert settled(client) == people
            with paused(service.processes()):
                pass
            assert settled(client) == people

            assert reader_processes(service) == {again}
            assert client.get("/v1/models").json()["restarts"] == 2
            assert_told_once(client, people)
            assert service.end() == 0


def settled(client: httpx.Client) -> set[str]:
    """Who is in view, after some more frames: everybody for longer than a visit needs to count."""
    path = "/v1/streams/still/tracks"
    newest = client.get(path).json()["sequence"]

    def goes_on(answer: Any) -> bool:
        tracks = answer["tracks"]
        return (
            answer["sequence"] > newest + 4
            and len(tracks) > 2
            and all(track["seen"] and track["seconds"] > 5 for track in tracks)
        )

    with following(client, path) as until:
        return {track["id"] for track in until(goes_on)["tracks"]}


def wait_for_detector(client: httpx.Client, restarts: int, error: str) -> None:
    with following(client, "/v1/models") as until:
        report = until(
            lambda answer: (answer["restarts"], answer["state"]) == (restarts, "RUNNING")
        )
    assert report["last_error"].startswith(error)


def interruptions(client: httpx.Client) -> float:
    return metric(client, "sightline_stream_interruptions_total", stream="still")


@contextmanager
def paused(processes: set[int]) -> Iterator[None]:
    """Stop them for some seconds, as a debugger does, or a machine that is suspended."""
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    end = time.monotonic() + _PAUSE
    wait_for(lambda: time.monotonic() > end, "the end of the pause")
    yield
    for process in processes:
        os.kill(process, signal.SIGCONT)


def assert_told_once(client: httpx.Client, people: set[str]) -> None:
    """Nobody started, came in or stayed twice, and nobody left."""
    with following(client, "/v1/events?kind=zone_dwell&limit=500") as until:
        until(lambda answer: {event["track"] for event in answer["items"]} >= people)
    events = client.get("/v1/events?limit=500").json()["items"]
    told = Counter((event["kind"], event["track"]) for event in events if event.get("track"))
    for kind in ("track_start", "zone_enter", "zone_dwell"):
        assert {person: told[kind, person] for person in people} == dict.fromkeys(people, 1)
    assert not any(told[kind, person] for kind in ("track_end", "zone_exit") for person in people)
    entered = sum(count for (kind, _), count in told.items() if kind == "zone_enter")
    counts = client.get("/v1/counts?bucket=1h&kind=zone_enter").json()["items"]
    assert sum(row["count"] for row in counts) == entered
