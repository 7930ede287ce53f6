"""A program's connection to Ray: to a cluster that runs already, or to one of its own."""

from __future__ import annotations

import importlib.util
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sightline.errors import ConfigError
from sightline.inference import available_cores

__all__ = ["AUTO", "NAMESPACE", "connect"]

AUTO = "auto"
"""The address that means: a Ray of this program's own, on this machine, which ends with it."""

NAMESPACE = "sightline"
"""Names of actors are unique within it."""

_LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
# Frames travel a few at a time; Ray would take a third of the machine's memory.
_STORE_BYTES = 512 * 1024**2


@contextmanager
def connect(address: str) -> Iterator[None]:
    """Be connected to a Ray while the block runs.

    Nothing is sent to Ray's makers, no dashboard is started, and a Ray of one's own listens on the
    loopback interface alone.

    Args:
        address: `auto`, or `HOST:PORT` of a cluster's head. This machine must be one of its nodes
            (`ray start --address HOST:PORT`).

    Raises:
        ConfigError: Ray is not installed, the address is none, or nobody answers there.
    """
    if importlib.util.find_spec("ray") is None:
        raise ConfigError("--cluster needs ray: pip install 'sightline[cluster]' (docs/cluster.md)")
    host = address.rpartition(":")[0]
    if address != AUTO and not (host and address.rpartition(":")[2].isdecimal()):
        raise ConfigError(f"--cluster takes auto or HOST:PORT of Ray's head; got {address!r}")
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Work steps back behind other programs as far as the command that started it, and no further.
    os.environ.setdefault("RAY_worker_niceness", "0")
    if address == AUTO or host in _LOOPBACK:
        # Ray would turn a loopback address into the machine's own, where nobody listens.
        os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    import ray

    own: dict[str, Any] = {
        "num_cpus": available_cores(),
        "include_dashboard": False,
        "object_store_memory": _STORE_BYTES,
        "_node_ip_address": "127.0.0.1",
    }
    try:
        ray.init(
            "local" if address == AUTO else address,
            namespace=NAMESPACE,
            log_to_driver=False,
            logging_level=logging.ERROR,
            **(own if address == AUTO else {}),
        )
    except (ConnectionError, TimeoutError, RuntimeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ConfigError(
            f"no Ray cluster can be used at {address}: {reason}; start one with `ray start --head` "
            "and join this machine to it, or say --cluster auto"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()
