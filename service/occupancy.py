"""One service a folder: a lock on `storage.folder` that ends with the process that holds it."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sightline.errors import StateError

__all__ = ["Occupancy"]


class Occupancy:
    """Says that a process works in a folder; the kernel forgets it with the process.

    The folder itself is locked, so that it works on a disk that has become read-only, too.

    Args:
        folder: `storage.folder`; has to be there when it is taken.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the folder.

        Raises:
            StateError: Another process has it.
            OSError: It cannot be opened.
        """
        descriptor = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            raise StateError(
                f"{self._folder} is in use by a service that runs; end it first, or name another "
                "storage.folder"
            ) from None
        except OSError:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def give_back(self) -> None:
        """Let others have it; nothing happens if it is not taken."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
