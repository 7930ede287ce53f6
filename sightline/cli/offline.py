"""`sightline track --offline`: track first, look at the whole recording, then write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

from sightline.cli.interruption import stop_on_signals
from sightline.cli.running import open_outputs, progress_of
from sightline.errors import InputError
from sightline.pipeline import Pipeline, Summary, run
from sightline.protocols import CameraMotion, Source
from sightline.structures import Detections, Frame, Tracks
from sightline.tracker import Tracker
from sightline.tracker.offline import Looks, Timeline, TrackTable, postprocess

__all__ = ["record_offline"]

_STILL = np.eye(2, 3)


def record_offline(
    pipeline: Pipeline,
    reopen: Callable[[], Source],
    steps: str,
    out: Path,
    formats: Sequence[str],
    *,
    class_names: Sequence[str],
    tracker: Tracker,
    save_video: bool = False,
) -> tuple[Summary, list[Path]]:
    """Run a pipeline, post-process its tracks, and write them beside a second reading.

    Args:
        pipeline: What to run.
        reopen: Opens the same source again, for the second reading.
        steps: Steps of `sightline.tracker.offline`, as `parse_steps` reads them.
        out: Folder of the outputs; made if it is missing.
        formats: Names from `sightline.formats.FORMATS`.
        class_names: Name of each class index.
        tracker: The pipeline's, which knows what the tracks look like.
        save_video: Whether an annotated video is written as well.

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
    recording = _Recording(tracker)
    if pipeline.camera_motion is not None:
        pipeline.camera_motion = _Noted(pipeline.camera_motion, recording)
    try:
        with stop_on_signals(pipeline.stop) as interrupted, progress_of(source) as advance:
            summary = run(pipeline, [recording], advance)
        summary.interrupted = interrupted()
    finally:
        pipeline.close()
    timeline = Timeline(recording.frames, recording.times, recording.affines or None)
    table = TrackTable.collect(recording.results, recording.looks())
    table = postprocess(table, steps, timeline)
    summary.tracks = len(np.unique(table.ids))
    results = dict(table.results(timeline))
    again = reopen()
    try:
        with ExitStack() as stack:
            sinks, paths = open_outputs(
                stack, again, out, formats, class_names, save_video=save_video
            )
            advance = stack.enter_context(progress_of(again))
            for frame in again:
                if frame.index not in results:  # an interrupted run ends earlier
                    break
                for sink in sinks:
                    sink.write(frame, results[frame.index])
                if advance is not None:
                    advance(frame, results[frame.index])
    finally:
        again.close()
    return summary, paths


class _Recording:
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
    """Camera motion that a recording takes note of."""

    def __init__(self, inner: CameraMotion, recording: _Recording) -> None:
        self.inner = inner
        self.recording = recording

    def estimate(self, frame: Frame, detections: Detections) -> npt.NDArray[np.float64] | None:
        affine = self.inner.estimate(frame, detections)
        self.recording.affines.append(_STILL if affine is None else affine)
        return affine
