"""A job's tracks in memory, for who looks at them on a page: read once, kept for a while."""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path

from sightline.errors import InputError
from sightline.formats import TrackTable, read_tracks
from sightline.service.jobs.corrections import correct, read_corrections
from sightline.service.jobs.folder import JobFolder

__all__ = ["job_table", "shown_table"]

_lock = threading.Lock()  # two requests at once do not read the same file twice


def job_table(folder: JobFolder) -> TrackTable:
    """The tracks of a job that is done, as they were found.

    Raises:
        InputError: The file is not there, or damaged.
    """
    path = folder.tracks
    try:
        changed = path.stat().st_mtime_ns
    except OSError as error:
        raise InputError(f"the job's tracks cannot be read: {error.strerror}") from None
    with _lock:
        return _read(path, changed)


def shown_table(folder: JobFolder, *, corrected: bool) -> TrackTable:
    """The tracks as they were found, or as people have corrected them since.

    Raises:
        InputError: The tracks or the corrections cannot be read.
    """
    table = job_table(folder)
    return correct(table, read_corrections(folder).edits)[0] if corrected else table


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> TrackTable:  # noqa: ARG001 - a key of the cache
    return read_tracks(path, "jsonl")
