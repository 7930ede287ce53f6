"""`sightline backup` and `sightline restore`: everything that a service keeps, in one file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.interruption import stop_on_signals

if TYPE_CHECKING:
    from sightline.service.backup.archive import Manifest

__all__ = ["backup", "restore"]

_Config = Annotated[
    Path, typer.Option("--config", "-c", help="YAML file of the service.", show_default=False)
]


def backup(
    config: _Config,
    out: Annotated[
        Path, typer.Option(help="The new file, such as monday.tar.", show_default=False)
    ],
) -> None:
    """Write store, uploads, results and event pictures into one file, while the service runs.

    The file holds passwords of cameras and the paths of people: keep it as the service itself.

    Example:  sightline backup --config service.yaml --out monday.tar
    """
    from sightline.service.backup.backup import back_up
    from sightline.service.config import read_config

    settings = read_config(config)
    with _progress("nothing was written") as on_progress:
        manifest = back_up(settings, out, on_progress, time.time())
    print(f"{out}: {_summary(manifest)}, {out.stat().st_size} bytes")


def restore(
    file: Annotated[Path, typer.Argument(help="What `backup` wrote.", show_default=False)],
    config: _Config,
    replace: Annotated[
        bool, typer.Option("--replace", help="Lose what the store and the folder hold now.")
    ] = False,
) -> None:
    """Put a backup into the store and folder of a service that does not run.

    Everything is checked first; if anything fails, what was there stays.

    Example:  sightline restore --config service.yaml monday.tar
    """
    from sightline.service.backup.restore import restore as put_back
    from sightline.service.config import read_config

    settings = read_config(config)
    with _progress("nothing was changed") as on_progress:
        manifest = put_back(settings, file, on_progress, replace=replace)
    print(f"restored the state of {manifest.made_at}: {_summary(manifest)}")


def _summary(manifest: Manifest) -> str:
    return f"{sum(manifest.rows.values())} rows, {len(manifest.files)} files"


@contextmanager
def _progress(nothing: str) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal; a signal ends the work at its next step, but not its last."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    console = Console(stderr=True)
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    with stop_on_signals() as stopped, bar:
        task = bar.add_task("")

        def advance(what: str, done: int, total: int) -> None:
            if stopped():
                raise KeyboardInterrupt
            bar.update(task, description=what, completed=done, total=total)

        try:
            yield advance
        except KeyboardInterrupt:
            console.print(f"interrupted: {nothing}")
            raise typer.Exit(130) from None
