"""The files that a recording leaves, named after its source."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from sightline.errors import InputError
from sightline.formats import FORMATS, FileSink, open_sink
from sightline.protocols import Sink, Source
from sightline.structures import Frame, Tracks
from sightline.tracker.offline import Timeline
from sightline.video import VideoWriter

__all__ = ["Outputs", "Progress", "no_progress"]

Progress = Callable[[Source], AbstractContextManager[Callable[[Frame, Tracks], None] | None]]
"""Opened around each reading of a source; what it yields is called after every frame."""


def no_progress(_source: Source) -> AbstractContextManager[None]:
    """Nobody is told how far the work is."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Outputs:
    """What is written, and where.

    Args:
        folder: Folder of the files; made if it is missing.
        formats: Names from `sightline.formats.FORMATS`.
        class_names: Name of each class index.
        save_video: Whether an annotated video is one of them.
    """

    folder: Path
    formats: Sequence[str]
    class_names: Sequence[str]
    save_video: bool = False

    def paths(self, source: Source) -> list[Path]:
        """The files that a source will have."""
        suffixes = [FORMATS[name] for name in self.formats] + [".mp4"] * self.save_video
        return [self.folder / (source.name + suffix) for suffix in suffixes]

    @contextmanager
    def open(self, source: Source) -> Iterator[list[Sink]]:
        """All files, open while the block runs and complete when it ends.

        Raises:
            InputError: A file cannot be written.
        """
        with self._write_errors(), ExitStack() as stack:
            sinks: list[Sink] = [*self._open_files(stack, source)]
            if self.save_video:
                writer = VideoWriter(
                    self.paths(source)[-1], rate=source.rate, class_names=self.class_names
                )
                sinks.append(stack.enter_context(writer))
            yield sinks

    def write(
        self,
        reopen: Callable[[], Source],
        timeline: Timeline,
        results: Mapping[int, Tracks],
        progress: Progress,
    ) -> list[Path]:
        """Write tracks that are known already.

        The source is decoded once more only where a video of it is asked for.

        Args:
            reopen: Opens the source that the tracks were made from.
            timeline: The frames that were tracked.
            results: Tracks of each of them, by frame index.
            progress: Told of a second reading.

        Returns:
            The files.

        Raises:
            InputError: A file cannot be written.
            SourceError: The source cannot be opened.
        """
        source = reopen()
        try:
            if self.save_video:
                self._write_with_pictures(source, results, progress)
            else:
                with self._write_errors(), ExitStack() as stack:
                    files = self._open_files(stack, source)
                    for index, time in zip(timeline.frames, timeline.times, strict=True):
                        for file in files:
                            file.write_tracks(int(index), float(time), results[int(index)])
        finally:
            source.close()
        return self.paths(source)

    def _write_with_pictures(
        self, source: Source, results: Mapping[int, Tracks], progress: Progress
    ) -> None:
        with self.open(source) as sinks, progress(source) as advance:
            for frame in source:
                if frame.index not in results:  # an interrupted run ends earlier
                    break
                for sink in sinks:
                    sink.write(frame, results[frame.index])
                if advance is not None:
                    advance(frame, results[frame.index])

    def _open_files(self, stack: ExitStack, source: Source) -> list[FileSink]:
        self.folder.mkdir(parents=True, exist_ok=True)
        files = []
        for name, path in zip(self.formats, self.paths(source), strict=False):
            file = open_sink(
                name,
                path,
                source=source.name,
                width=source.width,
                height=source.height,
                rate=source.rate,
                class_names=self.class_names,
            )
            files.append(stack.enter_context(file))
        return files

    @contextmanager
    def _write_errors(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise InputError(
                f"cannot write to {error.filename or self.folder}: {error.strerror or error}"
            ) from error
