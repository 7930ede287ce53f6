"""`sightline rules`: zones and lines tried on recorded tracks."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from sightline.formats import VideoInfo
    from sightline.service.rules import Counts, Event

__all__ = ["app"]

app = typer.Typer(help="Event rules: try zones and lines on recorded tracks.", no_args_is_help=True)


@app.callback()
def _group() -> None: ...


@app.command()
def replay(
    rules: Annotated[
        Path,
        typer.Argument(help="YAML file with zones, lines and rules.", show_default=False),
    ],
    tracks: Annotated[
        Path,
        typer.Argument(help="File of tracks, as `sightline track` writes it.", show_default=False),
    ],
    read_as: Annotated[
        str | None,
        typer.Option("--from", help="Format of the tracks, if the suffix does not tell."),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Frames per second, where the tracks do not name it.")
    ] = 0.0,
    size: Annotated[
        str, typer.Option(help="Size of the picture, as 1920x1080, where the tracks have none.")
    ] = "",
    video: Annotated[
        str | None, typer.Option(help="The video itself, in place of --rate and --size.")
    ] = None,
    classes: Annotated[
        str, typer.Option(help="Names of the classes from 0, where the tracks have none.")
    ] = "",
    bucket: Annotated[
        float, typer.Option(min=0.001, help="Seconds of a stretch in which events are counted.")
    ] = 60.0,
    as_json: Annotated[bool, typer.Option("--json", help="Print events and counts as JSON.")] = (
        False
    ),
) -> None:
    """Say which events a camera's rules report of recorded tracks, as a live run would.

    Example:  sightline rules replay entrance.yaml out/street.jsonl
    """
    from sightline.errors import InputError
    from sightline.formats import read_tracks
    from sightline.service.rules import Counts, RulesEngine, read_scene
    from sightline.service.rules import replay as replay_rules

    scene = read_scene(rules)
    table = read_tracks(tracks, read_as, info=_facts(rate, size, video, classes))
    if not (table.info.width and table.info.height):
        raise InputError(f"{tracks}: the size of the picture is not known; give --size or --video")
    if not table.info.rate and len(table) and table.frame_times[0] != table.frame_times[0]:
        raise InputError(f"{tracks}: the times are not known; give --rate or --video")
    engine = RulesEngine(scene, stream=table.info.source, class_names=table.info.class_names)
    counts = Counts(bucket)
    events = list(replay_rules(engine, table))
    counts.add(*events)
    if as_json:
        _print_json(events, counts, engine.warnings)
    else:
        _print_tables(events, counts, engine.warnings)


def _facts(rate: float, size: str, video: str | None, classes: str) -> VideoInfo:
    from sightline.cli.convert import parse_picture_size
    from sightline.formats import VideoInfo
    from sightline.video import open_source

    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    width, height = parse_picture_size(size)
    given = VideoInfo("", width, height, rate, names)
    if video is None:
        return given
    source = open_source(video)
    source.close()
    return given.completed_by(VideoInfo("", source.width, source.height, source.rate))


def _print_json(events: Sequence[Event], counts: Counts, warnings: Sequence[str]) -> None:
    result = {
        "events": [event.as_dict() for event in events],
        "counts": [asdict(row) for row in counts.rows()],
        "totals": [
            {"rule": rule, "kind": kind, "direction": direction, "count": count}
            for (rule, kind, direction), count in counts.totals().items()
        ],
        "warnings": list(warnings),
    }
    print(json.dumps(result, indent=2))


def _print_tables(events: Sequence[Event], counts: Counts, warnings: Sequence[str]) -> None:
    console = Console(markup=False, highlight=False)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    listed = Table(box=None, pad_edge=False)
    for column in ("time", "event", "rule", "track", "class", "direction", "detail"):
        listed.add_column(column, justify="right" if column in ("time", "track") else "left")
    for event in events:
        listed.add_row(
            f"{event.time:.2f}",
            event.kind,
            event.rule,
            "" if event.track is None else str(event.track),
            event.class_name or "",
            event.direction or "",
            _detail(event),
        )
    summary = Table(box=None, pad_edge=False)
    for column in ("rule", "event", "direction", "total"):
        summary.add_column(column, justify="right" if column == "total" else "left")
    for (rule, kind, direction), count in counts.totals().items():
        summary.add_row(rule, kind, direction, str(count))
    if not events:
        console.print("no events")
        return
    console.print(listed)
    console.print()
    console.print(summary)


def _detail(event: Event) -> str:
    if event.seconds is not None:
        return f"{event.seconds:.1f} s"
    return "" if event.count is None else f"{event.count} tracks"
