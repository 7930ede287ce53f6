"""Files of the service under `storage.folder`: private, complete or not there, never the last byte.

Uploads, results and event pictures leave some space on the disk, so that the database beside
them can still be written when they no longer can.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from sightline.service.errors import FullError

__all__ = [
    "RESERVE_BYTES",
    "PrivateFile",
    "folder_bytes",
    "is_full",
    "new_file",
    "private_folder",
    "write_file",
]

RESERVE_BYTES = 256 * 2**20
"""Bytes of the disk that are left to the database and the rest of the machine."""

_CHECK_EVERY = 16 * 2**20
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class PrivateFile:
    """A file being written; from `new_file`."""

    def __init__(self, file: IO[bytes], folder: Path) -> None:
        self.size = 0
        self._file = file
        self._folder = folder
        self._checked = -_CHECK_EVERY

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Add bytes.

        Raises:
            FullError: The disk is full, but for its reserve.
            OSError: It cannot be written for another reason.
        """
        if self.size - self._checked >= _CHECK_EVERY:
            self._checked = self.size
            _check_room(self._folder)
        self._file.write(data)
        self.size += len(data)


def is_full(error: OSError) -> bool:
    """Whether an error says that there is no room for more bytes."""
    return error.errno in _FULL


def folder_bytes(path: Path) -> int:
    """Bytes of all files under a folder; 0 where there is none. Files may go meanwhile."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(folder, name).lstat().st_size
    return total


def private_folder(path: Path) -> Path:
    """The folder, made with its parents where it is missing, for the service's user alone.

    Raises:
        OSError: It cannot be made.
    """
    for folder in (*reversed(path.parents), path):
        with contextlib.suppress(FileExistsError):
            folder.mkdir(mode=0o700)
    return path


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[PrivateFile]:
    """A file that appears under its name, readable by the service's user alone, once complete.

    Nothing is left of it where the block fails.

    Raises:
        FullError: The disk is full, but for its reserve.
        OSError: It cannot be written for another reason.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with open(partial, "wb", opener=_private) as file:
            yield PrivateFile(file, path.parent)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if is_full(error):
            raise _full(path.parent) from error
        raise
    finally:
        partial.unlink(missing_ok=True)


def write_file(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a file with `new_file`; the number of its bytes.

    Raises:
        FullError: The disk is full, but for its reserve.
        OSError: It cannot be written for another reason.
    """
    with new_file(path) as file:
        for chunk in chunks:
            file.write(chunk)
    return file.size


def _private(name: str, flags: int) -> int:
    return os.open(name, flags | os.O_NOFOLLOW, 0o600)


def _check_room(folder: Path) -> None:
    if shutil.disk_usage(folder).free < RESERVE_BYTES:
        raise _full(folder)


def _full(folder: Path) -> FullError:
    return FullError(
        f"there is no room left in {folder} ({RESERVE_BYTES >> 20} MiB are kept for the database); "
        "make room, or shorten storage.retention"
    )
