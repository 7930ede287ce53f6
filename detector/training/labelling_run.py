"""What runs that label have in common: a bar on a terminal, and an orderly end on Ctrl-C."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["LabellingRun", "labelling_run"]


class LabellingRun:
    """Counts images, and knows whether the run is to end.

    Attributes:
        stopped: Whether Ctrl-C was pressed: the image in hand is finished, and no other begun.
    """

    def __init__(self, progress: Progress) -> None:
        self.stopped = False
        self._progress = progress
        self._task = progress.add_task("labelling", total=0)

    def begin(self, name: str, images: int | None) -> None:
        """Start a part of the run, of so many images or an unknown number."""
        self._progress.reset(self._task, description=name, total=images)

    def advance(self) -> None:
        """One image more is done."""
        self._progress.advance(self._task)


@contextmanager
def labelling_run() -> Iterator[LabellingRun]:
    """A run with its bar; the first SIGINT stops it gently, a second one ends it hard.

    Signals are left alone outside the main thread, where Python cannot take them.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    console = Console(stderr=True)
    with Progress(
        *columns, console=console, transient=True, disable=not sys.stderr.isatty()
    ) as progress:
        run = LabellingRun(progress)
        if threading.current_thread() is not threading.main_thread():
            yield run
            return
        before = signal.getsignal(signal.SIGINT)

        def stop(number: int, _frame: FrameType | None) -> None:
            run.stopped = True
            signal.signal(number, before)

        signal.signal(signal.SIGINT, stop)
        try:
            yield run
        finally:
            signal.signal(signal.SIGINT, before)
