"""What is said of a machine before the service runs on it."""

from __future__ import annotations

import resource
import shutil
import socket
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.service.cameras.ring import FrameRing
from sightline.service.config import Config
from sightline.service.readiness import Finding, examine
from sightline.service.store.database import Database


class _Usage(NamedTuple):
    total: int
    used: int
    free: int


def settings(folder: Path, **server: Any) -> Config:
    streams = [{"id": f"c{n}", "url": f"rtsp://10.0.0.{n}/1"} for n in range(1, 5)]
    return Config.model_validate(
        {
            "server": {"port": 0} | server,
            "streams": streams,
            "storage": {"url": f"sqlite:///{folder / 's.db'}", "folder": str(folder / "data")},
        }
    )


def found(config: Config) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(config)}


def test_a_machine_that_has_everything_is_fine_and_stays_as_it_was(tmp_path: Path) -> None:
    config = settings(tmp_path)
    assert all(each.is_fine for each in found(config).values())
    assert list(tmp_path.iterdir()) == []
    database = Database(config.storage.url.get_secret_value())
    database.migrate()
    assert "can be written" in found(config)["store"].text
    with database.reading() as session:
        query = text("SELECT count(*) FROM sqlite_master WHERE name = 'sightline_doctor'")
        assert session.execute(query).scalar() == 0
    database.close()


def test_too_little_shared_memory_is_told_with_what_the_cameras_take(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need = 4 * 2 * FrameRing.bytes_for(1080, 1920)
    for free, is_fine in ((need, True), (need - 1, False)):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: _Usage(2**40, 0, free))
        assert found(settings(tmp_path))["shared memory"].is_fine is is_fine
    assert "shm_size" in found(settings(tmp_path))["shared memory"].text


def test_too_few_file_handles_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, is_fine in ((320, True), (319, False), (resource.RLIM_INFINITY, True)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, limit=limit: (limit, limit))
        assert found(settings(tmp_path))["file handles"].is_fine is is_fine


def test_a_taken_port_a_file_for_a_folder_and_a_damaged_store_are_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    (tmp_path / "s.db").write_text("no database" * 1000)
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen = found(settings(tmp_path, port=server.getsockname()[1]))
    assert not any(seen[name].is_fine for name in ("port", "folder", "store"))
    assert "server.port" in seen["port"].text
    assert str(tmp_path / "data") in seen["folder"].text
    assert str(tmp_path / "s.db") in seen["store"].text


def test_a_full_disk_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(2**40, 0, 2**20))
    assert "1 MiB free" in found(settings(tmp_path))["folder"].text
    assert not found(settings(tmp_path))["folder"].is_fine


def test_doctor_shows_the_findings(tmp_path: Path) -> None:
    file = tmp_path / "service.yaml"
    file.write_text(
        f"storage: {{url: 'sqlite:///{tmp_path}/gone/s.db', folder: '{tmp_path}/file/data'}}\n"
    )
    (tmp_path / "file").write_text("")
    shown = CliRunner().invoke(app, ["doctor", "--config", str(file)]).stdout
    assert "service: file handles" in shown
    assert "PROBLEM" in shown
