"""Where the service and its operators leave each other word: the cluster's own key-value store.

It outlives a service: a node that is under maintenance stays left alone when that is started again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass

__all__ = ["NodeView", "draining", "resume", "set_draining", "show", "shown"]

_SPACE = "sightline-live"
_DRAIN = "drain/"
_NODES = "nodes"


@dataclass(frozen=True, slots=True)
class NodeView:
    """What people see of a node.

    Args:
        name: What it is called.
        state: STARTING, READY, DRAINING, DRAINED, LOST.
        cameras: What it reads.
        load: How busy it is by what was measured; 1 where it can do no more.
        reason: Why it was lost.
    """

    name: str
    state: str
    cameras: tuple[str, ...] = ()
    load: float = 0.0
    reason: str = ""


def set_draining(node: str) -> None:
    """Ask for a node to be emptied and left alone."""
    _put(_DRAIN + node, "yes")


def resume(node: str) -> None:
    """Let a node be used again."""
    from ray.experimental.internal_kv import _internal_kv_del

    _internal_kv_del(_DRAIN + node, namespace=_SPACE)


def draining() -> set[str]:
    """Nodes that are to be empty."""
    from ray.experimental.internal_kv import _internal_kv_list

    keys = _internal_kv_list(_DRAIN, namespace=_SPACE)
    return {key.decode().removeprefix(_DRAIN) for key in keys}


def show(nodes: Iterable[NodeView], at: float) -> None:
    """Leave word how the nodes do (UNIX seconds)."""
    _put(_NODES, json.dumps({"at": at, "nodes": [asdict(node) for node in nodes]}))


def shown() -> tuple[float, list[NodeView]]:
    """When a service last said how the nodes do, and what; 0 if none ever did."""
    from ray.experimental.internal_kv import _internal_kv_get

    text = _internal_kv_get(_NODES, namespace=_SPACE)
    if not text:
        return 0.0, []
    values = json.loads(text)
    nodes = [NodeView(**{**node, "cameras": tuple(node["cameras"])}) for node in values["nodes"]]
    return float(values["at"]), nodes


def _put(key: str, value: str) -> None:
    from ray.experimental.internal_kv import _internal_kv_put

    _internal_kv_put(key, value, overwrite=True, namespace=_SPACE)
