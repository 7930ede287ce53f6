from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app
from sightline.errors import InputError
from sightline.service.access.keys import Keys
from sightline.service.errors import UnknownError
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "service.yaml"
    file.write_text(f"storage: {{url: 'sqlite:///{tmp_path / 'store.db'}'}}\n")
    return file


def keys(config: Path, *arguments: str) -> str:
    command = ["keys", *arguments, "--config", str(config)]
    return CliRunner().invoke(app, command, catch_exceptions=False).output


def test_a_key_is_added_listed_and_revoked_beside_the_store(config: Path) -> None:
    token = keys(config, "add", "front desk", "--stream", "a", "--stream", "b", "--days", "3")
    [key] = json.loads(keys(config, "list", "--json"))
    assert (key["name"], key["role"], key["streams"]) == ("front desk", "viewer", ["a", "b"])
    assert token.strip().split("_", 2)[2] not in keys(config, "list")
    database = Database(f"sqlite:///{config.parent / 'store.db'}")
    known = Keys(database, SteadyClock.start()).check(token.strip())
    database.close()
    assert known is not None
    assert known.id == key["id"]
    assert keys(config, "revoke", key["id"]) == f"{key['id']}: revoked\n"
    assert json.loads(keys(config, "list", "--json")) == []


def test_the_last_administrator_is_revoked_by_who_has_the_store(config: Path) -> None:
    keys(config, "add", "boss", "--role", "admin")
    [key] = json.loads(keys(config, "list", "--json"))
    keys(config, "revoke", key["id"])
    assert json.loads(keys(config, "list", "--json")) == []


def test_what_makes_no_sense_is_said_in_one_line(config: Path) -> None:
    with pytest.raises(UnknownError, match="no key 'nobody'"):
        keys(config, "revoke", "nobody")
    with pytest.raises(InputError, match="leave out the streams"):
        keys(config, "add", "boss", "--role", "admin", "--stream", "a")
