"""The store: one database, opened, brought up to date, and lent out one transaction at a time."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from sightline.errors import InputError
from sightline.service.store.address import StoreAddress, parse_store
from sightline.service.store.errors import StoreError, is_about_data, reason_of, store_error
from sightline.service.store.migrations import check_schema, upgrade_schema

__all__ = ["Database"]

_BUSY_SECONDS = 5
# SQLite reads a file of this size through in about a second.
_CHECKED_BYTES = 256 * 2**20
_WAL_BYTES = 64 * 2**20
# A tenth of the file may be free; more is given back, 4 MiB at once.
_KEPT_FREE = 10
_VACUUMED_PAGES = 1000


class Database:
    """SQLite or PostgreSQL. May be used by many threads; opens nothing before its first use.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.

    Attributes:
        name: How messages call it, without user and password.

    Raises:
        ConfigError: The address cannot be used.
    """

    def __init__(self, url: str) -> None:
        self._address = parse_store(url)
        self.name = self._address.name
        make = _sqlite_engine if self.is_sqlite else _postgresql_engine
        self._changes = make(self._address, changes=True)
        self._reads = make(self._address, changes=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether it is a file of SQLite."""
        return self._address.file is not None

    def migrate(self) -> None:
        """Make the store, or bring it up to this version; waits while another process does.

        Raises:
            StoreError: It cannot be reached or written, is damaged, or is of a newer version.
        """
        with self._translated():
            self._create_file()
            with self._changes.begin() as connection:
                upgrade_schema(connection, self.name)
            self._check_pages()

    def check(self) -> None:
        """Read from the store.

        Raises:
            StoreError: It cannot be read, or is not of this version.
        """
        with self._translated(), self._reads.begin() as connection:
            check_schema(connection, self.name)

    def try_writing(self) -> None:
        """Make a table and take that back.

        Raises:
            StoreError: It cannot be reached or written.
        """
        with self._translated(), self._changes.connect() as connection:
            connection.exec_driver_sql("CREATE TABLE sightline_doctor (n INTEGER)")
            connection.rollback()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction for changes: committed at the end, rolled back after an exception.

        Raises:
            StoreError: The store failed; nothing of the transaction has happened. If it failed
                while committing, that is unknown.
            InputError: A text or a number is of a kind that the store cannot hold.
        """
        with self._lent(self._changes) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that sees the store at one moment, waits for nobody and changes nothing.

        Raises:
            StoreError: The store failed.
            InputError: As `session`.
        """
        with self._lent(self._reads) as session:
            yield session

    def empty_log(self) -> None:
        """Let nothing that was deleted stand in SQLite's log, where nobody reads from it now."""
        if self.is_sqlite:
            self._pragma("wal_checkpoint(TRUNCATE)")

    def shrink(self) -> bool:
        """Give some free pages back to the disk; whether there are more, as SQLite has them."""
        if not self.is_sqlite:
            return False
        free = self._pragma("freelist_count")
        # Some are kept for what comes next.
        if free * _KEPT_FREE <= self._pragma("page_count"):
            return False
        self._pragma(f"incremental_vacuum({_VACUUMED_PAGES})")
        return self._pragma("freelist_count") < free

    def size(self) -> int:
        """Bytes that it takes on its disk, SQLite's log included.

        Raises:
            StoreError: The store failed.
        """
        file = self._address.file
        if file is None:
            statement = "SELECT pg_database_size(current_database())"
            with self._translated(), self._reads.begin() as connection:
                return int(connection.exec_driver_sql(statement).scalar_one())
        files = (file.with_name(file.name + ending) for ending in ("", "-wal"))
        return sum(path.stat().st_size for path in files if path.exists())

    def close(self) -> None:
        """Give back all connections; SQLite puts its log into the file."""
        self._reads.dispose()
        self._changes.dispose()

    def _pragma(self, statement: str) -> int:
        """Run a pragma outside of any transaction; its first number."""
        with self._translated():
            connection = self._changes.raw_connection()
            try:
                rows = connection.cursor().execute(f"PRAGMA {statement}").fetchall()
            finally:
                connection.close()
        return int(rows[0][0]) if rows else 0

    @contextmanager
    def _lent(self, engine: Engine) -> Iterator[Session]:
        with self._translated(), Session(engine, autoflush=False) as session, session.begin():
            yield session

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:
            raise
        except (SQLAlchemyError, sqlite3.Error, OSError) as error:
            if is_about_data(error):
                raise InputError(f"the store cannot take this: {reason_of(error)}") from error
            raise store_error(error, self.name) from error
        except (UnicodeEncodeError, OverflowError) as error:
            raise InputError(f"the store cannot take this: {error}") from error

    def _create_file(self) -> None:
        file = self._address.file
        if file is None or file.exists():
            return
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            # SQLite gives its log the rights of the file.
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
        except OSError as error:
            raise StoreError(
                f"the store {file} cannot be made: {error.strerror}; "
                "see the rights of its folder, or name another in storage.url",
                "store_readonly",
            ) from error

    def _check_pages(self) -> None:
        file = self._address.file
        if file is None or file.stat().st_size > _CHECKED_BYTES:
            return
        with self._reads.begin() as connection:
            found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
        if found != "ok":
            raise store_error(sqlite3.DatabaseError(f"malformed: {found}"), self.name)


def _sqlite_engine(address: StoreAddress, *, changes: bool) -> Engine:
    assert address.file is not None
    # Nothing but `migrate` makes the file, which then has the right mode.
    uri = f"{address.file.absolute().as_uri()}?mode=rw"

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, check_same_thread=False)

    engine = create_engine(
        address.url,
        creator=connect,
        hide_parameters=True,
        pool_size=5,
        max_overflow=35,
        pool_timeout=10,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _record: object) -> None:
        # Transactions begin where SQLAlchemy says, not where the driver guesses.
        connection.isolation_level = None
        for setting in _pragmas(changes=changes):
            connection.execute(f"PRAGMA {setting}")

    # A change takes its lock at once: taken later, it could be refused without waiting.
    first = "BEGIN IMMEDIATE" if changes else "BEGIN"
    _begin_with(engine, first)
    return engine


def _pragmas(*, changes: bool) -> list[str]:
    if not changes:
        return ["query_only=ON"]
    return [
        "auto_vacuum=INCREMENTAL",
        "journal_mode=WAL",
        f"journal_size_limit={_WAL_BYTES}",
        # A commit survives a power cut; there are one or two a second.
        "synchronous=FULL",
        # What is erased is overwritten.
        "secure_delete=ON",
    ]


def _postgresql_engine(address: StoreAddress, *, changes: bool) -> Engine:
    settings = {"lock_timeout": f"{_BUSY_SECONDS}s", "statement_timeout": "50s"}
    options: dict[str, Any] = {
        **address.options,
        "timeout": 60,
        "application_name": "sightline",
        "startup_params": settings,
    }
    engine = create_engine(
        address.url,
        connect_args=options,
        hide_parameters=True,
        pool_size=5,
        max_overflow=10,
        pool_timeout=10,
        pool_pre_ping=True,
    )

    @event.listens_for(engine, "handle_error")
    def drop_connection(context: ExceptionContext) -> None:
        # A value that cannot be encoded stops pg8000 in the middle of a message: what is read
        # next from that connection would answer another question.
        if not isinstance(context.original_exception, engine.dialect.loaded_dbapi.Error):
            context.is_disconnect = True

    if not changes:
        _begin_with(engine, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
    return engine


def _begin_with(engine: Engine, statement: str) -> None:
    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql(statement)
