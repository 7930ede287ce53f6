"""Where the service and its operators leave each other word: the cluster's own key-value store.

It outlives a service: a node that is under maintenance stays left alone when that is started again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

__all__ = ["draining", "resume", "set_draining", "show", "shown"]

_SPACE = "sightline-live"
_DRAIN = "drain/"
_NODES = "nodes"


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


def show(nodes: Iterable[dict[str, object]], at: float) -> None:
    """Leave word how the nodes do (UNIX seconds)."""
    _put(_NODES, json.dumps({"at": at, "nodes": list(nodes)}))


def shown() -> tuple[float, list[dict[str, object]]]:
    """When a service last said how the nodes do, and what; 0 if none ever did."""
    from ray.experimental.internal_kv import _internal_kv_get

    text = _internal_kv_get(_NODES, namespace=_SPACE)
    if not text:
        return 0.0, []
    values = json.loads(text)
    return float(values["at"]), list(values["nodes"])


def _put(key: str, value: str) -> None:
    from ray.experimental.internal_kv import _internal_kv_put

    _internal_kv_put(key, value, overwrite=True, namespace=_SPACE)
