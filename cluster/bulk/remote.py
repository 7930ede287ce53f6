"""What runs on the nodes of a cluster: a video's lane, and its way to the node's detector."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import Any

from sightline.cluster.bulk.options import BulkOptions
from sightline.cluster.bulk.units import Unit
from sightline.cluster.bulk.working import Failed, Outcome, Watch, do_unit
from sightline.errors import ModelError
from sightline.recording import Networks, TrackOptions
from sightline.reid import ColourEmbedder, Embedder
from sightline.structures import Detections, Frame

__all__ = ["Board", "RemoteDetector", "do_remotely"]

_TELL_SECONDS = 1.0


class Board:
    """Where lanes write how far they are; Ray makes an actor of it.

    A unit that is begun again, elsewhere, begins again from 0.
    """

    def __init__(self) -> None:
        self._frames: dict[str, int] = {}

    def tell(self, unit: str, frames: int) -> None:
        """A unit has so many frames now."""
        self._frames[unit] = frames

    def frames(self) -> int:
        """Frames of all units."""
        return sum(self._frames.values())


class RemoteDetector:
    """A detector in another process; implements `protocols.Detector`.

    Args:
        actor: Handle of a `DetectorServer`.

    Raises:
        ModelError: The network cannot be used on that node.
    """

    def __init__(self, actor: Any) -> None:
        import ray

        self._actor = actor
        self.class_names: tuple[str, ...] = ray.get(actor.class_names.remote())

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        """One Detections a frame.

        Raises:
            ModelError: The network failed.
        """
        import ray

        found: list[Detections] = ray.get(self._actor.detect.remote(list(frames)))
        return found


def do_remotely(unit: Unit, options: BulkOptions, detector: Any, board: Any) -> Outcome:
    """Do one unit in a process of the cluster; a Ray task.

    Args:
        unit: What to do.
        options: The run's.
        detector: Handle of the `DetectorServer` that serves this lane.
        board: Handle of the `Board`.
    """
    watch = _TellingWatch(f"{unit.video.name} {unit.name}", board)
    try:
        networks = Networks(RemoteDetector(detector), _embedder(options.track))
    except ModelError as error:
        return Failed(unit, str(error), fatal=True)
    outcome = do_unit(unit, options, networks, watch)
    watch.tell()
    return outcome


@functools.lru_cache(maxsize=1)
def _embedder(options: TrackOptions) -> Embedder | ColourEmbedder | None:
    # Processes of the cluster do one unit after another.
    return options.open_embedder(threads=1)


class _TellingWatch(Watch):
    """Tells a board about once a second."""

    def __init__(self, unit: str, board: Any) -> None:
        super().__init__()
        self._unit = unit
        self._board = board
        self._told = 0.0

    def count(self) -> None:
        super().count()
        if time.monotonic() - self._told > _TELL_SECONDS:
            self.tell()

    def tell(self) -> None:
        self._told = time.monotonic()
        self._board.tell.remote(self._unit, self.frames)
