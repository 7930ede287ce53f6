"""One store a test, of each kind: whatever holds, holds on both databases."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sightline.service.store.database import Database
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
def _postgresql_template(postgres: PostgresServer) -> str:
    url = postgres.create()
    database = Database(url)
    database.migrate()
    database.close()
    return url.partition("@/")[2].partition("?")[0]


@pytest.fixture(params=KINDS)
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Address of a store that is up to date and empty."""
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), file)
        return f"sqlite:///{file}"
    template: str = request.getfixturevalue("_postgresql_template")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.create(template)


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
