"""Ctrl-C: the work in hand is finished, and what is written is whole."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["stop_on_signals"]


@contextmanager
def stop_on_signals(stop: Callable[[], None] = lambda: None) -> Iterator[Callable[[], bool]]:
    """The first SIGINT or SIGTERM asks the work to end; a second one of its kind ends it hard.

    Args:
        stop: Called at the first signal, from its handler.

    Yields:
        Whether a signal came.
    """
    received = False

    def note(number: int, _frame: FrameType | None) -> None:
        nonlocal received
        received = True
        stop()
        signal.signal(number, before[signal.Signals(number)])

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, note)
    try:
        yield lambda: received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
