"""All rows of a store, carried into another one, of the same kind or not."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import delete, func, insert, inspect, select, text
from sqlalchemy.orm import Session

from sightline.service.store.tables import metadata

__all__ = ["copy_rows", "count_rows", "delete_rows", "others_connected", "schema_version"]

# Recordings are up to some hundred kB a row.
_ROWS = 100


def count_rows(session: Session) -> dict[str, int]:
    """Rows of every table that there is; a store of an older version may lack some."""
    there = set(inspect(session.connection()).get_table_names())
    return {
        name: int(session.scalar(select(func.count()).select_from(table)) or 0)
        for name, table in metadata.tables.items()
        if name in there
    }


def copy_rows(source: Session, target: Session, on_rows: Callable[[int], None]) -> dict[str, int]:
    """Add every row of a store to another one whose tables are of the same version.

    Args:
        source: Sees one moment (`Database.reading`); read piece by piece.
        target: A transaction of the other store.
        on_rows: Told how many rows came over since it was told last.

    Returns:
        Rows of every table.
    """
    copied: dict[str, int] = {}
    for name, table in metadata.tables.items():
        copied[name] = 0
        result = source.execute(select(table), execution_options={"yield_per": _ROWS})
        for rows in result.mappings().partitions():
            target.execute(insert(table), [dict(row) for row in rows])
            copied[name] += len(rows)
            on_rows(len(rows))
    return copied


def delete_rows(session: Session) -> None:
    """Empty every table."""
    if session.get_bind().dialect.name == "postgresql":
        # Deleting millions of rows would run into the time limit of a statement.
        session.execute(text(f"TRUNCATE {', '.join(metadata.tables)}"))
        return
    for table in metadata.tables.values():
        session.execute(delete(table))


def schema_version(session: Session) -> str:
    """The version of the tables, as migrations count."""
    return str(session.scalar(text("SELECT version_num FROM alembic_version")))


def others_connected(session: Session) -> bool:
    """Whether another process of Sightline is connected; only PostgreSQL knows."""
    if session.get_bind().dialect.name != "postgresql":
        return False
    return bool(
        session.scalar(
            text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
                "AND application_name = 'sightline' AND pid <> pg_backend_pid()"
            )
        )
    )
