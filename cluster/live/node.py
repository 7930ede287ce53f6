"""One node of the cluster: its agent, the host of its engine, and what frames cost there."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Literal, Protocol

from sightline.cluster.live.placement import Cost, Site
from sightline.cluster.live.remote import RemoteEngine, RemoteRing
from sightline.cluster.live.wire import EngineEnded, EngineTold, ToAgent, ToService, Vitals
from sightline.service.config import Config
from sightline.service.engine.accounts import Accounts
from sightline.service.engine.host import EngineHost, Message
from sightline.service.engine.wire import Failed
from sightline.service.steady import SteadyClock

__all__ = ["AgentLink", "Node", "NodeState"]

NodeState = Literal["STARTING", "READY", "DRAINING", "DRAINED", "LOST"]

_ENOUGH_FRAMES = 50
_USUAL_SECONDS = 0.03
_lives = itertools.count(1)


class AgentLink(Protocol):
    """The connection to an agent: `Link`."""

    def start(self) -> None:
        """Begin to talk with it."""

    def send(self, message: ToAgent) -> None:
        """Tell it something; OSError where it is gone."""

    def picture(self, ring: str, after: int) -> tuple[bytes, int, float] | None:
        """The newest picture of a ring."""

    def close(self) -> None:
        """End the agent in peace."""

    def kill(self) -> None:
        """End the agent now."""


OpenLink = Callable[
    [Callable[[ToService], None], Callable[[], None], Callable[[str], None]], AgentLink
]
"""Makes a link of what is told: messages, that it is open, that it is lost."""


class Node:
    """A node from the moment its agent is started to the end of that agent.

    Args:
        name: What people call it.
        labels: Ray's.
        config: The service's.
        clock: The service's.
        accounts: Shared by all nodes.
        open_link: Starts an agent there.
        on_message: Called with what the agent tells, but for its engine.
        on_engine: Called with what the engine tells, in order.
        on_open: Called when the agent works.
        on_lost: Called when it is gone.
    """

    def __init__(
        self,
        name: str,
        labels: Mapping[str, str],
        config: Config,
        clock: SteadyClock,
        accounts: Accounts,
        open_link: OpenLink,
        on_message: Callable[[ToService], None],
        on_engine: Callable[[Message], None],
        on_open: Callable[[], None],
        on_lost: Callable[[str], None],
    ) -> None:
        self.name = name
        self.labels = labels
        self.state: NodeState = "STARTING"
        self._on_message = on_message
        self._vitals: Vitals | None = None
        self._engine: RemoteEngine | None = None
        self._engine_lock = threading.Lock()
        self._link = open_link(self._hear, on_open, on_lost)
        self.host = EngineHost(
            config.detector,
            config.tracker,
            clock,
            on_engine,
            start=self._start_engine,
            accounts=accounts,
            make_ring=lambda name, height, width: RemoteRing(
                name, height, width, self.send, self._link.picture
            ),
        )
        self._link.start()

    @property
    def reading(self) -> Mapping[str, float]:
        """Share of a core that reading each camera took lately."""
        return {} if self._vitals is None else self._vitals.reading

    def open(self) -> None:
        """The agent works: have the engine started."""
        self.state = "READY"
        self.host.start()

    def send(self, message: ToAgent) -> None:
        """Tell the agent something.

        Raises:
            OSError: It is gone.
        """
        self._link.send(message)

    def site(self, cameras: Mapping[str, Cost]) -> Site:
        """The node as placing sees it, with what is read there."""
        report = self.host.report()
        detecting, tracking = _USUAL_SECONDS, 0.0
        if report.frames >= _ENOUGH_FRAMES:
            spent = dict(report.stage_seconds)
            detecting = spent.pop("detect", 0.0) / report.frames
            spent.pop("wait for tracking", None)
            tracking = sum(spent.values()) / report.frames
        return Site(
            name=self.name,
            labels=self.labels,
            cores=1 if self._vitals is None else self._vitals.cores,
            detecting=detecting,
            tracking=tracking,
            has_device=report.device not in ("", "cpu"),
            cameras=cameras,
        )

    def close(self) -> None:
        """Save and end all; takes up to some seconds."""
        self.host.close()
        self._link.close()

    def kill(self) -> None:
        """Nothing can be expected of it any more."""
        with self._engine_lock:
            if self._engine is not None:
                self._engine.lose()
        self._link.kill()

    def _start_engine(self) -> RemoteEngine:
        with self._engine_lock:
            self._engine = RemoteEngine(next(_lives), self.send)
            return self._engine

    def _hear(self, message: ToService) -> None:
        match message:
            case EngineTold() | EngineEnded():
                with self._engine_lock:
                    engine = self._engine
                if engine is None or engine.life != message.life:
                    return
                if isinstance(message, EngineEnded) and message.error:
                    engine.pipe.put(Failed(message.error))
                engine.hear(message)
            case Vitals():
                self._vitals = message
                self._on_message(message)
            case _:
                self._on_message(message)
