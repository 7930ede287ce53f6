"""The forms in which a job's tracks are handed out, and what each is called."""

from __future__ import annotations

from types import MappingProxyType

from sightline.formats import FORMATS, read_tracks, write_tracks
from sightline.service.jobs.folder import JobFolder

__all__ = ["RESULTS", "write_results"]

RESULTS = MappingProxyType(
    {"mot.txt": "mot", **{suffix[1:]: name for name, suffix in FORMATS.items() if name != "mot"}}
)
"""Format of every ending of `tracks.…`."""


def write_results(folder: JobFolder, parts: int) -> None:
    """Make all forms of a job's tracks; `tracks.jsonl`, by which it counts as done, comes last.

    Args:
        folder: The job's.
        parts: How many parts its tracks are in.

    Raises:
        FullError: The disk is full.
        OSError: Something cannot be written.
    """
    whole = folder.join(parts)
    table = read_tracks(whole, "jsonl")
    for ending, format_name in RESULTS.items():
        if format_name != "jsonl":
            write_tracks(table, folder.result(ending), format_name)
    whole.replace(folder.tracks)
    folder.forget()
