"""What the commands that run a pipeline share: lists of names, progress, summary."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from sightline.errors import InputError
from sightline.pipeline import Summary
from sightline.protocols import Source
from sightline.structures import Frame, Tracks

__all__ = ["compiling_notice", "errors", "parse_list", "print_summary", "progress_of"]

errors = Console(stderr=True, highlight=False)


def parse_list(text: str, known: Sequence[str], what: str) -> list[str]:
    """Split `a,b,c` and check each name.

    Raises:
        InputError: A name is not known, or none is given.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        raise InputError(
            f"unknown {what} {', '.join(unknown) or text!r}; choose from {', '.join(known)}"
        )
    return names


@contextmanager
def compiling_notice() -> Iterator[None]:
    """Say on a terminal what takes so long where the tracker's engine is compiled first."""
    notice = threading.Timer(
        2.0, errors.print, ["compiling the tracker, once on this machine (up to a minute) …"]
    )
    if sys.stderr.isatty():
        notice.start()
    try:
        yield
    finally:
        notice.cancel()


def print_summary(summary: Summary, paths: Sequence[Path], *, as_json: bool) -> None:
    """Print what a run did: a table on stderr, or JSON on stdout."""
    for warning in summary.warnings:
        errors.print(f"sightline: warning: {warning}", markup=False, soft_wrap=True)
    if as_json:
        fields = asdict(summary) | {
            "frames_per_second": summary.frames_per_second,
            "outputs": [str(path) for path in paths],
        }
        print(json.dumps(fields, indent=2))
        return
    table = Table(show_header=False, box=None, pad_edge=False)
    counts = (
        f"{summary.frames} in {summary.seconds:.1f} s ({summary.frames_per_second:.1f} a second)"
    )
    table.add_row("frames", counts)
    if summary.skipped or summary.dropped:
        table.add_row("", f"{summary.skipped} corrupt, {summary.dropped} dropped")
    table.add_row("tracks", str(summary.tracks))
    if summary.frames:
        stages = ", ".join(
            f"{stage} {1000 * seconds / summary.frames:.1f}"
            for stage, seconds in summary.stage_seconds.items()
        )
        table.add_row("ms a frame", stages)
    for number, path in enumerate(paths):
        table.add_row("" if number else "written", str(path))
    if summary.interrupted:
        table.add_row("", "interrupted: the files hold what was tracked until then")
    errors.print(table)


@contextmanager
def progress_of(source: Source) -> Iterator[Callable[[Frame, Tracks], None] | None]:
    """A bar that counts frames on a terminal; None where stderr is none."""
    if not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]} frames/s, {task.fields[tracks]} tracks"),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task(source.name, total=source.frame_count, rate="–", tracks=0)

        def advance(_frame: Frame, tracks: Tracks) -> None:
            speed = progress.tasks[0].finished_speed or progress.tasks[0].speed
            progress.update(
                task, advance=1, rate=f"{speed:.1f}" if speed else "–", tracks=len(tracks)
            )

        yield advance
