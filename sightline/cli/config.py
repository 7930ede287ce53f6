"""`sightline config`: check, describe and begin the service's configuration."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Configuration of the service: check it, describe it, begin one.", no_args_is_help=True
)


class SchemaFormat(StrEnum):
    """How the configuration is described."""

    json = "json"
    markdown = "markdown"


@app.command("validate")
def validate(
    file: Annotated[Path, typer.Argument(help="YAML file of the service.", show_default=False)],
) -> None:
    """Check a configuration together with the environment's SIGHTLINE__… variables.

    Example:  sightline config validate service.yaml
    """
    from sightline.service.config import read_config

    config = read_config(file)
    for warning in config.warnings():
        print(f"warning: {warning}", file=sys.stderr)
    zones = sum(len(stream.zones) for stream in config.streams)
    lines = sum(len(stream.lines) for stream in config.streams)
    print(
        f"{file}: good ({len(config.streams)} streams, {zones} zones, {lines} lines, "
        f"{len(config.alerts)} alerts)"
    )


@app.command()
def schema(
    format: Annotated[  # noqa: A002 - the option's name
        SchemaFormat, typer.Option(help="JSON schema for editors, or tables in Markdown.")
    ] = SchemaFormat.json,
) -> None:
    """Print every key with its type, bounds, default and meaning.

    Example:  sightline config schema > sightline.schema.json
    """
    from sightline.service.config import config_schema, config_table

    if format is SchemaFormat.markdown:
        print(config_table(), end="")
    else:
        print(json.dumps(config_schema(), indent=2))


@app.command()
def example() -> None:
    """Print an example to begin with.

    Example:  sightline config example > service.yaml
    """
    from sightline.service.config import config_example

    print(config_example(), end="")
