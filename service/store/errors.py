"""What can be wrong with a store, in one line and without its password."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Literal

from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from sightline.errors import StateError

__all__ = ["StoreCode", "StoreError", "is_about_data", "reason_of", "store_error"]

StoreCode = Literal[
    "store_corrupt",
    "store_failed",
    "store_full",
    "store_gone",
    "store_locked",
    "store_newer",
    "store_readonly",
]


class StoreError(StateError):
    """A store that cannot be used, or not now.

    Args:
        message: What happened and what to do; never holds a password.
        code: Stable machine-readable reason, shared with the HTTP interface.
    """

    def __init__(self, message: str, code: StoreCode) -> None:
        super().__init__(message)
        self.code: StoreCode = code


def store_error(error: Exception, name: str) -> StoreError:
    """What a failure of the database means, and what to do about it.

    Args:
        error: What SQLAlchemy or the driver raised.
        name: How messages call the store.
    """
    code = _code(error)
    text = reason_of(error)
    return StoreError(f"the store {name} {_SENTENCES[code].format(text=text)}", code)


def is_about_data(error: Exception) -> bool:
    """Whether the driver or the database refused a value: trying again would not help."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, StatementError)
    state = _sqlstate(error.orig)
    if state is not None:
        return state[:2] in ("22", "23")
    return isinstance(
        error.orig,
        (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError),
    )


def reason_of(error: Exception) -> str:
    """Why the database or its driver failed, in a line."""
    cause = error
    if isinstance(error, StatementError) and isinstance(error.orig, Exception):
        cause = error.orig
    if isinstance(cause, PoolTimeout):
        return "all connections are in use"
    if cause.args and isinstance(cause.args[0], dict):
        return str(cause.args[0].get("M", "no reason given"))
    return " ".join(str(cause).split()) or type(cause).__name__


_SENTENCES: dict[StoreCode, str] = {
    "store_corrupt": (
        "is damaged ({text}); restore a backup, or move the file away to begin an empty one"
    ),
    "store_failed": "failed: {text}",
    "store_full": "is full ({text}); free some space on its disk",
    "store_gone": "cannot be reached ({text}); see that it is there and that its address is right",
    "store_locked": "is locked by another process ({text}); end that, or wait for it",
    "store_newer": "was made by a newer version ({text}); install that, or restore a backup",
    "store_readonly": "cannot be written ({text}); see the rights of the file and its folder",
}

# SQLite's messages, since Python 3.11 gives no code for errors that are raised on opening.
_SQLITE: tuple[tuple[str, StoreCode], ...] = (
    ("not a database", "store_corrupt"),
    ("malformed", "store_corrupt"),
    ("locked", "store_locked"),
    ("full", "store_full"),
    ("readonly", "store_readonly"),
    ("read-only", "store_readonly"),
    ("unable to open", "store_gone"),
    ("disk i/o error", "store_full"),
)

# PostgreSQL's SQLSTATE, by class or in full (appendix A of its manual).
_SQLSTATES: tuple[tuple[str, StoreCode], ...] = (
    ("08", "store_gone"),
    ("57", "store_gone"),
    ("28", "store_gone"),
    ("3D", "store_gone"),
    ("53100", "store_full"),
    ("53", "store_gone"),
    ("25006", "store_readonly"),
    ("42501", "store_readonly"),
    ("55P03", "store_locked"),
    ("40", "store_locked"),
    ("XX001", "store_corrupt"),
    ("XX002", "store_corrupt"),
)


def _code(error: Exception) -> StoreCode:
    if isinstance(error, PoolTimeout):
        return "store_locked"
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, OSError):
        return "store_gone"
    if isinstance(cause, sqlite3.Error):
        return _first(_SQLITE, lambda part: part in str(cause).lower())
    state = _sqlstate(cause)
    if state is not None:
        return _first(_SQLSTATES, state.startswith)
    # pg8000 reports a lost connection without a state.
    return "store_gone" if type(cause).__name__ == "InterfaceError" else "store_failed"


def _first(table: tuple[tuple[str, StoreCode], ...], matches: Callable[[str], bool]) -> StoreCode:
    return next((code for part, code in table if matches(part)), "store_failed")


def _sqlstate(cause: object) -> str | None:
    """The SQLSTATE of what pg8000 raised: its one argument is the server's fields by letter."""
    fields = cause.args[0] if isinstance(cause, Exception) and cause.args else None
    state = fields.get("C") if isinstance(fields, dict) else None
    return state if isinstance(state, str) else None
