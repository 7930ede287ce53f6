"""What of all streams' numbers is used up, over every process that tracks them."""

from __future__ import annotations

import functools
import itertools
import threading
from dataclasses import dataclass

from sightline.service.engine.books import Book
from sightline.service.engine.messages import FrameCounts, add_counts
from sightline.service.engine.scheduler import NO_FRAMES

__all__ = ["Accounts", "Used"]


@dataclass(slots=True)
class Used:
    """What of a stream's numbers is used up: of tracks, and of frames.

    Args:
        number: Largest of a track.
        sequence: Newest frame that is accounted for.
        counts: Where the frames of its earlier addings went.
        forgotten: Epoch before which nothing counts.
    """

    number: int = 0
    sequence: int = 0
    counts: FrameCounts = NO_FRAMES
    forgotten: int = 0

    def note(self, number: int, sequence: int) -> None:
        """Note the largest number of a track and the newest frame."""
        self.number = max(self.number, number)
        self.sequence = sequence


class Accounts:
    """Shared by the hosts between which streams are handed over; one host has its own.

    Attributes:
        lock: Held around every use of what is in here, but for `counts` and `forget`, which take
            it themselves.
        used: By stream.
        books: Streams that are tracked or leave, by epoch.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.used: dict[str, Used] = {}
        self.books: dict[int, Book] = {}
        self._epochs = itertools.count(1)

    def next_epoch(self) -> int:
        """A number that no adding of a stream has had."""
        return next(self._epochs)

    def close(self, book: Book, counts: FrameCounts, newest: int) -> None:
        """A stream is tracked no longer; all its frames are accounted for."""
        used = self.used[book.stream]
        used.note(0, newest)
        if book.epoch > used.forgotten:
            used.counts = add_counts(used.counts, counts)
        del self.books[book.epoch]

    def counts(self, stream: str) -> FrameCounts | None:
        """Where a stream's frames went, over its stops and starts; None where it never was."""
        with self.lock:
            used = self.used.get(stream)
            if used is None:
                return None
            mine = (
                book.counts
                for book in self.books.values()
                if book.stream == stream and book.epoch > used.forgotten
            )
            return functools.reduce(add_counts, mine, used.counts)

    def forget(self, stream: str) -> None:
        """Count a stream from 0 again: one of that name will be another one."""
        with self.lock:
            used = self.used.get(stream)
            if used is not None:
                used.forgotten, used.counts = self.next_epoch(), NO_FRAMES
