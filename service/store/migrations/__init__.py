"""The schema, version by version: Alembic scripts in `versions/`, run without files of settings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext, MigrationStep, RevisionStep
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from sightline.service.store.errors import StoreError

__all__ = ["check_schema", "upgrade_schema"]

_LOCK = 0x5167_4C49


def upgrade_schema(connection: Connection, name: str) -> None:
    """Run the versions that are missing, in the connection's transaction.

    Raises:
        StoreError: The store is of a version that this program does not know.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    script = _script()
    current = _current(connection, script, name)

    def steps(_heads: Any, _context: MigrationContext) -> Iterable[RevisionStep]:
        missing = list(script.iterate_revisions("head", current or "base"))
        return [
            MigrationStep.upgrade_from_script(script.revision_map, revision)
            for revision in reversed(missing)
        ]

    context = MigrationContext.configure(
        connection, opts={"fn": steps, "script": script, "transactional_ddl": True}
    )
    with context.begin_transaction(), Operations.context(context):
        context.run_migrations()


def check_schema(connection: Connection, name: str) -> None:
    """See that the store is of this version.

    Raises:
        StoreError: It is older or newer.
    """
    script = _script()
    current = _current(connection, script, name)
    head = script.get_current_head()
    if current != head:
        raise StoreError(
            f"the store {name} has version {current or 'none'} of its tables, expected {head}; "
            "start the service, which brings it up to date",
            "store_failed",
        )


@cache
def _script() -> ScriptDirectory:
    return ScriptDirectory(Path(__file__).parent)


def _current(connection: Connection, script: ScriptDirectory, name: str) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = [revision.revision for revision in script.walk_revisions()]
    if current is not None and current not in known:
        raise StoreError(
            f"the store {name} was made by a newer version (its tables have version {current}, "
            f"this program knows {known[0]}); install that version, or restore a backup",
            "store_newer",
        )
    return current
