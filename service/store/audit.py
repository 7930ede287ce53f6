"""Who changed what."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from sightline.service.store.identifiers import new_id
from sightline.service.store.pages import Page, read_page
from sightline.service.store.tables import audit

__all__ = ["AuditEntry", "add_entry", "list_entries"]


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One change.

    Args:
        id: UUIDv7.
        at: UNIX seconds.
        key_id: Identifier of the key that did it.
        key_name: What the key was called then.
        address: Where the request came from.
        action: What was done, such as `stream.create`.
        target: Identifier of what it was done to.
        detail: What else is worth knowing, without secrets, as JSON takes it.
    """

    id: str
    at: float
    key_id: str
    key_name: str
    address: str
    action: str
    target: str
    detail: Mapping[str, Any]


def add_entry(
    session: Session,
    *,
    at: float,
    key_id: str,
    key_name: str,
    address: str,
    action: str,
    target: str,
    detail: Mapping[str, Any],
) -> None:
    """Note a change, in the transaction that makes it; arguments as `AuditEntry`."""
    session.execute(
        insert(audit).values(
            id=new_id(),
            at=at,
            key_id=key_id,
            key_name=key_name,
            address=address,
            action=action,
            target=target,
            detail=dict(detail),
        )
    )


def list_entries(
    session: Session,
    *,
    key_id: str | None = None,
    action: str | None = None,
    begin: float | None = None,
    end: float | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AuditEntry]:
    """Changes, the latest first.

    Args:
        session: A transaction.
        key_id: By this key; None is all.
        action: Of this action; None is all.
        begin: Not before these UNIX seconds.
        end: Before these UNIX seconds.
        cursor: Where the page before ended.
        limit: Most items of the page.

    Raises:
        InputError: As `read_page`.
    """
    table = audit.c
    query = select(audit)
    if key_id is not None:
        query = query.where(table.key_id == key_id)
    if action is not None:
        query = query.where(table.action == action)
    if begin is not None:
        query = query.where(table.at >= begin)
    if end is not None:
        query = query.where(table.at < end)
    return read_page(session, query, (table.at, table.id), _from_row, cursor=cursor, limit=limit)


def _from_row(row: Row[Any]) -> AuditEntry:
    return AuditEntry(**row._mapping)
