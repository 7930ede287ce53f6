"""The nodes that a fleet works with: those that are there, were lost, or are under maintenance."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping

from sightline.cluster.live.board import NodeView
from sightline.cluster.live.node import Node, NodeState
from sightline.cluster.live.placement import Cost, Site, load
from sightline.cluster.live.wire import ToAgent
from sightline.service.engine.messages import EngineReport

__all__ = ["Nodes"]

_GATHER_SECONDS = 60.0
"""How long cameras wait at the start for nodes that are being started, to be spread evenly."""
_AGAIN_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)

Costs = Callable[[str], Mapping[str, Cost]]
"""What the cameras of a node take."""


class Nodes:
    """Used by the fleet's thread, but for `reports`."""

    def __init__(self) -> None:
        self._nodes: dict[str, Node] = {}
        self._lost: dict[str, tuple[int, float, str]] = {}
        self._drained: set[str] = set()
        self._began = time.monotonic()

    def get(self, name: str | None) -> Node | None:
        """The node of that name, if it works."""
        return None if name is None else self._nodes.get(name)

    def there(self) -> list[Node]:
        """Every node that is there."""
        return list(self._nodes.values())

    def of(self, state: NodeState) -> list[Node]:
        """The nodes in a state."""
        return [node for node in self._nodes.values() if node.state == state]

    def missing(self, alive: Collection[str], draining: Collection[str]) -> list[str]:
        """Nodes of the cluster whose agents are to be started now."""
        now = time.monotonic()
        self._drained &= set(draining)
        return [
            name
            for name in alive
            if name not in self._nodes
            and name not in draining
            and now >= self._lost.get(name, (0, 0.0, ""))[1]
        ]

    def enter(self, name: str, node: Node) -> None:
        """An agent is being started."""
        self._nodes[name] = node

    def mark(self, draining: Collection[str]) -> None:
        """These are to be emptied, and no others."""
        for name, node in self._nodes.items():
            if name in draining and node.state == "READY":
                node.state = "DRAINING"
            elif name not in draining and node.state == "DRAINING":
                node.state = "READY"

    def lose(self, name: str, reason: str) -> Node | None:
        """A node is gone; it is tried again after a while, if the cluster still has it."""
        node = self._nodes.pop(name, None)
        if node is not None:
            node.state = "LOST"
            tries = self._lost.get(name, (0, 0.0, ""))[0]
            pause = _AGAIN_SECONDS[min(tries, len(_AGAIN_SECONDS) - 1)]
            self._lost[name] = (tries + 1, time.monotonic() + pause, reason)
        return node

    def retire(self, node: Node) -> None:
        """A node is empty, and left alone from now on."""
        node.state = "DRAINED"
        del self._nodes[node.name]
        self._drained.add(node.name)

    def tell(self, name: str | None, order: ToAgent) -> bool:
        """Tell a node something; whether it could be told."""
        node = self.get(name)
        if node is None:
            return False
        try:
            node.send(order)
        except OSError:
            return False
        return True

    @property
    def are_gathering(self) -> bool:
        """Whether it is the start, and nodes are still to come."""
        if time.monotonic() - self._began > _GATHER_SECONDS:
            return False
        return not self._nodes or self.are_coming

    @property
    def are_coming(self) -> bool:
        """Whether an agent is being started."""
        return bool(self.of("STARTING"))

    def sites(self, costs: Costs, *, urgent: bool) -> list[Site]:
        """Where cameras may be placed; where it is urgent, only where an engine runs, if any."""
        ready = self.of("READY")
        running = [node for node in ready if node.host.report().state == "RUNNING"]
        return [node.site(costs(node.name)) for node in (running if running and urgent else ready)]

    def reports(self) -> dict[str, EngineReport]:
        """What the engines say, by node."""
        nodes = [node for node in self.there() if node.state != "STARTING"]
        return {node.name: node.host.report() for node in nodes}

    def views(self, costs: Costs) -> Iterator[NodeView]:
        """What people see of the nodes."""
        for name, node in sorted(self._nodes.items()):
            mine = costs(name)
            busy = round(load(node.site(mine), mine.values()), 3)
            yield NodeView(name, node.state, tuple(sorted(mine)), busy)
        for name in sorted(self._drained):
            yield NodeView(name, "DRAINED")
        for name, (_, _, reason) in sorted(self._lost.items()):
            if name not in self._nodes and name not in self._drained:
                yield NodeView(name, "LOST", reason=reason)
