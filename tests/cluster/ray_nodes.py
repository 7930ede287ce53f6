"""A Ray cluster of some nodes on this machine, whose nodes can be killed as the power would."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import warnings
from pathlib import Path
from typing import Any, Self

__all__ = ["RayNodes", "missing_ray"]

_STORE_BYTES = 80_000_000


def missing_ray() -> str:
    """Why there can be no cluster; empty where there can."""
    if importlib.util.find_spec("ray") is None:
        return "Ray is not installed (pip install 'sightline[cluster]')"
    return "" if Path("/proc/self/stat").exists() else "nodes are ended by what Linux says of them"


class RayNodes:
    """Nodes with a label `site` each, on loopback, without dashboard and usage statistics.

    Args:
        sites: Labels; the first is the head.
    """

    def __init__(self, *sites: str) -> None:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"  # allows loopback
        os.environ["RAY_worker_niceness"] = "0"  # noqa: SIM112 - 15 otherwise: they wait
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Ray's own
            from ray.cluster_utils import Cluster

            self._cluster: Any = Cluster()
            self._nodes: dict[str, Any] = {
                site: self._cluster.add_node(
                    wait=False,
                    num_cpus=1,
                    include_dashboard=False,
                    object_store_memory=_STORE_BYTES,
                    node_ip_address="127.0.0.1",
                    labels={"site": site},
                )
                for site in sites
            }
        self.address: str = self._cluster.address

    def wait(self) -> None:
        """Until all nodes are there."""
        self._cluster.wait_for_nodes()

    def kill(self, site: str) -> None:
        """End all of a node's processes at once."""
        processes = self._nodes[site].all_processes.values()
        roots = [one.process.pid for group in processes for one in group]
        for pid in [pid for root in roots for pid in _family(root)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster.shutdown()


def _family(root: int) -> list[int]:
    """A process and all that it started, and those."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            children.setdefault(parent, []).append(int(path.parent.name))
    family = [root]
    for pid in family:
        family += children.get(pid, [])
    return family
