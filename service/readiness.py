"""Whether a machine has what a configuration of the service asks of it, said before it runs."""

from __future__ import annotations

import os
import resource
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import SightlineError
from sightline.service.cameras.ring import FrameRing
from sightline.service.config import Config
from sightline.service.disk import RESERVE_BYTES
from sightline.service.live.listening import open_listener
from sightline.service.store.address import parse_store
from sightline.service.store.database import Database

__all__ = ["Finding", "examine"]

_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps shared memory
_PICTURE = (1080, 1920)
_RINGS = 2
"""Of a camera: of its frames, and while somebody watches, of what was looked at."""
_HANDLES = 256
"""Store, networks, clients of the interface."""
_HANDLES_OF_CAMERA = 16
"""Pipes, process, rings, the sockets of those who watch."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Args:
        name: What.
        is_fine: Whether the service can work with it.
        text: What was found, and where it is not fine, what to do.
    """

    name: str
    is_fine: bool
    text: str


def examine(config: Config) -> list[Finding]:
    """Look at shared memory, file handles, store, folder and port; nothing stays changed.

    Shared memory and handles are reckoned for the configured streams, one at least, with pictures
    of 1920×1080.
    """
    return [*_resources(max(len(config.streams), 1)), *_places(config)]


def _resources(streams: int) -> Iterator[Finding]:
    cameras = f"{streams} camera{'s' if streams > 1 else ''}"
    if _MEMORY.is_dir():
        ring = FrameRing.bytes_for(*_PICTURE)
        need, free = streams * _RINGS * ring, shutil.disk_usage(_MEMORY).free
        text = (
            f"{free >> 20} MiB free in {_MEMORY}; {need >> 20} MiB needed for {cameras} of "
            f"1920×1080 ({_RINGS} rings of {ring >> 20} MiB each)"
        )
        advice = "; give the container more (shm_size in docker-compose.yml, --shm-size)"
        yield Finding("shared memory", need <= free, text + advice * (need > free))
    need = _HANDLES + streams * _HANDLES_OF_CAMERA
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    is_enough = limit == resource.RLIM_INFINITY or limit >= need
    text = f"at most {limit}; about {need} needed for {cameras}"
    advice = "; raise the limit (ulimit -n, LimitNOFILE= of systemd, --ulimit nofile=)"
    yield Finding("file handles", is_enough, text + advice * (not is_enough))


def _places(config: Config) -> Iterator[Finding]:
    for name, look in (
        ("store", lambda: _store(config.storage.url.get_secret_value())),
        ("folder", lambda: _folder(Path(config.storage.folder).absolute())),
        ("port", lambda: _port(config.server.host, config.server.port)),
    ):
        yield _finding(name, look)


def _finding(name: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(name, True, look())
    except (SightlineError, OSError) as error:
        return Finding(name, False, str(error))


def _store(url: str) -> str:
    file = parse_store(url).file
    if file is not None and not file.exists():
        _check_writable(file.absolute().parent)
        return f"{file} will be made"
    database = Database(url)
    try:
        database.try_writing()
    finally:
        database.close()
    return f"{database.name} can be written"


def _folder(folder: Path) -> str:
    there = _check_writable(folder)
    free = shutil.disk_usage(there).free
    if free < RESERVE_BYTES:
        raise OSError(
            f"{folder}: {free >> 20} MiB free; uploads and pictures leave "
            f"{RESERVE_BYTES >> 20} MiB of the disk alone, so none would be kept"
        )
    return f"{folder}: {free >> 30} GiB free"


def _check_writable(folder: Path) -> Path:
    """The folder, or the nearest above it that is there, if files can be made in it."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        raise OSError(f"{there}: this user can make no files there; change its owner or its rights")
    return there


def _port(host: str, port: int) -> str:
    open_listener(host, port).close()
    return f"{host} port {port or 'of its choice'} is free"
