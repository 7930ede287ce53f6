"""Tracks one video offline, as `sightline track` does, in steps that survive a kill at any moment.

Tracks are written in parts; after each, everything that the next frame depends on is kept in a
checkpoint. A job that is killed goes on behind its last checkpoint and ends with the same bytes
as one that was not.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from sightline.detector import Detector
from sightline.errors import SourceError, StateError
from sightline.formats import FileSink, open_sink, read_tracks
from sightline.inference import file_sha256
from sightline.pipeline import Pipeline
from sightline.protocols import Source
from sightline.reid import ColourEmbedder, Embedder
from sightline.reid.choices import embedder_name, uses_looks
from sightline.service import config
from sightline.service.jobs.checkpoint import Checkpoint
from sightline.service.jobs.continuing import Place, continue_source
from sightline.service.jobs.folder import JobFolder
from sightline.service.jobs.options import JobOptions
from sightline.service.jobs.results import write_results
from sightline.service.networks import open_detector, open_embedder_of, open_tracker, people_only
from sightline.structures import Frame, Tracks
from sightline.tracker import Tracker
from sightline.video import CameraMotionEstimator
from sightline.video.files import open_file
from sightline.video.selection import Selection

__all__ = ["JobSpec", "Progress", "open_video", "track_job"]


@dataclass(frozen=True, slots=True)
class JobSpec:
    """A job as its process is told it.

    Args:
        folder: Its folder; the video lies there.
        name: What its results call the video.
        options: What it was told.
        detector: The configuration's detector.
        tracker: The configuration's tracker.
        max_pixels: Pixels that a frame may have.
        checkpoint_seconds: Seconds of work between checkpoints.
        niceness: How far its process steps back behind the others (`nice`).
    """

    folder: Path
    name: str
    options: JobOptions
    detector: config.Detector
    tracker: config.Tracker
    max_pixels: int
    checkpoint_seconds: float = 5.0
    niceness: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a job is.

    Args:
        frames: Frames tracked so far.
        expected: Frames that it will have, None where unknown.
        tracks: Tracks reported so far.
        warnings: What went wrong so far without ending it.
    """

    frames: int
    expected: int | None
    tracks: int
    warnings: tuple[str, ...] = ()


def track_job(spec: JobSpec, on_progress: Callable[[Progress], None]) -> Progress:
    """Track a job's video from its beginning, or from where it was left, to its end.

    Args:
        spec: The job.
        on_progress: Called after every frame.

    Returns:
        What the whole job did; `tracks.jsonl` lies in its folder then.

    Raises:
        SourceError: The video cannot be read at all.
        InputError: An option does not fit the network.
        ModelError: A network cannot be loaded, or failed.
        FullError: The disk is full.
        OSError: Something cannot be written.
    """
    folder = JobFolder(spec.folder)
    if folder.tracks.is_file():  # it was done, and nobody was there to be told
        return _counted(folder)
    detector = _open_detector(spec)
    embedder = open_embedder_of(spec.tracker, spec.detector.device)
    settings = _settings(spec, detector)
    run = _continued(folder, settings) or _begun(folder, spec, embedder)
    source = _open(folder, spec, run)
    if run.expected is None:
        run.expected = source.frame_count
    parts = _Parts(folder, spec, source, detector.class_names, run.parts)
    pipeline = Pipeline(
        source,
        detector,
        run.tracker,
        embedder if uses_looks(run.tracker.parameters) else None,
        run.motion,
        selection=people_only(detector.class_names),
    )
    saved_at = time.monotonic()
    try:
        for frame, tracks in pipeline:
            parts.write(frame, tracks)
            run.note(frame, tracks, source)
            if time.monotonic() - saved_at >= spec.checkpoint_seconds:
                folder.save(run.checkpoint(parts.close(), settings))
                saved_at = time.monotonic()
            on_progress(run.progress)
    except SourceError as error:
        if not run.frames:
            raise
        run.warnings[str(error)] = None
    finally:
        pipeline.close()
    run.warnings.update(dict.fromkeys(source.warnings))  # what the end told
    write_results(folder, parts.close())
    return run.progress


def open_video(folder: JobFolder, spec: JobSpec, start: float | None) -> Source:
    """The frames of a job's video that it is about.

    Args:
        folder: The job's.
        spec: The job.
        start: Seconds of the video to begin at.

    Raises:
        SourceError: It cannot be read.
    """
    wanted = Selection(start, spec.options.end, spec.options.stride)
    return open_file(folder.input, wanted, max_pixels=spec.max_pixels)


@dataclass(slots=True)
class _Run:
    """A job so far."""

    tracker: Tracker
    motion: CameraMotionEstimator | None
    place: Place | None = None
    last: Frame | None = None
    frames: int = 0
    expected: int | None = None
    parts: int = 0
    identities: set[int] = field(default_factory=set)
    warnings: dict[str, None] = field(default_factory=dict)  # each once, in order

    @property
    def progress(self) -> Progress:
        return Progress(self.frames, self.expected, len(self.identities), tuple(self.warnings))

    def note(self, frame: Frame, tracks: Tracks, source: Source) -> None:
        """Count one more frame."""
        self.last = frame
        self.frames += 1
        self.identities.update(tracks.ids.tolist())
        self.warnings.update(dict.fromkeys(source.warnings))

    def checkpoint(self, parts: int, settings: dict[str, str]) -> Checkpoint:
        """What is needed to go on behind the last frame."""
        assert self.last is not None
        place = Place.of(self.last)
        return Checkpoint(
            index=place.index,
            time=place.time,
            pixels=place.pixels,
            frames=self.frames,
            expected=self.expected,
            parts=parts,
            tracker=self.tracker.save(),
            motion=b"" if self.motion is None else self.motion.save(),
            warnings=tuple(self.warnings),
            settings=settings,
        )


class _Parts:
    """Tracks in finished files, one a checkpoint."""

    def __init__(
        self,
        folder: JobFolder,
        spec: JobSpec,
        source: Source,
        class_names: tuple[str, ...],
        count: int,
    ) -> None:
        self._folder = folder
        self._name = spec.name
        self._source = source
        self._class_names = class_names
        self._count = count
        self._sink: FileSink | None = None

    def write(self, frame: Frame, tracks: Tracks) -> None:
        """Add one frame's tracks."""
        self._opened().write(frame, tracks)

    def close(self) -> int:
        """Finish the part in hand; how many there are. The first is there even when empty."""
        if self._sink is not None or self._count == 0:
            self._opened().close()
            self._sink = None
            self._count += 1
        return self._count

    def _opened(self) -> FileSink:
        if self._sink is None:
            self._sink = open_sink(
                "jsonl",
                self._folder.part(self._count + 1),
                source=self._name,
                width=self._source.width,
                height=self._source.height,
                rate=self._source.rate,
                class_names=self._class_names,
            )
        return self._sink


def _counted(folder: JobFolder) -> Progress:
    table = read_tracks(folder.tracks)
    frames = len(table.frame_indices)
    return Progress(frames, frames, len(set(table.ids.tolist())))


def _open_detector(spec: JobSpec) -> Detector:
    options = spec.options
    confidence = spec.detector.confidence if options.confidence is None else options.confidence
    return open_detector(
        spec.detector, confidence=confidence, classes=options.classes or spec.detector.classes
    )


def _settings(spec: JobSpec, detector: Detector) -> dict[str, str]:
    """All that a result depends on beside the video: a job is only continued with the same."""
    return {
        "options": spec.options.model_dump_json(),
        "detector": spec.detector.model_dump_json(),
        "tracker": spec.tracker.model_dump_json(),
        "network": file_sha256(detector.path),
        "embedder": embedder_name(spec.tracker.reid),
    }


def _continued(folder: JobFolder, settings: dict[str, str]) -> _Run | None:
    checkpoint = folder.load()
    if checkpoint is None or checkpoint.settings != settings:
        return None
    try:
        tracker = Tracker.load(checkpoint.tracker)
        motion = CameraMotionEstimator.load(checkpoint.motion) if checkpoint.motion else None
    except StateError:
        return None
    run = _Run(
        tracker,
        motion,
        Place(checkpoint.index, checkpoint.time, checkpoint.pixels),
        frames=checkpoint.frames,
        expected=checkpoint.expected,
        parts=checkpoint.parts,
        warnings=dict.fromkeys(checkpoint.warnings),
    )
    for number in range(1, checkpoint.parts + 1):
        run.identities.update(read_tracks(folder.part(number)).ids.tolist())
    return run


def _begun(folder: JobFolder, spec: JobSpec, embedder: Embedder | ColourEmbedder | None) -> _Run:
    folder.forget()
    tracker = open_tracker(spec.tracker, embedder)
    return _Run(tracker, CameraMotionEstimator() if tracker.parameters["camera_motion"] else None)


def _open(folder: JobFolder, spec: JobSpec, run: _Run) -> Source:
    if run.place is None:
        return open_video(folder, spec, spec.options.start)

    def open_from(start: float | None) -> Source:
        return open_video(folder, spec, spec.options.start if start is None else start)

    return continue_source(open_from, run.place)
