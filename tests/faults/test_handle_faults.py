"""A service that has no file handles left, and gets some again."""

from __future__ import annotations

import os
import resource
import signal
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx

from tests.e2e.running_service import RunningService, following
from tests.faults.probing import engine_process, reader_processes
from tests.service.http_sources import HttpSources
from tests.video.conftest import numbered_picture


def test_without_file_handles_nothing_ends_and_with_them_all_is_as_before(tmp_path: Path) -> None:
    with ExitStack() as stack:
        sources = stack.enter_context(HttpSources())
        cameras = [
            {
                "id": name,
                "url": sources.add_camera(name, numbered_picture, fps=10),
                "process_fps": 2,
                "reconnect": {"first": 0.2, "longest": 0.5},
            }
            for name in ("first", "second")
        ]
        service = stack.enter_context(RunningService(tmp_path, {"streams": cameras}))
        client = stack.enter_context(service.client())
        for name in ("first", "second"):
            with following(client, f"/v1/streams/{name}") as until:
                until(lambda view: view["processing"])
        reader = min(reader_processes(service))
        engine = engine_process(service)
        with without_handles(service.pid):
            host, _, port = service.url.removeprefix("http://").partition(":")
            for _ in range(20):
                stack.enter_context(socket.create_connection((host, int(port))))
            os.kill(reader, signal.SIGKILL)
            os.kill(engine, signal.SIGKILL)
            with following(client, "/v1/streams") as until:
                until(lambda answer: "Too many open files" in str(answer))
            with following(client, "/v1/models") as until:
                until(lambda answer: answer["last_error"].endswith("Too many open files"))
        for name in ("first", "second"):
            wait_until_tracked_again(client, name)
        with service.client() as another:
            assert another.get("/readyz").status_code == 200
        assert service.end() == 0


def wait_until_tracked_again(client: httpx.Client, name: str) -> None:
    with following(client, f"/v1/streams/{name}") as until:
        seen = until(lambda view: view["status"]["state"] == "RUNNING")["processing"]["processed"]
        until(lambda view: view["processing"]["processed"] > seen + 2)


@contextmanager
def without_handles(process: int) -> Iterator[None]:
    """A process may open no file more than it has open."""
    limits = resource.prlimit(process, resource.RLIMIT_NOFILE)
    highest = max(int(path.name) for path in Path(f"/proc/{process}/fd").iterdir())
    resource.prlimit(process, resource.RLIMIT_NOFILE, (highest + 1, limits[1]))
    yield
    resource.prlimit(process, resource.RLIMIT_NOFILE, limits)
