"""Starts and ends of the service, the clean ones and the others, with cameras running."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.running_service import RunningService, following, wait_for
from tests.service.conftest import RenderNumbers, ServeRtsp

PERSON = {"detector": {"classes": ["person"]}}


def plaza(shared: Path, **more: Any) -> dict[str, Any]:
    """A camera that shows real people again and again."""
    path = shared / "data" / "clips" / "vtest.avi"
    return {"id": "plaza", "url": str(path), "loop": True, **more}


def tracked(client: httpx.Client, *streams: str) -> None:
    """Wait until every stream has had people in its picture."""
    for stream in streams:
        with following(client, f"/v1/streams/{stream}") as until:
            until(lambda answer: answer["processing"] and answer["processing"]["tracks"] > 2)


def test_first_start_prints_a_token_once_and_later_starts_take_it(tmp_path: Path) -> None:
    with RunningService(tmp_path, {}) as service:
        token = service.token
        assert token
        with service.client() as client:
            assert client.get("/v1/streams").json()["items"] == []
        assert service.end() == 0
        service.token = ""
        service.start()
        assert service.token == ""
        with service.client(token) as client:
            assert client.get("/v1/keys").status_code == 200
    assert token not in service.log.read_text()


def test_terminated_under_load_it_ends_cleanly_and_leaves_nobody_behind(
    tmp_path: Path, shared: Path
) -> None:
    cameras = [plaza(shared, process_fps=5), plaza(shared, id="again", process_fps=5)]
    with RunningService(tmp_path, {**PERSON, "streams": cameras}) as service:
        with service.client() as client:
            tracked(client, "plaza", "again")
            family = service.processes()
            assert len(family) >= 4
            with client.stream("GET", "/v1/streams/plaza/live.mjpeg") as pictures:
                assert next(pictures.iter_bytes())
                # Ten seconds are what `docker stop` gives.
                assert service.end(timeout=10) == 0
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "all ended")
    assert not (tmp_path / "store.db-wal").exists()
    with closing(sqlite3.connect(tmp_path / "store.db")) as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert not list(Path("/dev/shm").glob(f"sightline-{service.pid}-*"))


def test_after_a_power_cut_people_keep_their_numbers_and_events_are_neither_lost_nor_doubled(
    tmp_path: Path, shared: Path
) -> None:
    line = {"id": "middle", "points": [[0.5, 0.0], [0.5, 1.0]]}
    camera = plaza(shared, process_fps=5, lines=[line])
    with RunningService(tmp_path, {**PERSON, "streams": [camera]}) as service:
        with service.client() as client:
            tracked(client, "plaza")
            with following(client, "/v1/events?kind=track_start&limit=500") as until:
                until(lambda answer: len(answer["items"]) >= 4)
            family = service.processes()
            before = client.get("/v1/events?limit=500").json()["items"]
        service.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in family), "all ended")
        service.start()
        with service.client() as client:
            tracked(client, "plaza")
            after = client.get("/v1/events?limit=500").json()["items"]
            counts = client.get("/v1/counts?bucket=1h").json()["items"]
            everything = client.get("/v1/events?limit=500").json()["items"]
    known = {event["id"] for event in after}
    # What was read was stored, and what is stored survives.
    assert {event["id"] for event in before} <= known
    starts = [event["track"] for event in after if event["kind"] == "track_start"]
    assert len(starts) == len(set(starts))
    counted = sum(row["count"] for row in counts if row["kind"] == "line_cross")
    assert counted <= sum(event["kind"] == "line_cross" for event in everything)


def test_cameras_of_two_sizes_and_one_that_dies_and_returns(
    tmp_path: Path,
    shared: Path,
    vtest_h264: Path,
    serve_rtsp: ServeRtsp,
    render_numbers: RenderNumbers,
) -> None:
    steady = serve_rtsp({"numbers": render_numbers(1500, 25, (320, 240))})
    mortal = serve_rtsp({"plaza": vtest_h264})
    config = {
        **PERSON,
        "streams": [
            {"id": "steady", "url": steady.url("numbers"), "process_fps": 5},
            {
                "id": "mortal",
                "url": mortal.url("plaza"),
                "timeout": 2,
                "process_fps": 5,
                "reconnect": {"first": 0.2, "longest": 0.5},
            },
        ],
    }
    with RunningService(tmp_path, config) as service, service.client() as client:
        tracked(client, "mortal")
        mortal.die()
        with following(client, "/v1/streams/mortal") as until:
            dead = until(lambda answer: answer["status"]["state"] == "BACKOFF")["status"]
            assert dead["error_code"] in ("stream_ended", "stream_timeout")
            during = client.get("/v1/streams/steady").json()["processing"]["processed"]
            mortal.start()
            until(lambda answer: answer["status"]["state"] == "RUNNING")
        tracked(client, "mortal")
        views = client.get("/v1/streams").json()["items"]
        with following(client, "/v1/streams/steady") as until:
            until(lambda answer: answer["processing"]["processed"] > during)
    assert [(view["id"], view["status"]["width"]) for view in views] == [
        ("mortal", 768),
        ("steady", 320),
    ]


@pytest.mark.parametrize(
    ("change", "code", "problem"),
    [
        ({"server": {"port": 0, "hots": 1}}, 2, "did you mean host"),
        ({"detector": {"model": "no-such-network"}}, 4, "no-such-network"),
        ({"storage": {"url": "sqlite:////proc/none/store.db"}}, 2, "/proc/none"),
        ({"streams": [{"id": "a", "url": "ftp://x/y"}]}, 2, "ftp"),
    ],
)
def test_a_wrong_configuration_is_one_line(
    tmp_path: Path, change: dict[str, Any], code: int, problem: str, start: Callable[..., Any]
) -> None:
    finished = start(tmp_path, change)
    assert finished.returncode == code
    assert problem in finished.stderr
    assert len(finished.stderr.strip().splitlines()) == 1


@pytest.fixture
def start() -> Callable[..., Any]:
    import subprocess
    import sys

    import yaml

    def run(folder: Path, change: dict[str, Any]) -> subprocess.CompletedProcess[str]:
        path = folder / "service.yaml"
        path.write_text(yaml.safe_dump({"server": {"port": 0}, **change}))
        command = [sys.executable, "-m", "sightline", "serve", "--config", str(path)]
        return subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=False, cwd=folder
        )

    return run
