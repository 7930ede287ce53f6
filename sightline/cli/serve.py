"""`sightline serve`: the live service."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["serve"]


def serve(
    config: Annotated[
        Path,
        typer.Option(
            help="YAML file of the service; `sightline config example` prints one to begin with.",
            show_default=False,
        ),
    ],
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Read and track on the nodes of a Ray cluster: HOST:PORT of its head, or auto.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Watch cameras, follow who they show, and serve it by HTTP until Ctrl-C.

    The first start prints a line `admin token: …`: log in with it at the page at /, or send it as
    `Authorization: Bearer …`.

    Example:  sightline serve --config service.yaml

    Example:  sightline serve --config service.yaml --cluster 10.0.0.2:6379
    """
    from sightline.service.config import read_config
    from sightline.service.server import serve as run
    from sightline.service.telemetry.logs import LogSettings, start_logging

    settings = read_config(config)
    for warning in settings.warnings():
        print(f"warning: {warning}", file=sys.stderr)
    telemetry = settings.telemetry
    start_logging(LogSettings(telemetry.log_level, telemetry.log_format))
    if cluster is None:
        run(settings)
        return
    from sightline.cluster.live.watching import watch_on_cluster
    from sightline.cluster.session import connect

    with connect(cluster):
        run(settings, watch_on_cluster)
