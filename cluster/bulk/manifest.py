"""What of an archive is done: a file of JSON lines beside the results, only ever added to."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from sightline.cluster.bulk.archive import Video
from sightline.errors import InputError, StateError

__all__ = ["MANIFEST", "Manifest", "identity_of"]

MANIFEST = "manifest.jsonl"
"""Name of the file in the folder of the results."""


class Manifest:
    """The book of an archive's results; one program at a time holds it open.

    A line says that a unit of work was done, with which settings and of which state of the video;
    it is on the disk before `note` returns. The last line of a unit counts. A line that was cut
    short by a power cut is passed over: that unit is done again.

    Args:
        folder: Folder of the results; made if it is missing.
        settings: All that results depend on beside the videos. Lines with others do not count.

    Raises:
        InputError: The folder or the file cannot be written.
        StateError: Another program holds it.
    """

    def __init__(self, folder: Path, settings: str) -> None:
        self.path = folder / MANIFEST
        self._settings = settings
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+b")
        except OSError as error:
            raise InputError(f"cannot write to {error.filename}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise StateError(
                f"{folder}: another run writes there; wait for it, or name another --out"
            ) from None
        self._done = self._read()

    def done(self, video: Video, unit: str) -> Mapping[str, Any] | None:
        """What was noted of a unit of a video, or None where it has to be done.

        Args:
            video: The video, as it lies there now.
            unit: Name of the unit.
        """
        entry = self._done.get((video.name, unit))
        return entry if entry and entry["of"] == identity_of(video) else None

    def note(self, video: Video, unit: str, facts: Mapping[str, Any]) -> None:
        """Write down that a unit is done; its results lie in their place.

        Raises:
            OSError: The file cannot be written.
        """
        entry = {
            "video": video.name,
            "unit": unit,
            "of": identity_of(video),
            "settings": self._settings,
            **facts,
        }
        line = json.dumps(entry, ensure_ascii=False) + "\n"
        self._file.write(self._separator() + line.encode())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._done[video.name, unit] = entry

    def close(self) -> None:
        """Let others have it."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def _read(self) -> dict[tuple[str, str], dict[str, Any]]:
        self._file.seek(0)
        known: dict[tuple[str, str], dict[str, Any]] = {}
        for line in self._file:
            try:
                entry = json.loads(line)
                key = (entry["video"], entry["unit"])
                if entry["settings"] == self._settings and isinstance(entry["of"], dict):
                    known[key] = entry
                else:
                    known.pop(key, None)
            except (ValueError, KeyError, TypeError):
                continue
        return known

    def _separator(self) -> bytes:
        """A line feed where the last line was cut short."""
        end = self._file.seek(0, os.SEEK_END)
        if end == 0:
            return b""
        self._file.seek(end - 1)
        return b"" if self._file.read(1) == b"\n" else b"\n"


def identity_of(video: Video) -> dict[str, int]:
    """By what a video is told from one that took its place: size in bytes, time of change in ns.

    A video that is not there is of size -1.
    """
    try:
        facts = video.path.stat()
    except OSError:
        return {"bytes": -1, "changed": -1}
    return {"bytes": facts.st_size, "changed": facts.st_mtime_ns}
