"""Which cameras' newest frames are looked at next, and where all the others went.

Pure: it is told of frames and of the time, and decides. Of one camera at most one frame waits
here, the newest; those before it were dropped, or left out for the sake of `process_fps`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sightline.errors import InputError, StateError
from sightline.service.engine.messages import FrameCounts

__all__ = ["NO_FRAMES", "Scheduler"]

NO_FRAMES = FrameCounts(0, 0, 0, 0, 0)
"""The counts of a stream that begins."""


@dataclass(slots=True)
class _Camera:
    """One camera's account.

    Args:
        interval: Seconds between frames that are looked at; 0 for all.
        sequence: Newest frame that was offered.
        counts: Where its frames went.
        turn: When it was looked at last, in frames looked at; 0 before the first.
        due: UNIX seconds of capture around which the next frame is looked at.
        captured_at: When the newest frame was captured; NaN before the first.
        waits: Whether that frame waits.
        since: When the camera began to wait.
    """

    interval: float
    sequence: int
    counts: FrameCounts
    turn: int = 0
    due: float = -math.inf
    captured_at: float = math.nan
    waits: bool = False
    since: float = 0.0

    def is_due(self, captured_at: float) -> bool:
        return self.interval == 0 or captured_at >= self.earliest

    @property
    def earliest(self) -> float:
        # The frame nearest to the moment that is due, so that a camera's jitter costs none.
        return self.due - self.interval / 2

    def add(self, **more: int) -> None:
        changed = {name: getattr(self.counts, name) + count for name, count in more.items()}
        self.counts = replace(self.counts, **changed)


class Scheduler:
    """Chooses batches of cameras, the one that was looked at longest ago first.

    A camera whose frame waits is overtaken at most once by every other, whatever their rates.

    Args:
        size: Most frames of a batch.
        wait: Seconds that a frame waits for others to fill a batch.

    Raises:
        InputError: The size is below 1, or the wait below 0.

    Example:
        >>> scheduler = Scheduler(size=2, wait=0.01)
        >>> scheduler.add("door")
        >>> scheduler.add("yard")
        >>> scheduler.offer("door", 3, captured_at=10.0, now=10.1)
        >>> scheduler.choose(now=10.1), scheduler.choose(now=10.2)
        ([], ['door'])
        >>> scheduler.take("door", 3, captured_at=10.0, now=10.2)
        >>> scheduler.counts("door")
        FrameCounts(received=3, processed=0, dropped=2, skipped=0, waiting=1)
    """

    def __init__(self, size: int, wait: float) -> None:
        if size < 1 or not 0 <= wait < math.inf:
            raise InputError(
                f"a batch has at least 1 frame and waits 0 s or more; got {size}, {wait} s"
            )
        self.size = size
        self.wait = wait
        self._cameras: dict[str, _Camera] = {}
        self._turn = 0

    def add(
        self,
        camera: str,
        process_fps: float | None = None,
        *,
        sequence: int = 0,
        counts: FrameCounts = NO_FRAMES,
    ) -> None:
        """Begin with a camera, or go on with it where another scheduler was ended.

        Args:
            camera: Its identifier.
            process_fps: Most frames a second that are looked at; None for all.
            sequence: Newest frame that is accounted for.
            counts: Where the frames until then went; those still in flight are lost now.

        Raises:
            StateError: It is there already.
        """
        if camera in self._cameras:
            raise StateError(f"camera {camera} is scheduled already; remove it first")
        lost = counts.waiting
        self._cameras[camera] = _Camera(
            _interval(process_fps),
            sequence,
            replace(counts, dropped=counts.dropped + lost, waiting=0),
        )

    def set_rate(self, camera: str, process_fps: float | None) -> None:
        """Change how many frames a second of a camera are looked at.

        Raises:
            StateError: The camera is unknown.
        """
        entry = self._camera(camera)
        entry.interval, entry.due = _interval(process_fps), -math.inf

    def remove(self, camera: str) -> FrameCounts:
        """Forget a camera; what was in flight is lost.

        Raises:
            StateError: The camera is unknown.
        """
        counts = self._camera(camera).counts
        del self._cameras[camera]
        return replace(counts, dropped=counts.dropped + counts.waiting, waiting=0)

    def offer(self, camera: str, sequence: int, *, captured_at: float, now: float) -> None:
        """Say which frame of a camera is the newest.

        Args:
            camera: The camera.
            sequence: Number of the frame; one that is known already changes nothing.
            captured_at: UNIX seconds of its capture.
            now: UNIX seconds.

        Raises:
            StateError: The camera is unknown.
        """
        entry = self._camera(camera)
        if sequence <= entry.sequence:
            return
        passed = sequence - entry.sequence - 1
        skipped = _count_before(entry, sequence, captured_at)
        entry.add(received=passed + 1, skipped=skipped, dropped=passed - skipped)
        due = entry.waits or entry.is_due(captured_at)
        if entry.waits:
            entry.add(dropped=1, waiting=-1)
        elif due:
            entry.waits, entry.since = True, now
        entry.add(**({"waiting": 1} if due else {"skipped": 1}))
        entry.sequence, entry.captured_at = sequence, captured_at

    def choose(self, now: float) -> list[str]:
        """The cameras whose newest frames are the next batch; none while it is worth waiting."""
        waiting = [camera for camera, entry in self._cameras.items() if entry.waits]
        if not waiting:
            return []
        is_full = len(waiting) >= min(self.size, len(self._cameras))
        if not is_full and now < min(self._cameras[c].since for c in waiting) + self.wait:
            return []
        return sorted(waiting, key=lambda camera: self._cameras[camera].turn)[: self.size]

    def take(self, camera: str, sequence: int, *, captured_at: float, now: float) -> None:
        """Say which frame of a chosen camera was taken: the one that waited, or a newer one.

        Raises:
            StateError: The camera is unknown, or no frame of it waits.
        """
        self.offer(camera, sequence, captured_at=captured_at, now=now)
        entry = self._camera(camera)
        if not entry.waits:
            raise StateError(f"no frame of camera {camera} waits; take those that are chosen")
        entry.waits = False
        due = captured_at if math.isinf(entry.due) else entry.due
        entry.due = max(due + entry.interval, captured_at + entry.interval / 2)
        self._turn += 1
        entry.turn = self._turn

    def give_up(self, camera: str) -> None:
        """Say that the frame that waits, if one does, can no longer be had.

        Raises:
            StateError: The camera is unknown.
        """
        entry = self._camera(camera)
        if entry.waits:
            entry.waits = False
            entry.add(dropped=1, waiting=-1)

    def renumber(self, camera: str) -> None:
        """Say that a camera's frames are numbered from 1 again.

        Raises:
            StateError: The camera is unknown.
        """
        self.give_up(camera)
        entry = self._camera(camera)
        entry.sequence, entry.captured_at = 0, math.nan

    def pass_over(self, camera: str, sequence: int) -> None:
        """Say that the frames up to this one are counted elsewhere.

        Raises:
            StateError: The camera is unknown.
        """
        self._camera(camera).sequence = sequence

    def finish(self, camera: str, *, processed: bool) -> FrameCounts:
        """Say that a frame that was taken is done with, and whether it was processed or lost.

        Raises:
            StateError: The camera is unknown.
        """
        entry = self._camera(camera)
        entry.add(waiting=-1, **{"processed" if processed else "dropped": 1})
        return entry.counts

    def is_waiting(self, camera: str) -> bool:
        """Whether a frame of a camera waits.

        Raises:
            StateError: The camera is unknown.
        """
        return self._camera(camera).waits

    def counts(self, camera: str) -> FrameCounts:
        """Where a camera's frames went so far.

        Raises:
            StateError: The camera is unknown.
        """
        return self._camera(camera).counts

    def all_counts(self) -> dict[str, FrameCounts]:
        """Where the frames of every camera went so far."""
        return {camera: entry.counts for camera, entry in self._cameras.items()}

    def newest(self, camera: str) -> int:
        """Number of the newest frame that was offered; 0 before the first.

        Raises:
            StateError: The camera is unknown.
        """
        return self._camera(camera).sequence

    def _camera(self, camera: str) -> _Camera:
        try:
            return self._cameras[camera]
        except KeyError:
            raise StateError(f"camera {camera} is not scheduled; add it first") from None


def _interval(process_fps: float | None) -> float:
    return 0.0 if process_fps is None else 1 / process_fps


def _count_before(entry: _Camera, sequence: int, captured_at: float) -> int:
    """How many of the frames that nobody looked at, between the last and this, came too early.

    They are taken as evenly spaced.
    """
    passed = sequence - entry.sequence - 1
    if entry.waits or passed == 0 or entry.interval == 0 or math.isnan(entry.captured_at):
        return 0
    step = (captured_at - entry.captured_at) / (passed + 1)
    if step <= 0 or math.isinf(entry.due):
        return 0
    early = math.ceil((entry.earliest - entry.captured_at) / step) - 1
    return min(max(early, 0), passed)
