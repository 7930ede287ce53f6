"""A consistent copy of everything that a service keeps, while it runs."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr

import sightline
from sightline.errors import InputError
from sightline.service.backup.archive import CONFIG, FILES, STORE, ArchiveWriter, Manifest
from sightline.service.config import Config
from sightline.service.disk import is_full, new_file
from sightline.service.errors import FullError
from sightline.service.jobs.folder import JobFolder
from sightline.service.store.copying import copy_rows, count_rows, schema_version
from sightline.service.store.database import Database
from sightline.service.store.jobs import list_jobs

__all__ = ["OnProgress", "back_up"]

OnProgress = Callable[[str, int, int], None]
"""Told what is under way, how much of it is done, and how much there is; may raise to stop."""

_HIDDEN = "(secret, left out)"


def back_up(config: Config, out: Path, on_progress: OnProgress, now: float) -> Manifest:
    """Write everything that a service keeps into one new file, readable by its owner alone.

    The store is read in one transaction, that is as it was at one moment, and written as a file
    of SQLite whatever the service uses. Files are complete ones of jobs that it knows, and event
    pictures; a job that is under way comes with its video, and begins again where it is restored.

    Args:
        config: Of the service, which may run.
        out: The archive; appears once it is complete.
        on_progress: What it raises ends the work, and nothing is left behind.
        now: UNIX seconds.

    Raises:
        InputError: There is such a file already, or it cannot be made there.
        StoreError: The store cannot be read, or is not of this version.
        FullError: The disk is full.
    """
    if out.exists():
        raise InputError(f"{out} exists; name a new file, a backup replaces none")
    try:
        with (
            tempfile.TemporaryDirectory(prefix=".sightline-backup-", dir=out.parent) as scratch,
            new_file(out) as file,
        ):
            store = Path(scratch) / STORE
            database = Database(config.storage.url.get_secret_value())
            try:
                rows, version, unfinished, known = _copy_store(database, store, on_progress)
            finally:
                database.close()
            files = dict(_files(Path(config.storage.folder), unfinished, known))
            sizes = _sizes([store, *files])
            report = _Report(on_progress, sum(sizes.values()))
            archive = ArchiveWriter(file, now, report)
            _add(archive, STORE, store)
            for path, name in files.items():
                _add(archive, name, path)
            settings = Path(scratch) / CONFIG
            settings.write_text(_readable(config), encoding="utf-8")
            _add(archive, CONFIG, settings)
            manifest = Manifest(
                format=1,
                sightline=sightline.__version__,
                schema_version=version,
                made_at=datetime.fromtimestamp(now, UTC).isoformat(),
                rows=rows,
                files=archive.entries,
            )
            archive.finish(manifest)
    except OSError as error:
        if is_full(error):
            raise FullError(f"there is no room left for {out}; nothing was written") from error
        raise InputError(f"{out} cannot be written: {error.strerror or error}") from error
    return manifest


class _Report:
    """Adds up bytes for who follows them."""

    def __init__(self, on_progress: OnProgress, total: int) -> None:
        self._on_progress = on_progress
        self._total = total
        self._done = 0

    def __call__(self, count: int) -> None:
        self._done += count
        self._on_progress("files", self._done, self._total)


def _copy_store(
    database: Database, file: Path, on_progress: OnProgress
) -> tuple[dict[str, int], str, set[str], set[str]]:
    """All rows as they are at one moment; rows, version, jobs that have not ended, all jobs."""
    database.check()
    copy = Database(f"sqlite:///{file.absolute()}")
    try:
        copy.migrate()
        with database.reading() as source, copy.session() as target:
            total = sum(count_rows(source).values())
            done = 0

            def count(rows: int) -> None:
                nonlocal done
                done += rows
                on_progress("store", done, total)

            rows = copy_rows(source, target, count)
            version = schema_version(target)
        unfinished, known = _jobs(copy)
        copy.empty_log()
    finally:
        copy.close()
    return rows, version, unfinished, known


def _jobs(database: Database) -> tuple[set[str], set[str]]:
    unfinished: set[str] = set()
    known: set[str] = set()
    cursor: str | None = None
    while True:
        with database.reading() as session:
            page = list_jobs(session, cursor=cursor)
        known |= {job.id for job in page.items}
        unfinished |= {job.id for job in page.items if job.state in ("QUEUED", "RUNNING")}
        cursor = page.next_cursor
        if cursor is None:
            return unfinished, known


def _files(folder: Path, unfinished: set[str], known: set[str]) -> Iterator[tuple[Path, str]]:
    """What is kept of the folder, with its names in the archive."""
    for job in sorted(known):
        place = folder / "jobs" / job
        inside = [JobFolder(place).input] if job in unfinished else _below(place)
        for path in inside:
            if _is_complete(path):
                yield path, f"{FILES}/{path.relative_to(folder).as_posix()}"
    for path in _below(folder / "pictures"):
        if _is_complete(path):
            yield path, f"{FILES}/{path.relative_to(folder).as_posix()}"


def _below(folder: Path) -> list[Path]:
    # Folders that vanish meanwhile are passed over, which `rglob` does not do.
    return sorted(Path(place, name) for place, _, names in os.walk(folder) for name in names)


def _is_complete(path: Path) -> bool:
    return path.suffix != ".partial" and path.is_file() and not path.is_symlink()


def _sizes(paths: list[Path]) -> dict[Path, int]:
    return {path: path.stat().st_size for path in paths if path.exists()}


def _add(archive: ArchiveWriter, name: str, path: Path) -> None:
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return  # retention or its owner deleted it meanwhile
    with source:
        archive.add(name, source, os.fstat(source.fileno()).st_size)


def _readable(config: Config) -> str:
    """The effective configuration as YAML, for people; what is secret is not in it."""
    values = _without_secrets(config.model_dump())
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _without_secrets(value: Any) -> Any:
    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, dict):
        plain = {key: _without_secrets(one) for key, one in value.items()}
        # The query of an address may hold a token.
        if isinstance(plain.get("url"), str) and "?" in plain["url"]:
            plain["url"] = f"{plain['url'].partition('?')[0]}?{_HIDDEN}"
        return plain
    if isinstance(value, list | tuple):
        return [_without_secrets(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else str(value)
