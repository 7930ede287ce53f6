"""Units of work on the nodes of a Ray cluster, whatever happens to these."""

from __future__ import annotations

import contextlib
import functools
import time
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any

from sightline.cluster.bulk.batching import DetectorServer
from sightline.cluster.bulk.options import BulkOptions
from sightline.cluster.bulk.remote import Board, do_remotely
from sightline.cluster.bulk.units import Unit
from sightline.cluster.bulk.working import Failed, Outcome
from sightline.errors import ConfigError

__all__ = ["RayExecutor"]

_CORES = 1
"""Cores of a slice that has a detector of its own. Networks of this size gain more from a second
detector than from a second thread."""

_LANES = 2
"""Videos that a slice of cores works on: one is tracked while the other waits for detections."""

_GPU_LANES = 8
"""Videos that a GPU works on: each decodes, tracks and embeds on a core or so."""

_BATCH = 8
"""Frames that a lane asks for at once; it costs a message a batch."""

_GPU_BATCH = 32

_ATTEMPTS = 3
"""How often a unit whose process died is done again: a file that kills every process that reads it
must not go round for ever."""

_PLACE_SECONDS = 2.0
_WAIT_SECONDS = 0.5


@dataclass(slots=True, eq=False)
class _Slot:
    """A detector on a node, and the lanes that it serves.

    Args:
        node: The node's id.
        gpu: Whether it has a share of a GPU.
        detector: Handle of its `DetectorServer`.
        lanes: Units in hand by the reference of their outcome.
    """

    node: str
    gpu: bool
    detector: Any
    lanes: dict[Any, Unit] = field(default_factory=dict)

    @property
    def free(self) -> int:
        """How many more units it can have in hand."""
        return (_GPU_LANES if self.gpu else _LANES) - len(self.lanes)


class RayExecutor:
    """Does units on a cluster that this program is connected to.

    Every node has a detector a GPU, else one a slice of its cores, and some lanes to each. Nodes
    may come and go. A unit whose process, detector or node dies is done again from its beginning;
    what it had written by then is in nobody's way.

    Args:
        options: The run's.

    Attributes:
        begun_again: Units that were begun again because somebody died.

    Raises:
        ConfigError: The cluster has no cores.
    """

    def __init__(self, options: BulkOptions) -> None:
        import ray

        self._options = replace(
            options, track=replace(options.track, batch=max(options.track.batch, _BATCH))
        )
        self._units: deque[Unit] = deque()
        self._deaths: dict[Unit, int] = {}
        self._slots: list[_Slot] = []
        self._placed_at = -_PLACE_SECONDS
        self._stopped = False
        self._frames = 0
        self.begun_again = 0
        here = ray.get_runtime_context().get_node_id()
        self._board = _on_node(here, ray.remote(Board), num_cpus=0).remote()
        self._place()
        if not self._slots:
            raise ConfigError("the Ray cluster has no node with a core; start some with num_cpus")

    @property
    def frames(self) -> int:
        """Frames tracked so far."""
        return self._frames

    @property
    def hungry(self) -> bool:
        """Whether a lane is free."""
        return len(self._units) < sum(slot.free for slot in self._slots)

    def submit(self, unit: Unit) -> None:
        """Take on a unit."""
        self._units.append(unit)

    def wait(self) -> list[Outcome]:
        """What ended since the last call."""
        import ray

        if self._stopped:
            return []
        self._place()
        self._fill()
        running = [reference for slot in self._slots for reference in slot.lanes]
        if not running:
            time.sleep(_WAIT_SECONDS)  # until a node comes
            return []
        ended, _ = ray.wait(running, num_returns=1, timeout=_WAIT_SECONDS)
        outcomes = [self._end(reference) for reference in ended]
        with contextlib.suppress(ray.exceptions.RayError):
            self._frames = ray.get(self._board.frames.remote(), timeout=_WAIT_SECONDS)
        return [outcome for outcome in outcomes if outcome is not None]

    def stop(self) -> None:
        """Give up the units in hand; what runs for them ends with `close`."""
        self._stopped = True

    def close(self) -> None:
        """End everything that runs for this program."""
        for slot in list(self._slots):
            self._retire(slot)

    def _end(self, reference: Any) -> Outcome | None:
        """What came of a unit; None if it is to be done again, or was given up meanwhile."""
        import ray

        slot = next((slot for slot in self._slots if reference in slot.lanes), None)
        if slot is None:
            return None
        unit = slot.lanes.pop(reference)
        try:
            outcome: Outcome = ray.get(reference)
        except ray.exceptions.RayError as error:
            cause = getattr(error, "cause", None)
            if isinstance(error, ray.exceptions.RayTaskError) and not isinstance(
                cause, ray.exceptions.RayError
            ):
                return Failed(unit, f"{unit.video.path}: {type(cause).__name__}: {cause}")
            return self._after_death(slot, unit)
        return outcome

    def _after_death(self, slot: _Slot, unit: Unit) -> Outcome | None:
        """Somebody died: the slot is given up, and placed anew where its node still is."""
        self._retire(slot)
        self._deaths[unit] = self._deaths.get(unit, 0) + 1
        if self._deaths[unit] == _ATTEMPTS:
            return Failed(
                unit, f"{unit.video.path}: the process that read it died {_ATTEMPTS} times"
            )
        self._again(unit)
        return None

    def _again(self, unit: Unit) -> None:
        self.begun_again += 1
        self._units.appendleft(unit)

    def _retire(self, slot: _Slot) -> None:
        import ray

        self._slots.remove(slot)
        for reference, unit in slot.lanes.items():
            ray.cancel(reference, force=True)
            self._again(unit)
        ray.kill(slot.detector)
        self._placed_at = -_PLACE_SECONDS

    def _fill(self) -> None:
        import ray

        while self._units:
            slot = max(self._slots, key=lambda slot: slot.free, default=None)
            if slot is None or slot.free < 1:
                return
            unit = self._units.popleft()
            share = 0.5 / _GPU_LANES if slot.gpu else 0
            lane = _on_node(
                slot.node, ray.remote(do_remotely), num_cpus=0, num_gpus=share, max_retries=0
            )
            reference = lane.remote(unit, self._options, slot.detector, self._board)
            slot.lanes[reference] = unit

    def _place(self) -> None:
        """Detectors on nodes that came; what ran on nodes that went is done elsewhere."""
        import ray

        if time.monotonic() - self._placed_at < _PLACE_SECONDS:
            return
        self._placed_at = time.monotonic()
        nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
        alive = {node["NodeID"]: node["Resources"] for node in nodes if node["Alive"]}
        for slot in [slot for slot in self._slots if slot.node not in alive]:
            self._retire(slot)
        for node, resources in alive.items():
            gpus = int(resources.get("GPU", 0))
            wanted = gpus or int(resources.get("CPU", 0)) // _CORES
            there = sum(slot.node == node for slot in self._slots)
            for _ in range(wanted - there):
                self._slots.append(self._new_slot(node, gpu=gpus > 0))

    def _new_slot(self, node: str, *, gpu: bool) -> _Slot:
        import ray

        detector = self._options.track.detector
        actor = _on_node(
            node,
            ray.remote(DetectorServer),
            num_cpus=0 if gpu else _CORES,
            num_gpus=0.5 if gpu else 0,
            max_concurrency=2 * _GPU_LANES,
        ).remote(
            functools.partial(detector.open, threads=0 if gpu else _CORES),
            _GPU_BATCH if gpu else _BATCH,
        )
        return _Slot(node, gpu, actor)


def _on_node(node: str, remote: Any, **options: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    strategy = NodeAffinitySchedulingStrategy(node, soft=False)
    return remote.options(scheduling_strategy=strategy, **options)
