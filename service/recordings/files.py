"""Where pictures, strips and clips of events lie: plain files, found by stream, hour and event.

    pictures/STREAM/20260501T12/EVENT.jpg
    pictures/STREAM/20260501T12/EVENT.strip.jpg
    pictures/STREAM/20260501T12/EVENT.mp4

The oldest hours go first when they are too old or there are too many bytes, without a table to ask.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from sightline.service.disk import private_folder, write_file

__all__ = ["Ending", "PictureFiles"]

Ending = Literal["jpg", "strip.jpg", "mp4"]
_ENDINGS: Final[tuple[Ending, ...]] = get_args(Ending)
_HOUR = "%Y%m%dT%H"


class PictureFiles:
    """The files of event pictures; may be used by many threads.

    Args:
        folder: Folder of all of them; made when the first is written.
        days: Days that they are kept.
        most_bytes: Bytes that they may have in all.
    """

    def __init__(self, folder: Path, *, days: float, most_bytes: int) -> None:
        self.folder = folder
        self._days = days
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None

    @property
    def total_bytes(self) -> int:
        """Bytes of all files."""
        with self._lock:
            return self._counted()

    def oldest(self) -> float | None:
        """UNIX seconds of the hour of the oldest file; None where there is none."""
        hours = self._hours()
        if not hours:
            return None
        return datetime.strptime(hours[0].name, _HOUR).replace(tzinfo=UTC).timestamp()

    def find(self, stream: str, time: float, event: str, ending: Ending) -> Path | None:
        """The file of an event, None where there is none.

        Args:
            stream: Identifier of its stream.
            time: UNIX seconds of the event.
            event: Its identifier.
            ending: Picture, strip or clip.
        """
        path = self._path(stream, time, event, ending)
        return path if path.is_file() else None

    def write(self, stream: str, time: float, event: str, ending: Ending, data: bytes) -> None:
        """Keep a picture or clip; the oldest go where that makes too many bytes.

        Raises:
            FullError: The disk is full.
            OSError: It cannot be written.
        """
        path = self._path(stream, time, event, ending)
        with self._lock:
            room = self._counted() + len(data) - self._most_bytes
            if room > 0:
                self._make_room(room)
            private_folder(path.parent)
            self._bytes = self._counted() + write_file(path, [data])

    def remove(self, stream: str, time: float, event: str) -> None:
        """Remove what is kept of an event; nothing happens where there is nothing."""
        for ending in _ENDINGS:
            path = self._path(stream, time, event, ending)
            with self._lock:
                self._unlink(path)

    def remove_old(self, now: float) -> None:
        """Remove what is older than it may be.

        Args:
            now: UNIX seconds.
        """
        oldest = datetime.fromtimestamp(now, UTC) - timedelta(days=self._days)
        with self._lock:
            for hour in self._hours():
                if hour.name >= oldest.strftime(_HOUR):
                    return
                shutil.rmtree(hour, ignore_errors=True)
                self._bytes = None

    def _path(self, stream: str, time: float, event: str, ending: Ending) -> Path:
        hour = datetime.fromtimestamp(time, UTC).strftime(_HOUR)
        return self.folder / stream / hour / f"{event}.{ending}"

    def _hours(self) -> list[Path]:
        """The folders of all hours of all streams, the oldest first."""
        return sorted(self.folder.glob("*/*T*"), key=lambda path: path.name)

    def _make_room(self, wanted: int) -> None:
        for path in self._oldest():
            wanted -= self._unlink(path)
            if wanted <= 0:
                return

    def _oldest(self) -> Iterator[Path]:
        for hour in self._hours():
            # Identifiers sort by time.
            yield from sorted(hour.iterdir())
            if not any(hour.iterdir()):
                hour.rmdir()

    def _unlink(self, path: Path) -> int:
        """Remove a file; the bytes that it had."""
        try:
            size = path.stat().st_size
            path.unlink()
        except FileNotFoundError:
            return 0
        self._bytes = self._counted() if self._bytes is None else self._bytes - size
        return size

    def _counted(self) -> int:
        if self._bytes is None:
            files = (path for hour in self._hours() for path in hour.iterdir())
            self._bytes = sum(path.stat().st_size for path in files)
        return self._bytes
