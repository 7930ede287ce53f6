"""Statements that both databases know, under one name."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Table, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

__all__ = ["among", "insert_into"]


def insert_into(session: Session, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An INSERT that can be told what to do where the row is already there."""
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def among(column: ColumnElement[Any], values: Collection[Any] | None) -> ColumnElement[bool]:
    """Whether a column is one of some values; None is all of them."""
    return true() if values is None else column.in_(list(values))
