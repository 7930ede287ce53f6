"""One store a test, of each kind: whatever holds, holds on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sightline.service.store.database import Database
from sightline.service.store.tables import metadata
from tests.service.postgres import PostgresServer

KINDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("store") / "template.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    return file


@pytest.fixture(scope="session")
def _postgresql_url(postgres: PostgresServer) -> str:
    url = postgres.create()
    database = Database(url)
    database.migrate()
    database.close()
    return url


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a store that is up to date and empty."""
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), file)
        return f"sqlite:///{file}"
    # One for all tests, emptied: a database is 7 MB of files.
    url: str = request.getfixturevalue("_postgresql_url")
    server: PostgresServer = request.getfixturevalue("postgres")
    server.execute(f"TRUNCATE {', '.join(metadata.tables)}", url.split("@/")[1].split("?")[0])
    return url


@pytest.fixture
def database(store_url: str) -> Iterator[Database]:
    """A store that is up to date and empty."""
    opened = Database(store_url)
    yield opened
    opened.close()


@pytest.fixture
def open_sqlite(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """Opens the same new file of SQLite as often as it is called."""
    opened: list[Database] = []

    def open_file() -> Database:
        database = Database(f"sqlite:///{tmp_path / 'store.db'}")
        opened.append(database)
        return database

    yield open_file
    for database in opened:
        database.close()
