"""`sightline keys`: API keys of a service, made and revoked where its store is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sightline.service.access.keys import Keys
    from sightline.service.store.keys import Key

__all__ = ["app"]

app = typer.Typer(
    help="API keys of the service: list, add, revoke. Works on the store, also while it runs.",
    no_args_is_help=True,
)

Config = Annotated[
    Path, typer.Option("--config", "-c", help="YAML file of the service.", show_default=False)
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


class RoleName(StrEnum):
    """What a key allows."""

    viewer = "viewer"
    operator = "operator"
    admin = "admin"


@app.command("list")
def list_keys(config: Config, as_json: AsJson = False) -> None:
    """Show the keys that are not revoked, without their secrets.

    Example:  sightline keys list --config service.yaml
    """
    from rich.console import Console
    from rich.table import Table

    with _keys(config) as keys:
        found = [_fields(key) for key in keys.all()]
    if as_json:
        print(json.dumps(found, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for name in ("id", "name", "role", "streams", "created", "expires", "used"):
        table.add_column(name, no_wrap=name == "id")
    for fields in found:
        values = {**fields, "streams": ", ".join(fields["streams"] or ["all"])}
        table.add_row(*(str(value or "–") for value in values.values()))
    Console().print(table)


@app.command("add")
def add_key(
    name: Annotated[str, typer.Argument(help="Whose it is.", show_default=False)],
    config: Config,
    role: Annotated[RoleName, typer.Option(help="What it allows.")] = RoleName.viewer,
    stream: Annotated[
        list[str] | None,
        typer.Option(help="A stream that it is limited to; again for more. All if left out."),
    ] = None,
    days: Annotated[
        float | None, typer.Option(help="Days until it ends; never if left out.")
    ] = None,
) -> None:
    """Make a key and print it; it is stored nowhere and cannot be shown again.

    Example:  sightline keys add "front desk" --stream entrance --config service.yaml
    """
    from sightline.service.steady import SteadyClock

    ends = None if days is None else SteadyClock.start().now() + days * 86_400
    with _keys(config) as keys:
        _, token = keys.add(name, role.value, stream or None, expires_at=ends)
    print(token)


@app.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="Its id, as `keys list` shows.", show_default=False)],
    config: Config,
) -> None:
    """End a key; a service that runs notices within five seconds.

    After the last administrator's key, the next start of the service prints a new one.

    Example:  sightline keys revoke 0198c0de-7a7f-7e91-a26b-75ae6d5a083a --config service.yaml
    """
    with _keys(config) as keys:
        keys.revoke(key, keep_an_admin=False)
    print(f"{key}: revoked")


@contextmanager
def _keys(config: Path) -> Iterator[Keys]:
    from sightline.service.access.keys import Keys
    from sightline.service.config import read_config
    from sightline.service.steady import SteadyClock
    from sightline.service.store.database import Database

    database = Database(read_config(config).storage.url.get_secret_value())
    try:
        database.migrate()
        yield Keys(database, SteadyClock.start())
    finally:
        database.close()


def _fields(key: Key) -> dict[str, Any]:
    from sightline.service.steady import rfc3339

    times = {"created_at": key.created_at, "expires_at": key.expires_at, "used_at": key.used_at}
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "streams": None if key.streams is None else list(key.streams),
        **{name: None if time is None else rfc3339(time) for name, time in times.items()},
    }
