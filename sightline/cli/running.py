"""What the commands that run a pipeline share: outputs, progress, interruption, summary."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml
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

from sightline import protocols
from sightline.cli.interruption import stop_on_signals
from sightline.detector import Detector
from sightline.detector.embedded import default_model
from sightline.detector.tiling import TiledDetector, parse_tiles
from sightline.errors import ConfigError, InputError
from sightline.formats import FORMATS, open_sink
from sightline.formats.mot import read_affines
from sightline.inference import Device
from sightline.pipeline import Pipeline, Summary, run
from sightline.protocols import CameraMotion, Sink, Source
from sightline.structures import Frame, Tracks
from sightline.tracker import Tracker
from sightline.video import CameraMotionEstimator, VideoWriter
from sightline.video.recorded_motion import RecordedCameraMotion

__all__ = [
    "choose_camera_motion",
    "make_detector",
    "make_tracker",
    "open_outputs",
    "parse_list",
    "parse_size",
    "print_summary",
    "progress_of",
    "record",
]

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


def parse_size(text: str | None) -> int | tuple[int, int] | None:
    """A network's input: `640`, or `736x1280` (height x width).

    Raises:
        InputError: The text is neither.
    """
    if text is None:
        return None
    parts = text.split("x")
    if not 1 <= len(parts) <= 2 or not all(part.isdecimal() for part in parts):
        raise InputError(f"size: expected 640 or 736x1280 (height x width), got {text!r}")
    return int(text) if len(parts) == 1 else (int(parts[0]), int(parts[1]))


def make_detector(
    model: str | None,
    *,
    device: Device,
    confidence: float,
    classes: Sequence[str] | None,
    size: str | None,
    tiles: str | None,
) -> protocols.Detector:
    """The detector that the options of a command ask for.

    Args:
        model: Name of the registry, or a file; None for the embedded network.
        device: Where it runs.
        confidence: Lowest score that is kept.
        classes: Names to keep, or None for all.
        size: The network's input, as `parse_size` reads it.
        tiles: Rows x columns of overlapping parts to look in as well, or None.

    Raises:
        InputError: A text is not what it should be, or a class is unknown.
        ModelError: The network cannot be found, loaded or read, or the device used.
    """
    parts = None if tiles is None else parse_tiles(tiles)
    detector = Detector(
        model or default_model(device),
        device=device,
        confidence=confidence,
        classes=classes,
        size=parse_size(size),
    )
    return detector if parts is None else TiledDetector(detector, *parts)


def choose_camera_motion(choice: str, source_name: str, tracker: Tracker) -> CameraMotion | None:
    """What `--camera-motion` names.

    Args:
        choice: `auto` (from pixels, if the tracker uses it), `off`, or a folder that holds
            `SOURCE_NAME.txt`.
        source_name: Name of the source.
        tracker: The tracker that will take the motion.

    Raises:
        InputError: The folder does not hold that file, or the file cannot be read.
    """
    if choice == "off":
        return None
    if choice == "auto":
        return CameraMotionEstimator() if tracker.parameters["camera_motion"] else None
    return RecordedCameraMotion(read_affines(Path(choice) / f"{source_name}.txt"))


def make_tracker(
    preset: str,
    settings: Sequence[str] = (),
    appearance: Mapping[str, float | str] = MappingProxyType({}),
) -> Tracker:
    """A tracker; says on a terminal what takes so long where its engine is compiled first.

    Args:
        preset: Name of a preset, or a YAML file.
        settings: Parameters that replace the preset's, as `NAME=VALUE`.
        appearance: Parameters that belong to the embedder; `settings` come before them.

    Raises:
        ConfigError: The preset or a parameter is unknown or wrong.
    """
    overrides: dict[str, Any] = dict(appearance)
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise ConfigError(f"--set takes NAME=VALUE, such as birth_score=0.5; got {setting!r}")
        overrides[name.strip()] = yaml.safe_load(value)
    notice = threading.Timer(
        2.0, errors.print, ["compiling the tracker, once on this machine (up to a minute) …"]
    )
    if sys.stderr.isatty():
        notice.start()
    try:
        return Tracker(preset, **overrides)
    finally:
        notice.cancel()


def record(
    pipeline: Pipeline,
    out: Path,
    formats: Sequence[str],
    *,
    class_names: Sequence[str],
    save_video: bool = False,
) -> tuple[Summary, list[Path]]:
    """Run a pipeline into files named after its source, with progress on a terminal.

    Ctrl-C ends the run after the frame in hand; the files then hold all frames before it.

    Args:
        pipeline: What to run.
        out: Folder of the outputs; made if it is missing.
        formats: Names from `sightline.formats.FORMATS`.
        class_names: Name of each class index.
        save_video: Whether an annotated video is written as well.

    Returns:
        What happened, and the files that were written.

    Raises:
        InputError: A file cannot be written.
        SourceError: The source could not be read at all.
    """
    try:
        # Around the sinks too: what they do when they close is not to be interrupted either.
        with stop_on_signals(pipeline.stop) as interrupted, ExitStack() as stack:
            sinks, paths = open_outputs(
                stack, pipeline.source, out, formats, class_names, save_video=save_video
            )
            with progress_of(pipeline.source) as advance:
                summary = run(pipeline, sinks, advance)
            summary.interrupted = interrupted()
    finally:
        pipeline.close()
    return summary, paths


def open_outputs(
    stack: ExitStack,
    source: Source,
    out: Path,
    formats: Sequence[str],
    class_names: Sequence[str],
    *,
    save_video: bool,
) -> tuple[list[Sink], list[Path]]:
    """Open the files that a run leaves, named after its source.

    Args:
        stack: Closes them; an error of writing becomes an `InputError` there.
        source: What is tracked.
        out: Folder of the outputs; made if it is missing.
        formats: Names from `sightline.formats.FORMATS`.
        class_names: Name of each class index.
        save_video: Whether an annotated video is one of them.

    Raises:
        InputError: A file cannot be written.
    """
    stack.enter_context(_write_errors(out))
    out.mkdir(parents=True, exist_ok=True)
    sinks: list[Sink] = []
    paths = [out / (source.name + FORMATS[name]) for name in formats]
    for name, path in zip(formats, paths, strict=True):
        sink = open_sink(
            name,
            path,
            source=source.name,
            width=source.width,
            height=source.height,
            rate=source.rate,
            class_names=class_names,
        )
        sinks.append(stack.enter_context(sink))
    if save_video:
        paths.append(out / f"{source.name}.mp4")
        writer = VideoWriter(paths[-1], rate=source.rate, class_names=class_names)
        sinks.append(stack.enter_context(writer))
    return sinks, paths


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
def _write_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"cannot write to {error.filename or out}: {error.strerror or error}"
        ) from error


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
