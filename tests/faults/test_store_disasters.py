"""A disk that is full, a server that is gone, a damaged file: for real, under a service at work."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

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
from tests.service.postgres import PostgresServer

_DISK = 8 << 20
_HEAD = 4096


def test_on_a_full_disk_nothing_stops_and_events_are_stored_when_there_is_room(
    tmp_path: Path, shared: Path
) -> None:
    with ExitStack() as stack:
        disk = stack.enter_context(small_disk(tmp_path / "disk"))
        storage = {"url": f"sqlite:///{disk / 'store.db'}", "folder": str(disk / "files")}
        plaza, client, service = watched_plaza(stack, tmp_path, shared, storage)
        first = in_view(client, set())
        wait_until_stored(client, first)

        with filled(disk):
            wait_for_failures(client)
            second = another_crowd(client, plaza, first)
            wait_for_waiting(client, len(second))
            assert client.get("/v1/events").status_code == 200

        wait_until_stored(client, second)
        assert_nothing_was_lost_or_doubled(client)
        assert service.end() == 0
        said = [line for line in service.log.read_text().splitlines() if "kept in memory" in line]
        assert len(said) == 1
        assert "is full" in said[0]


def test_a_database_server_that_is_gone_gets_everything_when_it_is_back(
    tmp_path: Path, shared: Path, postgres: PostgresServer
) -> None:
    with ExitStack() as stack:
        storage = {"url": postgres.create(), "folder": str(tmp_path / "files")}
        plaza, client, service = watched_plaza(stack, tmp_path, shared, storage)
        first = in_view(client, set())
        wait_until_stored(client, first)
        postgres.kill()
        try:
            wait_for_failures(client)
            # Keys lie in the store, too: whoever was not there lately is not let in meanwhile.
            assert "store_gone" in client.get("/readyz").text
            assert client.get("/healthz").status_code == 200
            known = metric(client, "sightline_store_waiting", kind="events")
            plaza.is_empty = True
            wait_until_nobody_is_remembered(client)
            plaza.is_empty = False
            wait_for(lambda: tracks(client) > 2, "others come")
            wait_for_waiting(client, known + tracks(client))
        finally:
            postgres.start()
        wait_for(lambda: client.get("/v1/streams").status_code == 200, "it is back")
        second = in_view(client, first)
        wait_until_stored(client, second)
        assert_nothing_was_lost_or_doubled(client)
        assert service.end() == 0


def test_a_store_damaged_at_work_is_said_and_a_backup_brings_it_back(
    tmp_path: Path, shared: Path
) -> None:
    with ExitStack() as stack:
        store = tmp_path / "store.db"
        storage = {"url": f"sqlite:///{store}", "folder": str(tmp_path / "files")}
        _, client, service = watched_plaza(stack, tmp_path, shared, storage)
        first = in_view(client, set())
        wait_until_stored(client, first)
        backup = tmp_path / "backup.tar"
        assert sightline("backup", service, "--out", str(backup)).returncode == 0

        damage(store)
        wait_for(lambda: client.get("/v1/events").status_code == 503, "it is noticed")
        assert client.get("/v1/events").json()["code"] == "store_corrupt"
        before = metric(client, "sightline_frames_total", stream="plaza", outcome="processed")
        wait_for(
            lambda: metric(client, "sightline_frames_total", outcome="processed") > before + 4,
            "people are looked at all the same",
        )
        service.kill()

        refused = sightline("serve", service)
        assert refused.returncode == 2
        (line,) = refused.stderr.strip().splitlines()
        assert str(store) in line
        assert "damaged" in line
        for part in tmp_path.glob("store.db*"):
            part.rename(tmp_path / f"damaged-{part.name}")
        done = sightline("restore", service, "--replace", str(backup))
        assert done.returncode == 0, done.stderr
        service.start()
        with service.client() as again:
            assert stored_tracks(again) >= first
            wait_until_stored(again, in_view(again, set()))
            assert service.end() == 0


def watched_plaza(
    stack: ExitStack, folder: Path, shared: Path, storage: dict[str, Any]
) -> tuple[Plaza, httpx.Client, RunningService]:
    """A service with one camera, and its store where a test wants it."""
    plaza = Plaza(plaza_picture(shared))
    url = stack.enter_context(HttpSources()).add_camera("plaza", plaza.draw, fps=RATE)
    config = {
        "detector": {"classes": ["person"]},
        "streams": [{"id": "plaza", "url": url, "process_fps": 4}],
        "storage": storage,
    }
    service = stack.enter_context(RunningService(folder, config))
    return plaza, stack.enter_context(service.client()), service


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of its own with little room, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"a disk can be mounted by root alone ({error})")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def filled(disk: Path) -> Iterator[None]:
    """No byte is free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    try:
        yield
    finally:
        filler.unlink()


def damage(store: Path) -> None:
    """Have all written into the file, then overwrite it behind its head, as a dying disk does."""
    with closing(sqlite3.connect(store, timeout=30)) as other:
        (is_busy, _, _) = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    assert not is_busy
    with store.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(_HEAD)
        file.write(os.urandom(size - _HEAD))


def another_crowd(client: httpx.Client, plaza: Plaza, before: set[str]) -> set[str]:
    """All leave, and others come."""
    plaza.is_empty = True
    wait_until_forgotten(client)
    plaza.is_empty = False
    return in_view(client, before)


def wait_until_nobody_is_remembered(client: httpx.Client) -> None:
    """By metrics, for which no key is needed."""

    def looked_at() -> float:
        return metric(client, "sightline_frames_total", outcome="processed")

    wait_for(lambda: not tracks(client), "all left")
    since = looked_at()
    wait_for(lambda: looked_at() > since + 4 * RATE, "they are forgotten")


def tracks(client: httpx.Client) -> float:
    return metric(client, "sightline_tracks", stream="plaza")


def wait_for_failures(client: httpx.Client) -> None:
    wait_for(lambda: metric(client, "sightline_store_failures_total") > 0, "the store fails")


def wait_for_waiting(client: httpx.Client, events: float) -> None:
    wait_for(
        lambda: metric(client, "sightline_store_waiting", kind="events") >= events, "events wait"
    )


def assert_nothing_was_lost_or_doubled(client: httpx.Client) -> None:
    assert metric(client, "sightline_store_lost_total", kind="events") == 0
    tracks = [event["track"] for event in started(client)]
    assert len(set(tracks)) == len(tracks)
    with following(client, "/v1/counts?bucket=1h&kind=track_start") as until:
        until(lambda answer: sum(row["count"] for row in answer["items"]) in (0, len(tracks)))


def sightline(
    command: str, service: RunningService, *arguments: str
) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "sightline", command, "--config", str(service.config)]
    return subprocess.run(
        [*words, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
