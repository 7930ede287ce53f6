"""Who does the units of work: this process here, a cluster in `ray_executor.py`."""

from __future__ import annotations

from collections import deque
from typing import Protocol

from sightline.cluster.bulk.options import BulkOptions
from sightline.cluster.bulk.units import Unit
from sightline.cluster.bulk.working import Outcome, Watch, do_unit
from sightline.recording import Networks

__all__ = ["Executor", "LocalExecutor"]


class Executor(Protocol):
    """Does units of work in any order, each until it is done or cannot be."""

    @property
    def frames(self) -> int:
        """Frames tracked so far, of units in hand too."""
        ...

    @property
    def hungry(self) -> bool:
        """Whether it could begin another unit at once."""
        ...

    def submit(self, unit: Unit) -> None:
        """Take on a unit."""
        ...

    def wait(self) -> list[Outcome]:
        """What ended since the last call; returns after a while even if nothing did."""
        ...

    def stop(self) -> None:
        """Give up the units in hand; safe from a signal handler."""
        ...


class LocalExecutor:
    """One unit after the other, in this process.

    Args:
        options: The run's.
        networks: What finds and describes.
    """

    def __init__(self, options: BulkOptions, networks: Networks) -> None:
        self._options = options
        self._networks = networks
        self._units: deque[Unit] = deque()
        self._watch = Watch()

    @property
    def frames(self) -> int:
        """Frames tracked so far."""
        return self._watch.frames

    @property
    def hungry(self) -> bool:
        """Whether nothing waits."""
        return not self._units

    def submit(self, unit: Unit) -> None:
        """Take on a unit."""
        self._units.append(unit)

    def wait(self) -> list[Outcome]:
        """Do the next unit."""
        if not self._units:
            return []
        return [do_unit(self._units.popleft(), self._options, self._networks, self._watch)]

    def stop(self) -> None:
        """End the unit in hand after its frame."""
        self._watch.stop()
