"""A backup back into a store and a folder, of the same kind or not: all of it, or nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sightline.errors import InputError, StateError
from sightline.service.backup.archive import FILES, STORE, Manifest, unpack
from sightline.service.backup.backup import OnProgress
from sightline.service.config import Config
from sightline.service.disk import is_full, private_folder
from sightline.service.errors import FullError
from sightline.service.occupancy import Occupancy
from sightline.service.store.copying import (
    copy_rows,
    count_rows,
    delete_rows,
    others_connected,
)
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError

__all__ = ["restore"]

_KINDS = ("jobs", "pictures")
_REPLACED = ".replaced"


def restore(config: Config, path: Path, on_progress: OnProgress, *, replace: bool) -> Manifest:
    """Put back what `back_up` wrote; rows of an older version are brought up to date on the way.

    The archive is unpacked and compared with its sums inside of the storage folder first. Then
    rows change in one transaction, which is committed when the files are in their places. If
    anything fails before, the old rows and files stay.

    Args:
        config: Of the service, which must not run.
        path: The archive.
        on_progress: What it raises ends the work, and nothing has changed.
        replace: Whether rows and files that are there go.

    Raises:
        InputError: The archive is damaged, altered or none.
        StateError: A service runs there, or the store or folder is not empty.
        StoreError: The store cannot be used, or the archive is of a newer version.
        FullError: The disk is full.
    """
    folder = Path(config.storage.folder).absolute()
    if not path.is_file():
        raise InputError(f"{path} is no file; name one that `sightline backup` wrote")
    try:
        private_folder(folder)
        with (
            _occupied(folder),
            tempfile.TemporaryDirectory(prefix=".restore-", dir=folder) as scratch,
        ):
            _check_empty(config, folder, replace=replace)
            return _put_back(config, path, folder, Path(scratch), on_progress)
    except OSError as error:
        if is_full(error):
            raise FullError(
                f"there is no room left in {folder} to unpack {path}; nothing was changed"
            ) from error
        raise InputError(
            f"{path} cannot be restored into {folder}: {error.strerror or error}"
        ) from error


def _put_back(
    config: Config, path: Path, folder: Path, scratch: Path, on_progress: OnProgress
) -> Manifest:
    size = path.stat().st_size
    done = 0

    def count_bytes(count: int) -> None:
        nonlocal done
        done += count
        on_progress("checking", done, size)

    manifest = unpack(path, scratch, count_bytes)
    source = Database(f"sqlite:///{scratch / STORE}")
    target = Database(config.storage.url.get_secret_value())
    try:
        source.migrate()
        target.migrate()
        with source.reading() as rows, target.session() as session:
            total = sum(count_rows(rows).values())
            done = 0

            def count_rows_done(count: int) -> None:
                nonlocal done
                done += count
                on_progress("store", done, total)

            delete_rows(session)
            copy_rows(rows, session, count_rows_done)
            with _swapped(folder, scratch / FILES):
                session.commit()
        target.empty_log()
    finally:
        source.close()
        target.close()
    shutil.rmtree(folder / _REPLACED, ignore_errors=True)
    return manifest


@contextmanager
def _occupied(folder: Path) -> Iterator[None]:
    occupancy = Occupancy(folder)
    occupancy.take()
    try:
        yield
    finally:
        occupancy.give_back()


def _check_empty(config: Config, folder: Path, *, replace: bool) -> None:
    """That nobody works there, and nothing is there that is not to be replaced."""
    if (folder / _REPLACED).exists():
        raise StateError(
            f"{folder / _REPLACED} holds files that a restore put aside and that was killed; "
            "see whether they are needed, and move them away"
        )
    database = Database(config.storage.url.get_secret_value())
    try:
        filled = _filled_tables(database)
    finally:
        database.close()
    filled += [str(folder / kind) for kind in _KINDS if any((folder / kind).glob("*"))]
    if filled and not replace:
        raise StateError(
            f"{database.name} and {folder} are not empty ({', '.join(filled)}); restore into new "
            "ones, or say --replace to lose what is there"
        )


def _filled_tables(database: Database) -> list[str]:
    try:
        with database.reading() as session:
            if others_connected(session):
                raise StateError(
                    f"another process is connected to the store {database.name}; end the service "
                    "that uses it first"
                )
            return [name for name, rows in count_rows(session).items() if rows]
    except StoreError as error:
        if database.is_sqlite and error.code == "store_gone":
            return []  # there is no file yet
        if database.is_sqlite and error.code == "store_corrupt":
            raise StateError(
                f"the store {database.name} is damaged; move it away, with {database.name}-wal and "
                "-shm if they are there, and restore again"
            ) from error
        raise


@contextmanager
def _swapped(folder: Path, fresh: Path) -> Iterator[None]:
    """New files in the places of the old ones; the other way round again if the block fails.

    Only entries move: the folder may be a volume of its own, which cannot be renamed.
    """
    aside = private_folder(folder / _REPLACED)
    moved: list[tuple[Path, Path]] = []
    try:
        for kind in _KINDS:
            for origin, target in (
                (folder / kind, aside / kind),
                (fresh / kind, folder / kind),
            ):
                if origin.exists():
                    origin.rename(target)
                    moved.append((origin, target))
        yield
    except BaseException:
        for origin, target in reversed(moved):
            target.rename(origin)
        aside.rmdir()
        raise
