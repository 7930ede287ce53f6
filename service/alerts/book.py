"""The alerts that there are: those of the configuration file, and those made through the interface.

The former cannot be changed through the interface; the latter live in the store, their secrets
apart from the rest.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import SecretStr

from sightline.errors import ConfigError, InputError
from sightline.service.config.alerts import Alert
from sightline.service.errors import ConflictError, UnknownError
from sightline.service.settings import validate
from sightline.service.store.alerts import (
    StoredAlert,
    add_alert,
    delete_alert,
    list_alerts,
    replace_alert,
)
from sightline.service.store.database import Database

__all__ = ["AlertBook", "AlertView"]

_log = logging.getLogger(__name__)

_MOST_ALERTS = 1000
_SECRETS = (("webhook", "url"), ("webhook", "secret"), ("mqtt", "password"))
_TARGETS = ("webhook", "mqtt")


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert and where it comes from.

    Args:
        alert: Target and filter, with secrets.
        origin: `file` is of the configuration and cannot be changed, `api` is of the interface.
    """

    alert: Alert
    origin: Literal["file", "api"]


class AlertBook:
    """All alerts; may be used by many threads.

    Args:
        database: The store.
        alerts: Those of the configuration.
        now: UNIX seconds.
        on_change: Called after every change.
    """

    def __init__(
        self,
        database: Database,
        alerts: Sequence[Alert],
        now: Callable[[], float],
        on_change: Callable[[], object] = lambda: None,
    ) -> None:
        self._database = database
        self._now = now
        self._on_change = on_change
        self._changing = threading.Lock()
        self._views = {alert.id: AlertView(alert, "file") for alert in alerts}

    def load(self) -> None:
        """Read what the store holds; one with the id of an alert of the file is passed over."""
        with self._database.reading() as session:
            stored = list_alerts(session)
        for entry in stored:
            if entry.id in self._views:
                _log.warning("alert %s of the store: the configuration has its id", entry.id)
                continue
            try:
                alert = _joined(entry)
            except ConfigError as error:
                _log.error("alert %s of the store cannot be used: %s", entry.id, error)
                continue
            self._views[entry.id] = AlertView(alert, "api")

    def views(self) -> tuple[AlertView, ...]:
        """All alerts, by identifier; the same objects until they change."""
        views = self._views
        return tuple(views[name] for name in sorted(views))

    def view(self, name: str) -> AlertView:
        """One alert.

        Raises:
            UnknownError: There is none of that name.
        """
        view = self._views.get(name)
        if view is None:
            raise UnknownError(f"there is no alert {name!r}; GET /v1/alerts lists those there are")
        return view

    def create(self, alert: Alert) -> AlertView:
        """Add an alert.

        Raises:
            ConflictError: There is one of that name, or there are too many.
            StoreError: The store failed.
        """
        with self._changing:
            if alert.id in self._views:
                raise ConflictError(f"there is an alert {alert.id!r} already; choose another id")
            if len(self._views) >= _MOST_ALERTS:
                raise ConflictError(f"there are {_MOST_ALERTS} alerts, the most; delete some")
            now = self._now()
            with self._database.session() as session:
                add_alert(session, _parted(alert, now, now))
            return self._keep(alert)

    def update(self, name: str, changes: Mapping[str, Any]) -> AlertView:
        """Change fields of an alert; a target is changed field by field as well (RFC 7396).

        Raises:
            UnknownError: There is none of that name.
            ConflictError: It is of the configuration file.
            ConfigError: The alert would not be valid.
            InputError: A password would go to another broker than it was given for.
            StoreError: The store failed.
        """
        with self._changing:
            before = self._changeable(name)
            _check_password(before, changes)
            values = _merged(_plain(before), changes) | {"id": name}
            alert = validate(Alert, values, f"alert {name}", Path())
            with self._database.session() as session:
                replace_alert(session, _parted(alert, 0.0, self._now()))
            return self._keep(alert)

    def delete(self, name: str) -> None:
        """Forget an alert and its deliveries.

        Raises:
            UnknownError: There is none of that name.
            ConflictError: It is of the configuration file.
            StoreError: The store failed.
        """
        with self._changing:
            self._changeable(name)
            with self._database.session() as session:
                delete_alert(session, name)
            self._views = {key: view for key, view in self._views.items() if key != name}
        self._on_change()

    def _keep(self, alert: Alert) -> AlertView:
        view = AlertView(alert, "api")
        # Whoever reads the old mapping meanwhile sees all of it.
        self._views = {**self._views, alert.id: view}
        self._on_change()
        return view

    def _changeable(self, name: str) -> Alert:
        view = self.view(name)
        if view.origin == "file":
            raise ConflictError(
                f"alert {name!r} is of the configuration file; change it there and start again"
            )
        return view.alert


def _plain(alert: Alert) -> dict[str, Any]:
    """All fields that were set, secrets in the clear."""
    values = alert.model_dump(exclude_none=True)
    for target, field in _SECRETS:
        secret = values.get(target, {}).get(field)
        if isinstance(secret, SecretStr):
            values[target][field] = secret.get_secret_value()
    return values


def _parted(alert: Alert, created_at: float, updated_at: float) -> StoredAlert:
    definition = _plain(alert)
    secrets = {
        f"{target}.{field}": definition[target].pop(field)
        for target, field in _SECRETS
        if field in definition.get(target, {})
    }
    return StoredAlert(alert.id, definition, secrets, created_at, updated_at)


def _joined(stored: StoredAlert) -> Alert:
    values = {
        name: dict(value) if name in _TARGETS else value
        for name, value in stored.definition.items()
    }
    for key, secret in stored.secrets.items():
        target, _, field = key.partition(".")
        values[target][field] = secret
    return validate(Alert, values, "alert", Path())


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for name, change in changes.items():
        if change is None:
            merged.pop(name, None)
        elif isinstance(change, Mapping):
            merged[name] = _merged(merged.get(name) or {}, change)
        else:
            merged[name] = change
    return merged


def _check_password(before: Alert, changes: Mapping[str, Any]) -> None:
    """Who may change an alert must not learn the password by sending it to a broker of their own.

    Raises:
        InputError: They try to.
    """
    mqtt, change = before.mqtt, changes.get("mqtt")
    if mqtt is None or mqtt.password is None or not change or "password" in change:
        return
    moved = [
        name
        for name in ("host", "port", "tls")
        if change.get(name, getattr(mqtt, name)) != getattr(mqtt, name)
    ]
    if moved:
        raise InputError(
            f"mqtt.{moved[0]} changes, and the password was given for the broker as it was; give "
            "mqtt.password again"
        )
