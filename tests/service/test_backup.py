"""Backups of both databases, into both: everything comes back, or nothing changes."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import sqlite3
import stat
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.types import JSON, BigInteger, Boolean, Double, Integer, LargeBinary

from sightline.errors import InputError, SightlineError, StateError
from sightline.service.backup.archive import ArchiveWriter, Manifest
from sightline.service.backup.backup import back_up
from sightline.service.backup.restore import restore
from sightline.service.config import Config
from sightline.service.disk import new_file
from sightline.service.occupancy import Occupancy
from sightline.service.store.database import Database
from sightline.service.store.tables import metadata
from tests.service.postgres import PostgresServer

NOW = 1_790_000_000.0
Rows = dict[str, list[str]]


def quiet(_what: str, _done: int, _total: int) -> None:
    """Nobody follows."""


def settings(folder: Path, url: str | None = None, **more: Any) -> Config:
    folder.mkdir(exist_ok=True)
    storage = {"url": url or f"sqlite:///{folder / 'store.db'}", "folder": str(folder / "files")}
    return Config.model_validate({"storage": storage, **more})


def rows_of(config: Config) -> Rows:
    database = Database(config.storage.url.get_secret_value())
    try:
        with database.reading() as session:
            return {
                name: sorted(repr(tuple(row)) for row in session.execute(select(table)))
                for name, table in metadata.tables.items()
            }
    finally:
        database.close()


def files_of(config: Config) -> dict[str, bytes]:
    folder = Path(config.storage.folder)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def fill(config: Config, count: int = 120) -> None:
    """Rows in every table, more than come over at once, and files of two jobs and an event."""
    database = Database(config.storage.url.get_secret_value())
    database.migrate()
    with database.session() as session:
        for table in metadata.tables.values():
            session.execute(
                insert(table),
                [{c.name: value(c.type, c.name, n) for c in table.columns} for n in range(count)],
            )
    database.close()
    folder = Path(config.storage.folder)
    for name, content in {
        "jobs/00000/input": b"video" * 1000,
        "jobs/00000/checkpoint": b"half way",
        "jobs/00001/input": b"film",
        "jobs/00001/tracks.jsonl": b"{}\n",
        "jobs/00001/video.partial": b"not yet",
        "jobs/of-nobody/input": b"an upload that is under way",
        "pictures/yard/20260501T06/event.jpg": bytes(range(256)),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def value(kind: Any, name: str, number: int) -> Any:
    if name == "state":
        return "DONE" if number else "RUNNING"
    if isinstance(kind, JSON):
        return {"name": "ü", "items": [number, None, 0.1]} if number else [None]
    if isinstance(kind, Boolean):
        return number % 2 == 0
    if isinstance(kind, Double):
        return NOW + number / 7
    if isinstance(kind, BigInteger | Integer):
        return 60 * number
    if isinstance(kind, LargeBinary):
        return hashlib.sha256(str(number).encode()).digest() * 9
    return f"{number:05}"


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], Config]:
    """Settings with an empty store of each kind."""

    def configure(name: str) -> Config:
        if request.param == "sqlite":
            return settings(tmp_path / name)
        server: PostgresServer = request.getfixturevalue("postgres")
        return settings(tmp_path / name, server.create())

    return configure


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A backup of a filled store."""
    config = settings(tmp_path / "origin")
    fill(config)
    back_up(config, tmp_path / "a.tar", quiet, NOW)
    return tmp_path / "a.tar"


def test_everything_comes_back_from_either_database_into_either(
    make: Callable[[str], Config], tmp_path: Path
) -> None:
    origin = make("origin")
    fill(origin)
    out = tmp_path / "a.tar"
    manifest = back_up(origin, out, quiet, NOW)
    assert set(manifest.rows.values()) == {120}
    for target in (make("same"), settings(tmp_path / "other")):
        restore(target, out, quiet, replace=False)
        assert rows_of(target) == rows_of(origin)
        files = files_of(origin)
        for left_out in (
            "jobs/00000/checkpoint",
            "jobs/00001/video.partial",
            "jobs/of-nobody/input",
        ):
            del files[left_out]
        assert files_of(target) == files


def test_a_backup_of_sqlite_goes_into_postgresql(
    archive: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    target = settings(tmp_path / "new", postgres.create())
    restore(target, archive, quiet, replace=False)
    assert rows_of(target) == rows_of(settings(tmp_path / "origin"))


def test_other_programs_can_check_a_backup(archive: Path, tmp_path: Path) -> None:
    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    folder = tmp_path / "unpacked"
    folder.mkdir()
    subprocess.run(["tar", "--extract", "--file", archive, "--directory", folder], check=True)
    subprocess.run(["sha256sum", "--check", "--quiet", "manifest.sha256"], cwd=folder, check=True)
    manifest = json.loads((folder / "manifest.json").read_text())
    for entry in manifest["files"]:
        data = (folder / entry["name"]).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["bytes"], entry["sha256"])
    assert {path.name for path in folder.iterdir()} == {
        "store.db", "files", "config.yaml", "manifest.json", "manifest.sha256",
    }  # fmt: skip


def test_configuration_in_a_backup_holds_no_secret(tmp_path: Path) -> None:
    stream = {"id": "a", "url": "rtsp://me:hunter2@10.0.0.5/x?token=hunter3", "enabled": False}
    alert = {
        "id": "b",
        "webhook": {"url": "https://hook.example/hunter4", "secret": "hunter5hunter"},
    }
    token = "hunter6 hunter6 hunter6 hunter6"
    config = settings(
        tmp_path / "origin", streams=[stream], alerts=[alert], auth={"admin_token": token}
    )
    fill(config)
    back_up(config, tmp_path / "a.tar", quiet, NOW)
    with tarfile.open(tmp_path / "a.tar") as opened:
        file = opened.extractfile("config.yaml")
        assert file is not None
        text = file.read().decode()
    assert "10.0.0.5" in text
    assert "hunter" not in text


def test_a_file_that_is_there_is_not_replaced(archive: Path, tmp_path: Path) -> None:
    before = archive.read_bytes()
    with pytest.raises(InputError, match="exists"):
        back_up(settings(tmp_path / "origin"), archive, quiet, NOW)
    assert archive.read_bytes() == before


@pytest.mark.parametrize("phase", ["store", "files"])
def test_an_interrupted_backup_leaves_nothing(phase: str, archive: Path, tmp_path: Path) -> None:
    def stop(what: str, _done: int, _total: int) -> None:
        if what == phase:
            raise KeyboardInterrupt

    out = tmp_path / "backups"
    out.mkdir()
    with pytest.raises(KeyboardInterrupt):
        back_up(settings(tmp_path / "origin"), out / "b.tar", stop, NOW)
    assert list(out.iterdir()) == []


def cut(data: bytes, where: float) -> bytes:
    return data[: int(len(data) * where)]


def flip(data: bytes, where: int) -> bytes:
    return data[:where] + bytes([data[where] ^ 1]) + data[where + 1 :]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"",
        lambda data: b"no archive at all" * 100,
        lambda data: cut(data, 0.5),
        lambda data: cut(data, 0.99),
        lambda data: flip(data, 50_000),
        lambda data: flip(data, data.index(b"video")),
        lambda data: flip(data, data.index(b"files/jobs")),
        lambda data: flip(data, data.index(b'"made_at": "2026') + 13),
        lambda data: flip(data, data.index(b"  manifest.json") - 3),
    ],
    ids=["empty", "foreign", "half", "cut", "store", "file", "name", "manifest", "sum"],
)
def test_a_damaged_archive_changes_nothing(
    change: Callable[[bytes], bytes], archive: Path, tmp_path: Path
) -> None:
    target = settings(tmp_path / "target")
    fill(target, 3)
    before = rows_of(target), files_of(target)
    archive.write_bytes(change(archive.read_bytes()))
    with pytest.raises(InputError, match="nothing was changed") as caught:
        restore(target, archive, quiet, replace=True)
    assert "\n" not in str(caught.value)
    assert (rows_of(target), files_of(target)) == before
    assert sorted(path.name for path in Path(target.storage.folder).iterdir()) == [
        "jobs",
        "pictures",
    ]


@pytest.mark.parametrize("name", ["../store.db", "/etc/passwd", "files/../../x", "store.db"])
def test_an_archive_writes_nowhere_else(name: str, archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive, "a") as opened:
        member = tarfile.TarInfo(name)
        member.size = 3
        opened.addfile(member, io.BytesIO(b"bad"))
    with pytest.raises(InputError, match="does not belong"):
        restore(settings(tmp_path / "target"), archive, quiet, replace=False)


def test_a_link_in_an_archive_is_refused(archive: Path, tmp_path: Path) -> None:
    with tarfile.open(archive, "a") as opened:
        member = tarfile.TarInfo("files/jobs")
        member.type, member.linkname = tarfile.SYMTYPE, "/etc"
        opened.addfile(member)
    with pytest.raises(InputError, match="no plain file"):
        restore(settings(tmp_path / "target"), archive, quiet, replace=False)


def test_only_asked_for_it_replaces_what_is_there(
    make: Callable[[str], Config], archive: Path, tmp_path: Path
) -> None:
    target = make("target")
    fill(target, 3)
    before = rows_of(target), files_of(target)
    with pytest.raises(StateError, match="--replace"):
        restore(target, archive, quiet, replace=False)
    assert (rows_of(target), files_of(target)) == before
    restore(target, archive, quiet, replace=True)
    assert rows_of(target) == rows_of(settings(tmp_path / "origin"))
    assert "jobs/of-nobody/input" not in files_of(target)


def test_a_service_that_runs_is_left_alone(archive: Path, tmp_path: Path) -> None:
    target = settings(tmp_path / "target")
    Path(target.storage.folder).mkdir()
    running = Occupancy(Path(target.storage.folder))
    running.take()
    with pytest.raises(StateError, match="in use"):
        restore(target, archive, quiet, replace=True)
    running.give_back()
    restore(target, archive, quiet, replace=True)


def test_a_service_of_another_machine_is_seen_in_postgresql(
    archive: Path, tmp_path: Path, postgres: PostgresServer
) -> None:
    target = settings(tmp_path / "target", postgres.create())
    service = Database(target.storage.url.get_secret_value())
    service.migrate()
    with service.reading(), pytest.raises(StateError, match="connected"):
        restore(target, archive, quiet, replace=True)
    service.close()
    restore(target, archive, quiet, replace=True)


@pytest.mark.parametrize("when", ["checking", "store", "swap", "commit"])
def test_whatever_fails_the_old_state_stays(
    when: str,
    make: Callable[[str], Config],
    archive: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = make("target")
    fill(target, 3)
    before = rows_of(target), files_of(target)

    def stop(what: str, done: int, total: int) -> None:
        if what == when and (what == "checking" or done == total):
            raise KeyboardInterrupt

    rename = Path.rename

    def refuse(self: Path, to: Path) -> Path:
        if self.name == "pictures" and ".restore-" in str(self):
            raise KeyboardInterrupt
        return rename(self, to)

    def fail(_session: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if when == "swap":
            patch.setattr(Path, "rename", refuse)
        if when == "commit":
            patch.setattr("sqlalchemy.orm.Session.commit", fail)
        with pytest.raises(KeyboardInterrupt):
            restore(target, archive, stop, replace=True)
    assert (rows_of(target), files_of(target)) == before
    restore(target, archive, quiet, replace=True)


def test_a_damaged_store_is_to_be_moved_away(archive: Path, tmp_path: Path) -> None:
    target = settings(tmp_path / "target")
    file = tmp_path / "target" / "store.db"
    file.write_bytes(b"scrambled" * 1000)
    with pytest.raises(StateError, match="move it away"):
        restore(target, archive, quiet, replace=True)
    shutil.move(file, tmp_path / "aside")
    restore(target, archive, quiet, replace=False)
    assert rows_of(target) == rows_of(settings(tmp_path / "origin"))


def test_a_backup_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    """A file without tables is the version before the first."""
    store = tmp_path / "older.db"
    with closing(sqlite3.connect(store)) as opened:
        opened.execute("VACUUM")
    with new_file(tmp_path / "a.tar") as file, store.open("rb") as source:
        archive = ArchiveWriter(file, NOW, lambda _count: None)
        archive.add("store.db", source, store.stat().st_size)
        archive.finish(
            Manifest(
                format=1,
                sightline="0.0.1",
                schema_version="0000",
                made_at="2026-05-01T06:00:00+00:00",
                rows={},
                files=archive.entries,
            )
        )
    target = settings(tmp_path / "target")
    fill(target, 3)
    restore(target, tmp_path / "a.tar", quiet, replace=True)
    assert not any(rows_of(target).values())


def test_a_backup_of_a_newer_version_is_refused(archive: Path, tmp_path: Path) -> None:
    origin = settings(tmp_path / "origin")
    shutil.copytree(tmp_path / "origin", tmp_path / "newer")
    newer = settings(tmp_path / "newer")
    out = tmp_path / "b.tar"
    with pytest.MonkeyPatch.context() as patch:
        # What a later program's store would say of itself.
        patch.setattr("sightline.service.backup.backup.schema_version", _from_the_future)
        back_up(newer, out, quiet, NOW)
    with pytest.raises(SightlineError, match="newer version"):
        restore(origin, out, quiet, replace=True)
    assert len(rows_of(origin)["events"]) == 120


def _from_the_future(session: Any) -> str:
    session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    return "9999"
