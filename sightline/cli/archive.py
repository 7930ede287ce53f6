"""`sightline track ARCHIVE`: many videos, here or on a cluster, and what came of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, replace
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.progress import TimeElapsedColumn as Elapsed
from rich.table import Table
from rich.text import Text

from sightline.cli.interruption import stop_on_signals
from sightline.cli.running import compiling_notice, errors
from sightline.cluster.bulk.archive import find_videos
from sightline.cluster.bulk.executor import Executor, LocalExecutor
from sightline.cluster.bulk.manifest import Manifest
from sightline.cluster.bulk.options import BulkOptions, settings_of
from sightline.cluster.bulk.run import ArchiveSummary, BulkRun
from sightline.recording import Networks, TrackOptions
from sightline.tracker import Tracker

__all__ = ["track_archive"]


def track_archive(
    spec: str, track: TrackOptions, out: Path, *, split: float, cluster: str | None, as_json: bool
) -> None:
    """Track every video of an archive, and print what came of it.

    Args:
        spec: Folder, list, pattern or video.
        track: What each video is tracked with.
        out: Folder of the results.
        split: Seconds of a segment of a long video; 0 splits none.
        cluster: `auto`, the address of a Ray cluster, or None for this process.
        as_json: Whether the summary is JSON on stdout.

    Raises:
        InputError: There are no videos, or the results cannot be written.
        ConfigError: An option is wrong, or there is no such cluster.
        ModelError: A network cannot be used.
        StateError: Another run writes there.
        typer.Exit: Some videos could not be tracked, or the run was interrupted.
    """
    videos = find_videos(spec)
    networks, tracker = _open(track, elsewhere=cluster is not None)
    options = BulkOptions.resolved(track, out, split, tracker)
    with ExitStack() as stack:
        manifest = stack.enter_context(Manifest(options.out, settings_of(options, tracker)))
        run = BulkRun(videos, options, manifest, _say)
        executor = stack.enter_context(_executor(options, networks, cluster))
        # Ray puts handlers of its own in place; ours come after them.
        stack.enter_context(stop_on_signals(run.stop))
        stack.enter_context(_progress_of(run))
        summary = run.run(executor)
    _print(summary, options.out, as_json=as_json)
    if summary.interrupted:
        raise typer.Exit(130)
    if summary.failed:
        raise typer.Exit(3)


def _open(track: TrackOptions, *, elsewhere: bool) -> tuple[Networks, Tracker]:
    """The networks and a tracker; wrong options are found before anything runs."""
    if elsewhere:  # this machine needs not have the device of the others
        track = replace(track, detector=replace(track.detector, device="cpu"))
    embedder = track.open_embedder()
    with compiling_notice():
        tracker = track.make_tracker(embedder)
    return Networks(track.detector.open(), embedder), tracker


@contextmanager
def _executor(options: BulkOptions, networks: Networks, cluster: str | None) -> Iterator[Executor]:
    if cluster is None:
        yield LocalExecutor(options, networks)
        return
    from sightline.cluster.bulk.ray_executor import RayExecutor
    from sightline.cluster.session import connect

    with connect(cluster), closing(RayExecutor(options)) as executor:
        yield executor


def _say(line: str) -> None:
    errors.print(f"sightline: {line}", markup=False, soft_wrap=True)


@contextmanager
def _progress_of(run: BulkRun) -> Iterator[None]:
    """A bar that counts videos on a terminal."""
    if not sys.stderr.isatty():
        yield
        return
    columns = (
        TextColumn("videos"),
        BarColumn(),
        MofNCompleteColumn(),
        _FramesColumn(run),
        Elapsed(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        progress.add_task("videos", total=run.summary.videos)
        yield


class _FramesColumn(ProgressColumn):
    """Frames so far; it brings the count of videos up to date as well."""

    def __init__(self, run: BulkRun) -> None:
        super().__init__()
        self._run = run

    def render(self, task: Task) -> Text:
        summary = self._run.summary
        task.completed = summary.already + summary.done + len(summary.failed)
        speed = self._run.frames / task.elapsed if task.elapsed else 0.0
        failed = f", {len(summary.failed)} failed" if summary.failed else ""
        return Text(f"{self._run.frames} frames, {speed:.1f} a second{failed}")


def _print(summary: ArchiveSummary, out: Path, *, as_json: bool) -> None:
    if as_json:
        fields = asdict(summary) | {
            "frames_per_second": summary.frames_per_second,
            "out": str(out),
        }
        print(json.dumps(fields, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    counts = [f"{summary.done} of {summary.videos} tracked"]
    if summary.already:
        counts.append(f"{summary.already} done before")
    if summary.failed:
        counts.append(f"{len(summary.failed)} failed")
    table.add_row("videos", ", ".join(counts))
    rate = f"{summary.frames_per_second:.1f} a second"
    table.add_row("frames", f"{summary.frames} in {summary.seconds:.1f} s ({rate})")
    table.add_row("tracks", str(summary.tracks))
    table.add_row("written", str(out))
    if summary.interrupted:
        table.add_row("", "interrupted: the same command goes on where it was left")
    errors.print(table)
