"""An archive from its first video to its last: what is done is not done again."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sightline.cluster.bulk.archive import Video
from sightline.cluster.bulk.executor import Executor
from sightline.cluster.bulk.manifest import Manifest
from sightline.cluster.bulk.options import BulkOptions
from sightline.cluster.bulk.units import RESULT, Unit, join_of, plan_units
from sightline.cluster.bulk.working import Failed, Finished
from sightline.errors import InputError, ModelError, SightlineError

__all__ = ["ArchiveSummary", "BulkRun"]


@dataclass(slots=True)
class ArchiveSummary:
    """What a run over an archive did.

    Args:
        videos: Videos of the archive.
        already: Those that an earlier run had done.
        done: Those that this run did.
        failed: Why videos could not be tracked, by name.
        frames: Frames of the videos that this run did.
        tracks: Identities in them.
        seconds: Wall-clock seconds of the run.
        interrupted: Whether it was stopped before its end.
    """

    videos: int = 0
    already: int = 0
    done: int = 0
    failed: dict[str, str] = field(default_factory=dict)
    frames: int = 0
    tracks: int = 0
    seconds: float = 0.0
    interrupted: bool = False

    @property
    def frames_per_second(self) -> float:
        """Frames per second of wall-clock time."""
        return self.frames / self.seconds if self.seconds else 0.0


class BulkRun:
    """Tracks the videos of an archive into a folder each.

    Args:
        videos: The videos.
        options: The run's.
        manifest: The book of what is done, open.
        on_line: Called with a sentence for the user: why a video failed, what was odd about it.
    """

    def __init__(
        self,
        videos: Iterable[Video],
        options: BulkOptions,
        manifest: Manifest,
        on_line: Callable[[str], None] = lambda _line: None,
    ) -> None:
        self._waiting = list(videos)[::-1]
        self._options = options
        self._manifest = manifest
        self._on_line = on_line
        self._executor: Executor | None = None
        # Segments that are not done yet, and all of them, by the video's name.
        self._missing: dict[str, set[str]] = {}
        self._segments: dict[str, list[Unit]] = {}
        self._open = 0
        self.summary = ArchiveSummary(videos=len(self._waiting))

    @property
    def frames(self) -> int:
        """Frames that this run has tracked so far, of unfinished videos and overlaps too."""
        return 0 if self._executor is None else self._executor.frames

    def stop(self) -> None:
        """End early: videos in hand are given up, those that are done stay; signal-safe."""
        self.summary.interrupted = True
        if self._executor is not None:
            self._executor.stop()

    def run(self, executor: Executor) -> ArchiveSummary:
        """Do what is not done.

        Args:
            executor: Who does the work.

        Raises:
            ModelError: A network cannot be used where the work is done.
            InputError: Results cannot be written.
        """
        began = time.perf_counter()
        self._executor = executor
        try:
            # What a killed run left half done is of no use to anybody.
            shutil.rmtree(self._options.work, ignore_errors=True)
            self._options.work.mkdir(parents=True)
            while not self.summary.interrupted:
                while executor.hungry and self._waiting and not self.summary.interrupted:
                    self._begin(self._waiting.pop())
                if not self._open and not self._waiting:
                    break
                for outcome in executor.wait():
                    self._open -= 1
                    if isinstance(outcome, Failed):
                        self._fail(outcome)
                    else:
                        self._take(outcome)
        except OSError as error:
            raise InputError(
                f"cannot write to {error.filename or self._options.out}: {error.strerror or error}"
            ) from error
        finally:
            shutil.rmtree(self._options.work, ignore_errors=True)
        self.summary.seconds = time.perf_counter() - began
        return self.summary

    def _begin(self, video: Video) -> None:
        if self._manifest.done(video, RESULT) and self._folder(video).is_dir():
            self.summary.already += 1
            return
        try:
            units = plan_units(video, self._options)
        except SightlineError as error:
            self._note_failure(video, str(error))
            return
        if units[0].kind == "segment":
            missing = [unit for unit in units if not self._is_done(unit)]
            self._segments[video.name] = units
            self._missing[video.name] = {unit.name for unit in missing}
            units = missing or [join_of(units)]
        for unit in units:
            self._submit(unit)

    def _submit(self, unit: Unit) -> None:
        assert self._executor is not None
        self._open += 1
        self._executor.submit(unit)

    def _is_done(self, segment: Unit) -> bool:
        return (
            self._manifest.done(segment.video, segment.name) is not None
            and (self._options.parts / segment.video.name / segment.part).is_file()
        )

    def _fail(self, failed: Failed) -> None:
        if failed.fatal:
            raise ModelError(failed.reason)
        self._note_failure(failed.unit.video, failed.reason)

    def _note_failure(self, video: Video, reason: str) -> None:
        if video.name not in self.summary.failed:  # several segments fail for one reason
            self.summary.failed[video.name] = reason
            self._on_line(reason)

    def _take(self, finished: Finished) -> None:
        """Put a unit's files in their place and write it down."""
        unit = finished.unit
        if finished.interrupted:
            return
        if unit.kind == "segment":
            _move_into(finished.folder, self._options.parts / unit.video.name, replace=False)
            self._manifest.note(unit.video, unit.name, finished.facts)
            missing = self._missing[unit.video.name]
            missing.discard(unit.name)
            if not missing:
                self._submit(join_of(self._segments[unit.video.name]))
            return
        _move_into(finished.folder, self._folder(unit.video), replace=True)
        self._manifest.note(unit.video, unit.name, finished.facts)
        self._count(unit.video, finished.facts)
        if unit.kind == "join":
            shutil.rmtree(self._options.parts / unit.video.name, ignore_errors=True)
            _remove_empty(self._options.parts)

    def _count(self, video: Video, facts: dict[str, Any]) -> None:
        self.summary.done += 1
        self.summary.frames += facts["frames"]
        self.summary.tracks += facts["tracks"]
        for warning in facts["warnings"]:
            self._on_line(f"warning: {video.name}: {warning}")

    def _folder(self, video: Video) -> Path:
        return self._options.out / video.name


def _move_into(source: Path, target: Path, *, replace: bool) -> None:
    """Move complete files, each in one step; those of an earlier run go first if asked."""
    target.mkdir(parents=True, exist_ok=True)
    if replace:
        for old in target.iterdir():
            if old.is_file():
                old.unlink()
    for file in source.iterdir():
        file.replace(target / file.name)
    source.rmdir()


def _remove_empty(folder: Path) -> None:
    """Remove a folder that holds nothing but empty folders."""
    for inner in sorted(folder.rglob("*"), reverse=True):
        if inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
