"""A running live service."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sightline.service.api import page
from sightline.service.store.database import Database
from tests.service.live.live_service import LiveService


@pytest.fixture(scope="session")
def new_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of SQLite, brought up to date; for copies of it."""
    path = tmp_path_factory.mktemp("store") / "new.db"
    database = Database(f"sqlite:///{path}")
    database.migrate()
    database.close()
    return path


@pytest.fixture
def live(new_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveService]:
    """The live part of the interface on a real server, with one running stream `gate`.

    Its page is the plain one; tests/page has the other.
    """
    monkeypatch.setattr(page, "BUILT", tmp_path / "nothing built")
    with LiveService(Path(shutil.copy(new_store, tmp_path / "store.db"))) as service:
        service.streams.tell("gate")
        yield service
