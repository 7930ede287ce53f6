"""Readers and engine of `sightline serve --cluster`: the fleet behind the service's interfaces."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.cluster.live import board
from sightline.cluster.live.agent import NodeAgent
from sightline.cluster.live.fleet import Fleet, MakeNode
from sightline.cluster.live.link import Link
from sightline.cluster.live.node import AgentLink, Node
from sightline.cluster.live.wire import ToService
from sightline.service.cameras.clips import Clip, HiddenAreas
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.host import Message
from sightline.service.engine.messages import EngineReport, FrameCounts, FrameResult
from sightline.service.steady import SteadyClock
from sightline.service.telemetry.logs import log_settings
from sightline.service.watching import Listeners, Watching, clip_seconds

__all__ = ["node_name", "watch_on_cluster"]

_log = logging.getLogger(__name__)

_LOOK_SECONDS = 1.0
_CALLS_AT_ONCE = 8
"""Of one agent: orders, what it tells, and pictures that are fetched."""


def watch_on_cluster(config: Config, clock: SteadyClock, listeners: Listeners) -> Watching:
    """Readers and engines on the nodes of the cluster that this process is connected to."""
    fleet = Fleet(config, clock, listeners)
    lookout = _Lookout(fleet, config, clock)
    return Watching(_Cameras(fleet, lookout), _Engine(fleet, lookout))


def node_name(node: Mapping[str, Any]) -> str:
    """What a node of `ray.nodes()` is called: the name that it was given, and its number."""
    return f"{node['NodeName']}-{node['NodeID'][:8]}"


class _Lookout:
    """Looks which nodes there are, and what operators ask for, in a thread of its own."""

    def __init__(self, fleet: Fleet, config: Config, clock: SteadyClock) -> None:
        self._fleet = fleet
        self._config = config
        self._clock = clock
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cluster-lookout", daemon=True)

    def start(self) -> None:
        """Begin to use the cluster's nodes."""
        self._thread.start()

    def close(self) -> None:
        """Look no longer."""
        self._ended.set()
        if self._thread.ident is not None:
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        import ray
        from ray.exceptions import RayError

        while not self._ended.is_set():
            try:
                nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
                alive = {node_name(node): self._maker(node) for node in _usable(nodes)}
                self._fleet.note_nodes(alive, board.draining())
                board.show(self._fleet.views(), self._clock.now())
            except (RayError, RuntimeError, OSError) as error:
                _log.warning("the cluster cannot be asked for its nodes: %s", error)
            self._ended.wait(_LOOK_SECONDS)

    def _maker(self, node: Mapping[str, Any]) -> MakeNode:
        config, clock = self._config, self._clock

        def make(
            on_message: Callable[[ToService], None],
            on_engine: Callable[[Message], None],
            on_open: Callable[[], None],
            on_lost: Callable[[str], None],
        ) -> Node:
            def open_link(
                hear: Callable[[ToService], None],
                opened: Callable[[], None],
                lost: Callable[[str], None],
            ) -> AgentLink:
                return Link(_start_agent(node, config), clock, hear, opened, lost)

            return Node(
                node_name(node),
                node.get("Labels") or {},
                config,
                clock,
                self._fleet.accounts,
                open_link,
                on_message,
                on_engine,
                on_open,
                on_lost,
            )

        return make


def _usable(nodes: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Nodes that work; a head that was started without CPUs is for the cluster alone."""
    for node in nodes:
        if node["Alive"] and node["Resources"].get("CPU", 0) > 0:
            yield node


def _start_agent(node: Mapping[str, Any], config: Config) -> Any:
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    has_gpu = node["Resources"].get("GPU", 0) >= 1 and config.detector.device != "cpu"
    actor: Any = ray.remote(NodeAgent)
    return actor.options(
        num_cpus=config.cluster.cpus,
        num_gpus=1 if has_gpu else 0,
        max_concurrency=_CALLS_AT_ONCE,
        scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False),
    ).remote(config.detector, config.tracker, clip_seconds(config), log_settings())


class _Cameras:
    """The service's `Cameras`."""

    def __init__(self, fleet: Fleet, lookout: _Lookout) -> None:
        self._fleet = fleet
        self._lookout = lookout

    def add(self, stream: Stream, guard: Guard | None = None) -> None:
        self._fleet.add_camera(stream, guard)

    def replace(self, stream: Stream, guard: Guard | None = None) -> None:
        self._fleet.replace_camera(stream, guard)

    def remove(self, stream: str) -> None:
        self._fleet.remove_camera(stream)

    def start(self, stream: str) -> None:
        self._fleet.start_camera(stream)

    def stop(self, stream: str) -> None:
        self._fleet.stop_camera(stream)

    def status(self, stream: str) -> StreamStatus:
        return self._fleet.status(stream)

    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas] = (),
        *,
        moment: float | None = None,
        around: tuple[float, float] | None = None,
    ) -> Future[Clip]:
        return self._fleet.clip(stream, begin, end, hidden, moment, around)

    def close(self) -> None:
        self._lookout.close()
        self._fleet.stop_reading()


class _Engine:
    """The service's `Engine`."""

    def __init__(self, fleet: Fleet, lookout: _Lookout) -> None:
        self._fleet = fleet
        self._lookout = lookout

    def start(self) -> None:
        self._lookout.start()

    def add(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        self._fleet.track(stream, first_number, state)

    def update(self, stream: Stream) -> None:
        self._fleet.retrack(stream)

    def remove(self, stream: str) -> None:
        self._fleet.untrack(stream)

    def forget(self, stream: str) -> None:
        self._fleet.accounts.forget(stream)

    def counts(self, stream: str) -> FrameCounts | None:
        return self._fleet.accounts.counts(stream)

    def watch(self, stream: str, until: float) -> None:
        self._fleet.home(stream).watch(stream, until)

    def picture(self, stream: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:
        return self._fleet.home(stream).picture(stream)

    def report(self) -> EngineReport:
        return self._fleet.report()

    def close(self) -> None:
        self._lookout.close()
        self._fleet.close()
