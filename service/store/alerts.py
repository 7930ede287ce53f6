"""Alerts made through the interface."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row, delete, select, update
from sqlalchemy.orm import Session

from sightline.service.store.statements import insert_into
from sightline.service.store.tables import alerts, deliveries

__all__ = ["StoredAlert", "add_alert", "delete_alert", "get_alert", "list_alerts", "replace_alert"]


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """A target, and what it is told.

    Args:
        id: Its identifier.
        definition: Its settings as JSON takes them, without secrets.
        secrets: Address of the webhook, its secret, a password: by name of the setting.
        created_at: UNIX seconds.
        updated_at: UNIX seconds.
    """

    id: str
    definition: Mapping[str, Any]
    secrets: Mapping[str, str] = field(repr=False)
    created_at: float
    updated_at: float


def add_alert(session: Session, alert: StoredAlert) -> bool:
    """Store a new alert; False, and nothing done, where its identifier is taken."""
    statement = insert_into(session, alerts).values(
        id=alert.id,
        definition=dict(alert.definition),
        secrets=dict(alert.secrets),
        created_at=alert.created_at,
        updated_at=alert.updated_at,
    )
    added = session.scalars(statement.on_conflict_do_nothing().returning(alerts.c.id))
    return added.first() is not None


def get_alert(session: Session, alert_id: str) -> StoredAlert | None:
    """One alert, None where there is none of that name."""
    row = session.execute(select(alerts).where(alerts.c.id == alert_id)).first()
    return None if row is None else _from_row(row)


def list_alerts(session: Session) -> list[StoredAlert]:
    """All alerts, by identifier."""
    return [_from_row(row) for row in session.execute(select(alerts).order_by(alerts.c.id))]


def replace_alert(session: Session, alert: StoredAlert) -> bool:
    """Replace an alert's definition and secrets; False where there is none of that name."""
    changed = session.scalars(
        update(alerts)
        .where(alerts.c.id == alert.id)
        .values(
            definition=dict(alert.definition),
            secrets=dict(alert.secrets),
            updated_at=alert.updated_at,
        )
        .returning(alerts.c.id)
    )
    return changed.first() is not None


def delete_alert(session: Session, alert_id: str) -> bool:
    """Forget an alert and its deliveries; False where there is none of that name."""
    session.execute(delete(deliveries).where(deliveries.c.alert == alert_id))
    gone = session.scalars(delete(alerts).where(alerts.c.id == alert_id).returning(alerts.c.id))
    return gone.first() is not None


def _from_row(row: Row[Any]) -> StoredAlert:
    return StoredAlert(**row._mapping)
