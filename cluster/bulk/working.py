"""One piece of work done, in whatever process: from a video to files that are complete."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sightline.cluster.bulk.options import BulkOptions
from sightline.cluster.bulk.parts import read_part, write_part
from sightline.cluster.bulk.stitching import stitch
from sightline.cluster.bulk.units import Unit
from sightline.errors import ModelError, SightlineError, StateError
from sightline.pipeline import Pipeline, Summary
from sightline.protocols import Source
from sightline.recording import Networks, record, record_offline
from sightline.recording.offline import track_in_memory, write_tracked
from sightline.structures import Frame, Tracks

__all__ = ["Failed", "Finished", "Outcome", "Watch", "do_unit"]


@dataclass(frozen=True, slots=True)
class Finished:
    """A unit that is done.

    Args:
        unit: Which.
        folder: Where its files lie, complete, until they are put in their place.
        facts: Counts of frames and tracks, seconds and warnings; plain JSON values.
        interrupted: Whether it was stopped before its end; the files are of no use then.
    """

    unit: Unit
    folder: Path
    facts: dict[str, Any]
    interrupted: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A unit that cannot be done.

    Args:
        unit: Which.
        reason: One line for the user.
        fatal: Whether no other unit can be done either.
    """

    unit: Unit
    reason: str
    fatal: bool = False


Outcome = Finished | Failed


class Watch:
    """Who looks on while a unit is done."""

    def __init__(self) -> None:
        self.frames = 0
        self._pipeline: Pipeline | None = None
        self.stopped = False

    def stop(self) -> None:
        """End the unit in hand after its frame; safe from a signal handler."""
        self.stopped = True
        if self._pipeline is not None:
            self._pipeline.stop()

    def follow(self, pipeline: Pipeline) -> Pipeline:
        """Note which pipeline runs now."""
        self._pipeline = pipeline
        if self.stopped:
            pipeline.stop()
        return pipeline

    def count(self) -> None:
        """One more frame was tracked."""
        self.frames += 1

    @contextmanager
    def progress(self, _source: Source) -> Iterator[Callable[[Frame, Tracks], None]]:
        """Count frames; a `sightline.recording.Progress`."""
        yield lambda _frame, _tracks: self.count()


def do_unit(unit: Unit, options: BulkOptions, networks: Networks, watch: Watch) -> Outcome:
    """Do one unit; what is wrong with it is told and not raised.

    Args:
        unit: What to do.
        options: The run's.
        networks: What finds and describes.
        watch: Told of every frame.
    """
    folder = options.work / uuid.uuid4().hex
    try:
        if not options.work.is_dir():
            raise StateError(
                f"{options.out}: not the folder that the run was started with; videos and results "
                "have to lie where every node of the cluster finds them under the same path"
            )
        folder.mkdir()
        summary = _KINDS[unit.kind](unit, options, networks, folder, watch)
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        name = error.filename or options.out
        return Failed(unit, f"{unit.video.path}: {name}: {error.strerror or error}")
    except SightlineError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return Failed(unit, str(error), fatal=isinstance(error, ModelError))
    facts = {
        "frames": summary.frames,
        "skipped": summary.skipped,
        "tracks": summary.tracks,
        "seconds": round(summary.seconds, 3),
        "warnings": summary.warnings,
    }
    return Finished(unit, folder, facts, interrupted=watch.stopped)


def _do_whole(
    unit: Unit, options: BulkOptions, networks: Networks, folder: Path, watch: Watch
) -> Summary:
    track = options.track
    source = track.open_source(unit.video.path)
    pipeline = watch.follow(track.pipeline(source, networks, track.make_tracker(networks.embedder)))
    outputs = track.outputs(folder, networks.detector.class_names)
    if not track.offline:
        return record(pipeline, outputs, watch.progress)[0]
    reopen = partial(track.open_source, unit.video.path)
    return record_offline(pipeline, reopen, track.offline, outputs, watch.progress)[0]


def _do_segment(
    unit: Unit, options: BulkOptions, networks: Networks, folder: Path, watch: Watch
) -> Summary:
    track = options.track
    source = track.open_source(unit.video.path, unit.start, unit.end)
    pipeline = track.pipeline(source, networks, track.make_tracker(networks.embedder))
    tracked = track_in_memory(watch.follow(pipeline), watch.progress)
    write_part(tracked, folder / unit.part)
    return tracked.summary


def _do_join(
    unit: Unit, options: BulkOptions, networks: Networks, folder: Path, watch: Watch
) -> Summary:
    track = options.track
    where = options.parts / unit.video.name
    parts = [
        read_part(where / Unit(unit.video, "segment", place, unit.count).part)
        for place in range(unit.count)
    ]
    try:
        whole = stitch(parts, unit.seams)
    except StateError as error:
        # Time stamps that cannot be trusted: the frames are found from the beginning alone.
        summary = _do_whole(unit, options, networks, folder, watch)
        summary.warnings.append(f"{unit.video.path}: {error}; it was tracked as a whole")
        return summary
    reopen = partial(track.open_source, unit.video.path)
    outputs = track.outputs(folder, networks.detector.class_names)
    write_tracked(whole, reopen, track.offline, outputs)
    return whole.summary


_KINDS = {"whole": _do_whole, "segment": _do_segment, "join": _do_join}
