"""Keeps a picture and a clip of each event, where the configuration asks for them.

The picture is the frame that the event was decided on, drawn as everybody sees it, blur included.
The clip, with a strip of it, is cut out of the camera's own packets once its end has been recorded.
What cannot be kept, because the disk is full or too much happens at once, is counted and left out:
tracking never waits.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from sightline.errors import SightlineError
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.config import Config
from sightline.service.engine.messages import FrameResult
from sightline.service.live.privacy import Blur
from sightline.service.live.rendering import render
from sightline.service.recordings.areas import SeenAreas
from sightline.service.recordings.files import Ending, PictureFiles
from sightline.service.recordings.snapshots import Snapshots
from sightline.service.steady import SteadyClock
from sightline.service.store.events import StoredEvent
from sightline.video.draw import TrackPainter

__all__ = ["EventPictureStatistics", "EventPictures"]

_log = logging.getLogger(__name__)

_MOST_WAITING = 200
_MOST_CLIPS_AT_ONCE = 2
_WATCH_SECONDS = 10.0
_MARGIN = 1.0  # seconds until the last packets of a clip are surely recorded
_LATEST = 8.0  # seconds behind that, after which its first packets may be gone
_GIVES_WAY = 2.0  # seconds by which clips of coming and going let those of rules go first
_REST_SECONDS = 60.0  # after a disk was full
_TIDY_SECONDS = 3600.0
_NAP = 0.5


class _Supervisor(Protocol):
    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas] = (),
        *,
        moment: float | None = None,
        around: tuple[float, float] | None = None,
    ) -> Future[Clip]: ...


class _Engine(Protocol):
    def watch(self, stream: str, until: float) -> None: ...

    def picture(self, stream: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None: ...


@dataclass(frozen=True, slots=True)
class EventPictureStatistics:
    """What was kept of events since the start.

    Args:
        snapshots: Pictures that were kept.
        clips: Clips that were kept.
        failed: Pictures and clips that could not be made or written.
        dropped: Events that got none, because too many waited or they waited too long.
        bytes: Size of all that is kept now.
    """

    snapshots: int = 0
    clips: int = 0
    failed: int = 0
    dropped: int = 0
    bytes: int = 0


class EventPictures:
    """Pictures and clips of events; its methods may be called by any thread.

    Args:
        config: The effective configuration.
        clock: Time.
        supervisor: Makes clips.
        engine: Has the last picture of each stream that is watched.
        blur_of: What is blurred in pictures of a stream.
    """

    def __init__(
        self,
        config: Config,
        clock: SteadyClock,
        supervisor: _Supervisor,
        engine: _Engine,
        blur_of: Callable[[str], Blur],
    ) -> None:
        self._wanted = config.storage.event_pictures
        retention = config.storage.retention
        self.files = PictureFiles(
            Path(config.storage.folder).absolute() / "pictures",
            days=retention.pictures_days,
            most_bytes=int(retention.pictures_gib * 2**30),
        )
        self._clock = clock
        self._supervisor = supervisor
        self._engine = engine
        self._blur_of = blur_of
        self._areas = SeenAreas(self._wanted.before + self._wanted.after + 30)
        self._snapshots = Snapshots()
        self._watched: dict[str, float] = {}
        self._condition = threading.Condition()
        self._decisive: deque[str] = deque(maxlen=_MOST_WAITING)  # streams to take a picture of
        self._clips: list[tuple[float, int, StoredEvent]] = []  # a heap by when it can be cut
        self._made: deque[tuple[StoredEvent, Future[Clip]]] = deque()
        self._cutting = 0
        self._order = itertools.count()
        self._statistics = EventPictureStatistics()
        self._resting_until = 0.0
        self._closing = False
        wanted = self._wanted.snapshots or self._wanted.clips
        self._nap = _NAP if wanted else _TIDY_SECONDS
        self._thread = threading.Thread(target=self._run, name="event-pictures", daemon=True)

    @property
    def statistics(self) -> EventPictureStatistics:
        """What was kept since the start."""
        return replace(self._statistics, bytes=self.files.total_bytes)

    def start(self) -> None:
        """Keep from now on what the configuration asks for, and remove what is too old."""
        # Also where nothing is kept any more: what was kept before grows old.
        self._thread.start()

    def close(self) -> None:
        """Stop; clips whose end is not recorded yet are left out."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def on_result(self, result: FrameResult) -> None:
        """Take note of a frame that was looked at; returns at once."""
        if self._wanted.clips and self._blur_of(result.stream) != "off":
            self._areas.add(result)
        if not self._wanted.snapshots:
            return
        now = self._clock.now()
        if self._watched.get(result.stream, 0.0) < now + _WATCH_SECONDS / 2:
            self._watched[result.stream] = now + _WATCH_SECONDS
            self._engine.watch(result.stream, now + _WATCH_SECONDS)
        if result.events:
            with self._condition:
                self._decisive.append(result.stream)
                self._condition.notify()

    def on_events(self, stored: Sequence[StoredEvent]) -> None:
        """Keep what is wanted of events that were stored; returns at once."""
        if not (self._wanted.snapshots or self._wanted.clips):
            return
        for each in stored:
            if each.event.kind == "stream_state":
                continue
            if self._wanted.snapshots:
                self._snapshots.expect(each)
            if self._wanted.clips:
                self._expect_clip(each)
        with self._condition:
            self._condition.notify()

    def find(self, stored: StoredEvent, ending: Ending) -> Path | None:
        """The picture or clip of an event, None where there is none."""
        return self.files.find(stored.event.stream, stored.event.time, stored.id, ending)

    def remove(self, stream: str, time: float, event: str) -> None:
        """Remove what is kept of an event, and what still would be."""
        with self._condition:
            self._clips = [entry for entry in self._clips if entry[2].id != event]
            heapq.heapify(self._clips)
        self.files.remove(stream, time, event)

    def _expect_clip(self, stored: StoredEvent) -> None:
        due = stored.event.decided + self._wanted.after + _MARGIN
        if stored.event.kind in ("track_start", "track_end"):
            due += _GIVES_WAY
        with self._condition:
            if len(self._clips) >= _MOST_WAITING:
                self._count(dropped=1)
            else:
                heapq.heappush(self._clips, (due, next(self._order), stored))

    def _run(self) -> None:
        tidied: float | None = None
        while not self._closing:
            now = self._clock.now()
            if tidied is None or now - tidied >= _TIDY_SECONDS:
                self.files.remove_old(now)
                tidied = now
            self._take_pictures()
            self._keep_pictures(now)
            self._cut_clips(now)
            self._keep_clips()
            with self._condition:
                self._condition.wait_for(self._has_work, self._nap)

    def _has_work(self) -> bool:
        return bool(self._closing or self._decisive or self._made)

    def _take_pictures(self) -> None:
        with self._condition:
            streams = list(dict.fromkeys(self._decisive))
            self._decisive.clear()
        for stream in streams:
            try:
                seen = self._engine.picture(stream)
                if seen is not None:
                    image, result = seen
                    painter = TrackPainter(result.class_names, trails=False)
                    jpeg = render(image, result, self._blur_of(stream), painter=painter)
                    self._snapshots.take(stream, result.captured_at, jpeg)
            except SightlineError as error:  # the stream was deleted meanwhile
                _log.debug("no picture of %s: %s", stream, error)

    def _keep_pictures(self, now: float) -> None:
        found, late = self._snapshots.matches(now)
        if late:
            self._count(failed=late)
        for stored, jpeg in found:
            self._write(stored, "jpg", jpeg)

    def _cut_clips(self, now: float) -> None:
        while True:
            with self._condition:
                if not self._clips or self._clips[0][0] > now:
                    return
                if self._cutting >= _MOST_CLIPS_AT_ONCE:
                    return
                due, _, stored = heapq.heappop(self._clips)
                if due < now - _LATEST:
                    # Half a clip would tell half of what happened.
                    self._count(dropped=1)
                    continue
                self._cutting += 1
            self._cut(stored)

    def _cut(self, stored: StoredEvent) -> None:
        event = stored.event
        begin, end = event.time - self._wanted.before, event.decided + self._wanted.after
        try:
            hidden = self._areas.between(event.stream, begin, end)
            clip = self._supervisor.clip(
                event.stream, begin, end, hidden, moment=event.time, around=event.position
            )
        except SightlineError as error:
            clip = Future()
            clip.set_exception(error)

        def hand_over(done: Future[Clip]) -> None:
            with self._condition:
                self._cutting -= 1
                self._made.append((stored, done))
                self._condition.notify()

        clip.add_done_callback(hand_over)

    def _keep_clips(self) -> None:
        while True:
            with self._condition:
                if not self._made:
                    return
                stored, clip = self._made.popleft()
            error = clip.exception()
            if error is None:
                made = clip.result()
                self._write(stored, "mp4", made.video)
                if made.strip:
                    self._write(stored, "strip.jpg", made.strip)
            else:
                _log.debug("no clip of event %s: %s", stored.id, error)
                self._count(failed=1)

    def _write(self, stored: StoredEvent, ending: Ending, data: bytes) -> None:
        """The one place that writes: a full disk is told once and left alone for a while."""
        now = self._clock.now()
        if now < self._resting_until:
            self._count(failed=1)
            return
        try:
            self.files.write(stored.event.stream, stored.event.time, stored.id, ending, data)
        except (SightlineError, OSError) as error:
            if not self._resting_until:
                _log.error("event pictures and clips are left out for now: %s", error)
            self._resting_until = now + _REST_SECONDS
            self._count(failed=1)
            return
        if self._resting_until:
            _log.warning("event pictures and clips are kept again")
            self._resting_until = 0.0
        counted = {"jpg": "snapshots", "mp4": "clips"}.get(ending)
        if counted is not None:
            self._count(**{counted: 1})

    def _count(self, **more: int) -> None:
        with self._condition:
            values = {name: getattr(self._statistics, name) + by for name, by in more.items()}
            self._statistics = replace(self._statistics, **values)
