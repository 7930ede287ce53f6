"""From a source to tracks: decode ahead, detect in batches, track, hand over in order.

`Pipeline` is an iterator of `(Frame, Tracks)`; `run` drives one into sinks and sums up what
happened. Files wait for the detector; live sources drop their oldest frames instead.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from sightline.errors import ConfigError, SourceError
from sightline.protocols import (
    AppearanceTracker,
    CameraMotion,
    Detector,
    Embedder,
    Sink,
    Source,
    Tracker,
)
from sightline.reid.selection import Selection, embed_detections
from sightline.structures import Detections, Frame, Tracks

__all__ = ["Pipeline", "Summary", "run"]

_AHEAD = 2
_POLL_SECONDS = 0.2


@dataclass(slots=True)
class Summary:
    """What a run did.

    Args:
        frames: Frames that were tracked.
        skipped: Corrupt frames that the source passed over.
        dropped: Frames of a live source that were not looked at.
        tracks: Identities that were reported at least once.
        seconds: Wall-clock seconds of the run.
        stage_seconds: Seconds spent per stage; decoding runs beside the others.
        warnings: What went wrong without ending the run.
        interrupted: Whether the run was stopped from outside.
    """

    frames: int = 0
    skipped: int = 0
    dropped: int = 0
    tracks: int = 0
    seconds: float = 0.0
    stage_seconds: dict[str, float] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def frames_per_second(self) -> float:
        """Frames per second of wall-clock time."""
        return self.frames / self.seconds if self.seconds else 0.0


class Pipeline:
    """Iterator of `(Frame, Tracks)` over a source.

    Args:
        source: Where frames come from; closed when the iteration ends.
        detector: Finds objects.
        tracker: Gives them identities.
        embedder: Adds appearance vectors to the detections about which the tracker asks, or None.
        camera_motion: Estimates the camera's motion for the tracker, or None.
        batch: Frames given to the detector at once; the results do not depend on it. A live
            source is best served by 1.
        selection: How many detections of a frame, and of which classes, the embedder is given.

    Raises:
        ConfigError: There is an embedder, and the tracker makes no use of looks.
        SourceError: From the iteration, when the source cannot be read further.
    """

    def __init__(
        self,
        source: Source,
        detector: Detector,
        tracker: Tracker,
        embedder: Embedder | None = None,
        camera_motion: CameraMotion | None = None,
        *,
        batch: int = 1,
        selection: Selection | None = None,
    ) -> None:
        if embedder is not None and not isinstance(tracker, AppearanceTracker):
            raise ConfigError(
                f"an embedder was given, but {type(tracker).__name__} makes no use of looks: it "
                "has no wanted_embeddings"
            )
        self.source = source
        self.detector = detector
        self.tracker = tracker
        self.embedder = embedder
        self.camera_motion = camera_motion
        self.batch = batch
        self.selection = selection or Selection()
        self.stage_seconds: dict[str, float] = {}
        self._stopping = False
        self._reader = _ReadAhead(source, capacity=max(_AHEAD, batch))

    @property
    def dropped(self) -> int:
        """Frames of a live source that were replaced by newer ones before they were looked at."""
        return self._reader.dropped

    def stop(self) -> None:
        """End the iteration after the frame in hand; safe from a signal handler."""
        self._stopping = True

    def __iter__(self) -> Iterator[tuple[Frame, Tracks]]:
        try:
            self._reader.start()
            while frames := self._next_batch():
                with self._timed("detect"):
                    detections = self.detector.detect(frames)
                for frame, seen in zip(frames, detections, strict=True):
                    yield frame, self._track(frame, seen)
                    if self._stopping:
                        return
        finally:
            self.close()

    def close(self) -> None:
        """Stop reading ahead and release the source."""
        self._reader.close()
        self.stage_seconds["decode"] = self._reader.seconds

    def _next_batch(self) -> list[Frame]:
        frames: list[Frame] = []
        while len(frames) < self.batch:
            if self._stopping:
                break
            with self._timed("wait for frames"):
                frame = self._reader.get(timeout=_POLL_SECONDS)
            if frame is None:
                if self._reader.finished:
                    break
            else:
                frames.append(frame)
        return frames

    def _track(self, frame: Frame, seen: Detections) -> Tracks:
        motion = None
        if self.camera_motion is not None:
            with self._timed("camera motion"):
                motion = self.camera_motion.estimate(frame, seen)
        if self.embedder is not None:
            assert isinstance(self.tracker, AppearanceTracker)  # checked when it was given
            with self._timed("embed"):
                wanted = self.tracker.wanted_embeddings(seen, time=frame.time, camera_motion=motion)
                rows = self.selection.rows(frame, seen, wanted)
                seen = embed_detections(self.embedder, frame, seen, rows)
        with self._timed("track"):
            return self.tracker.update(seen, time=frame.time, camera_motion=motion)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        begin = time.perf_counter()
        try:
            yield
        finally:
            passed = time.perf_counter() - begin
            self.stage_seconds[stage] = self.stage_seconds.get(stage, 0.0) + passed


def run(
    pipeline: Pipeline,
    sinks: Sequence[Sink],
    on_frame: Callable[[Frame, Tracks], None] | None = None,
) -> Summary:
    """Drive a pipeline to its end into sinks that the caller has opened.

    A source that fails after it has delivered frames ends the run with a warning, so that what
    was tracked is kept; one that delivers nothing raises.

    Args:
        pipeline: What to run.
        sinks: Where the results go; the caller closes them.
        on_frame: Called after each frame, for progress.

    Raises:
        SourceError: The source could not be read at all.
    """
    summary = Summary()
    identities: set[int] = set()
    write_seconds = 0.0
    begin = time.perf_counter()
    try:
        for frame, tracks in pipeline:
            written = time.perf_counter()
            for sink in sinks:
                sink.write(frame, tracks)
            write_seconds += time.perf_counter() - written
            summary.frames += 1
            identities.update(np.asarray(tracks.ids).tolist())
            if on_frame is not None:
                on_frame(frame, tracks)
    except SourceError as error:
        if summary.frames == 0:
            raise
        summary.warnings.append(str(error))
    summary.seconds = time.perf_counter() - begin
    summary.stage_seconds = {**pipeline.stage_seconds, "write": write_seconds}
    summary.tracks = len(identities)
    summary.skipped = pipeline.source.skipped
    summary.dropped = pipeline.dropped
    summary.warnings[:0] = pipeline.source.warnings
    return summary


class _ReadAhead:
    """Decodes in a thread into a bounded queue; hands over frames or the source's error."""

    def __init__(self, source: Source, capacity: int) -> None:
        self.dropped = 0
        self.seconds = 0.0
        self._source = source
        self._capacity = 1 if source.live else capacity
        self._frames: deque[Frame] = deque()
        self._change = threading.Condition()
        self._error: Exception | None = None
        self._ended = False
        self._closed = False
        self._thread = threading.Thread(target=self._read, name="read-ahead", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def finished(self) -> bool:
        """Whether no further frame will come."""
        with self._change:
            return self._ended and not self._frames

    def get(self, timeout: float) -> Frame | None:
        """The next frame, or None after `timeout` seconds or at the end.

        Raises:
            SourceError: The source failed; raised once its good frames are taken.
        """
        with self._change:
            if not self._frames and not self._ended:
                self._change.wait(timeout)
            if self._frames:
                frame = self._frames.popleft()
                self._change.notify_all()
                return frame
            if self._error is not None:
                error, self._error = self._error, None
                raise error
            return None

    def close(self) -> None:
        with self._change:
            self._closed = True
            self._frames.clear()
            self._change.notify_all()
        self._source.close()
        if self._thread.ident is not None:
            self._thread.join(timeout=5.0)

    def _read(self) -> None:
        try:
            frames = iter(self._source)
            while not self._closed:
                begin = time.thread_time()
                frame = next(frames, None)
                self.seconds += time.thread_time() - begin
                if frame is None:
                    break
                self._put(frame)
        except Exception as error:
            self._error = error
        finally:
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _put(self, frame: Frame) -> None:
        with self._change:
            if self._source.live:
                while len(self._frames) >= self._capacity:
                    self._frames.popleft()
                    self.dropped += 1
            else:
                while len(self._frames) >= self._capacity and not self._closed:
                    self._change.wait()
            if not self._closed:
                self._frames.append(frame)
                self._change.notify_all()
