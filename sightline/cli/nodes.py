"""`sightline nodes`: the nodes of a cluster that watches cameras, and maintenance of one."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated

import typer

from sightline.cluster.live.board import NodeView
from sightline.errors import ConfigError, StateError

__all__ = ["app"]

app = typer.Typer(
    help="Nodes of a cluster that `sightline serve --cluster` uses.", no_args_is_help=True
)

_FRESH_SECONDS = 15.0
_LOOK_SECONDS = 0.5

Address = Annotated[
    str, typer.Option("--cluster", metavar="ADDRESS", help="HOST:PORT of the cluster's head.")
]
Name = Annotated[
    str, typer.Argument(metavar="NODE", help="Name as `nodes list` has it, or how it begins.")
]


@app.command("list")
def list_nodes(
    cluster: Address,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Show all nodes, what they do and which cameras they read.

    Example:  sightline nodes list --cluster 10.0.0.2:6379
    """
    from rich import print as show
    from rich.table import Table

    from sightline.cluster.session import connect

    with connect(cluster):
        nodes = _nodes()
    if as_json:
        print(json.dumps([asdict(node) for node in nodes]))
        return
    table = Table("node", "state", "load", "cameras")
    for node in nodes:
        table.add_row(
            node.name, node.state, f"{node.load:.0%}", ", ".join(node.cameras) or node.reason
        )
    show(table)


@app.command()
def drain(
    name: Name,
    cluster: Address,
    timeout: Annotated[float, typer.Option(help="Seconds to wait until it is empty.")] = 120.0,
) -> None:
    """Have all cameras of a node read elsewhere, and leave it alone from then on.

    Returns once nothing runs there any more: it may be switched off. Identities, visits and counts
    go on; `nodes resume` lets it be used again.

    Example:  sightline nodes drain hall-2 --cluster 10.0.0.2:6379
    """
    from sightline.cluster.live import board
    from sightline.cluster.session import connect

    with connect(cluster):
        node = _find(name)
        board.set_draining(node)
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            left = next((one for one in _nodes() if one.name == node), None)
            if left is None or left.state == "DRAINED":
                print(f"{node} is empty")
                return
            time.sleep(_LOOK_SECONDS)
        cameras = ", ".join(left.cameras) if left else ""
        raise StateError(
            f"{node} is not empty after {timeout:g} s; it still reads {cameras or 'nothing'}. It "
            "goes on being emptied; `sightline nodes resume` calls that off"
        )


@app.command()
def resume(name: Name, cluster: Address) -> None:
    """Let a node be used again.

    Example:  sightline nodes resume hall-2 --cluster 10.0.0.2:6379
    """
    from sightline.cluster.live import board
    from sightline.cluster.session import connect

    with connect(cluster):
        marked = [node for node in board.draining() if node.startswith(name)]
        if not marked:
            raise ConfigError(f"no node that begins with {name!r} is being drained")
        for node in marked:
            board.resume(node)
            print(f"{node} is used again")


def _nodes() -> list[NodeView]:
    from sightline.cluster.live import board

    at, nodes = board.shown()
    if time.time() - at > _FRESH_SECONDS:
        raise StateError("no service works on this cluster (`sightline serve --cluster`)")
    return nodes


def _find(name: str) -> str:
    found = [node.name for node in _nodes() if node.name.startswith(name)]
    if len(found) != 1:
        known = ", ".join(node.name for node in _nodes())
        raise ConfigError(f"{len(found)} nodes begin with {name!r}; name one of {known or 'none'}")
    return found[0]
