"""Track first, look at the whole recording, then write."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.pipeline import Pipeline, Summary, run
from sightline.protocols import CameraMotion, Source
from sightline.recording.outputs import Outputs, Progress, no_progress
from sightline.structures import Detections, Frame, Tracks
from sightline.tracker import Tracker
from sightline.tracker.offline import Looks, Timeline, TrackTable, postprocess

__all__ = ["Tracked", "record_offline", "track_in_memory", "write_tracked"]

_STILL = np.eye(2, 3)


@dataclass(frozen=True, slots=True)
class Tracked:
    """All tracks of a recording, or of a stretch of it.

    Args:
        table: The tracks, with their looks where these are to be trusted.
        timeline: The frames that were tracked.
        summary: What the run did.
    """

    table: TrackTable
    timeline: Timeline
    summary: Summary


def record_offline(
    pipeline: Pipeline,
    reopen: Callable[[], Source],
    steps: str,
    outputs: Outputs,
    progress: Progress = no_progress,
) -> tuple[Summary, list[Path]]:
    """Run a pipeline, post-process its tracks, and write them.

    Args:
        pipeline: What to run; its tracker is a `sightline.tracker.Tracker`.
        reopen: Opens the same source again, for an annotated video.
        steps: Steps of `sightline.tracker.offline`, as `parse_steps` reads them.
        outputs: What is written.
        progress: Told of every frame, in both readings.

    Returns:
        What happened, and the files that were written.

    Raises:
        InputError: The source is live, or a file cannot be written.
        SourceError: The source could not be read at all.
    """
    source = pipeline.source
    if source.live:
        pipeline.close()
        raise InputError(
            f"{source.name}: offline steps need a recording that can be read twice; "
            "leave --offline out for a stream"
        )
    tracked = track_in_memory(pipeline, progress)
    return tracked.summary, write_tracked(tracked, reopen, steps, outputs, progress)


def track_in_memory(pipeline: Pipeline, progress: Progress = no_progress) -> Tracked:
    """Run a pipeline and keep its tracks, what they look like and how the camera moved.

    Args:
        pipeline: What to run; its tracker is a `sightline.tracker.Tracker`.
        progress: Told of every frame.

    Raises:
        SourceError: The source could not be read at all.
    """
    assert isinstance(pipeline.tracker, Tracker)
    notes = _Notes(pipeline.tracker)
    if pipeline.camera_motion is not None:
        pipeline.camera_motion = _Noted(pipeline.camera_motion, notes)
    try:
        with progress(pipeline.source) as advance:
            summary = run(pipeline, [notes], advance)
    finally:
        pipeline.close()
    timeline = Timeline(notes.frames, notes.times, notes.affines or None)
    return Tracked(TrackTable.collect(notes.results, notes.looks()), timeline, summary)


def write_tracked(
    tracked: Tracked,
    reopen: Callable[[], Source],
    steps: str,
    outputs: Outputs,
    progress: Progress = no_progress,
) -> list[Path]:
    """Post-process tracks that are kept, and write them; the summary counts those that are left.

    Args:
        tracked: The tracks.
        reopen: Opens the source that they were made from.
        steps: Steps of `sightline.tracker.offline`; empty for none.
        outputs: What is written.
        progress: Told of a second reading.

    Raises:
        InputError: A file cannot be written.
        SourceError: The source cannot be opened.
    """
    table = postprocess(tracked.table, steps, tracked.timeline)
    tracked.summary.tracks = len(np.unique(table.ids))
    return outputs.write(reopen, tracked.timeline, dict(table.results(tracked.timeline)), progress)


class _Notes:
    """A sink that keeps everything."""

    def __init__(self, tracker: Tracker) -> None:
        self.tracker = tracker
        self.frames: list[int] = []
        self.times: list[float] = []
        self.affines: list[npt.NDArray[np.float64]] = []
        self.results: list[tuple[int, Tracks]] = []
        self.exemplars: dict[int, npt.NDArray[np.float32]] = {}

    def looks(self) -> Looks | None:
        """What all tracks look like; None where the embeddings are not to be trusted."""
        if self.tracker.parameters["appearance_trust"] != "full":
            return None
        exemplars = self.exemplars | self.tracker.exemplars()
        limit = float(self.tracker.parameters["appearance_limit"])
        return Looks(exemplars, limit) if exemplars else None

    def write(self, frame: Frame, tracks: Tracks) -> None:
        self.frames.append(frame.index)
        self.times.append(frame.time)
        self.results.append((frame.index, tracks))
        if ended := self.tracker.finished():
            self.exemplars |= self.tracker.exemplars(ended)

    def close(self) -> None:
        """Nothing to finish."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Noted:
    """Camera motion that is taken note of."""

    def __init__(self, inner: CameraMotion, notes: _Notes) -> None:
        self.inner = inner
        self.notes = notes

    def estimate(self, frame: Frame, detections: Detections) -> npt.NDArray[np.float64] | None:
        affine = self.inner.estimate(frame, detections)
        self.notes.affines.append(_STILL if affine is None else affine)
        return affine
