from __future__ import annotations

import os
import re
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from sightline.errors import ConfigError, InputError
from sightline.service.store import database as database_module
from sightline.service.store.address import parse_store
from sightline.service.store.audit import add_entry, list_entries
from sightline.service.store.database import Database
from sightline.service.store.errors import StoreError
from sightline.service.store.events import insert_events, list_events
from sightline.service.store.identities import list_identities
from sightline.service.store.keys import Key, add_key
from sightline.service.store.tables import metadata
from tests.service.postgres import PostgresServer
from tests.service.store.samples import stored

OpenSqlite = Callable[[], Database]


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of somebody who is not root, as whom the test runs."""
    folder = Path(tempfile.mkdtemp(prefix="sightline-store-"))
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65_534, 65_534)
        os.seteuid(65_534)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o700)
    shutil.rmtree(folder)


def test_migrations_make_the_tables_that_the_code_knows(database: Database) -> None:
    with database.session() as session:
        context = MigrationContext.configure(
            session.connection(), opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_a_store_of_the_first_version_gets_identities_and_keeps_its_rows(
    database: Database,
) -> None:
    with database.session() as session:
        insert_events(session, [stored()])
        session.execute(text("DROP TABLE identities"))
        session.execute(text("DROP TABLE numbers"))
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.migrate()
    database.check()
    with database.reading() as session:
        assert len(list_events(session).items) == 1
        assert list_identities(session).items == ()


def test_a_store_is_migrated_once_by_whoever_comes_first(
    open_sqlite: OpenSqlite, postgres: PostgresServer
) -> None:
    url = postgres.create()
    for stores in ([open_sqlite() for _ in range(3)], [Database(url) for _ in range(3)]):
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(Database.migrate, stores))
        for store in stores:
            store.check()
            store.close()


def test_only_its_user_may_read_the_file_and_its_log(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    database = open_sqlite()
    database.migrate()
    files = sorted(file.name for file in tmp_path.iterdir())
    assert files == ["store.db", "store.db-shm", "store.db-wal"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


def test_folders_of_the_file_are_made(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'var' / 'lib' / 'store.db'}")
    database.migrate()
    database.check()
    database.close()


def test_only_migrating_makes_the_file(open_sqlite: OpenSqlite, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"store\.db cannot be reached") as caught:
        open_sqlite().check()
    assert caught.value.code == "store_gone"
    assert list(tmp_path.iterdir()) == []


def test_a_file_may_have_any_name(tmp_path: Path) -> None:
    file = tmp_path / "a store? 100% #1 für Kameras.db"
    for _ in range(2):
        database = Database(f"sqlite:///{str(file).replace('?', '%3F')}")
        database.migrate()
        database.close()
    assert len([found for found in tmp_path.iterdir() if found.suffix == ".db"]) == 1


def test_failures_do_not_show_what_was_to_be_stored(database: Database) -> None:
    key = Key("k", "n", "admin", None, "$argon2id$s3cret", 1.0)
    with database.session() as session:
        add_key(session, key)
    with pytest.raises(IntegrityError) as caught, database.session() as session:
        add_key(session, key)
    assert "s3cret" not in str(caught.value)


def test_sqlite_survives_a_power_cut_and_overwrites_what_is_deleted(
    open_sqlite: OpenSqlite,
) -> None:
    database = open_sqlite()
    database.migrate()
    settings = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "auto_vacuum": 2}
    with database.session() as session:
        found = {name: session.scalar(text(f"PRAGMA {name}")) for name in settings}
    assert found == settings


def test_a_transaction_is_all_or_nothing(database: Database) -> None:
    def fail(session: Session) -> None:
        insert_events(session, [stored()])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), database.session() as session:
        fail(session)
    with database.reading() as session:
        assert list_events(session).items == ()


def test_who_reads_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError) as caught, database.reading() as session:
        insert_events(session, [stored()])
    assert caught.value.code == "store_readonly"
    with database.session() as session:
        insert_events(session, [stored()])


def test_who_reads_sees_one_moment_and_waits_for_nobody(database: Database) -> None:
    with database.reading() as reader, database.session() as writer:
        assert list_events(reader).items == ()
        insert_events(writer, [stored()])
        writer.commit()
        assert list_events(reader).items == ()
    with database.reading() as session:
        assert len(list_events(session).items) == 1


@pytest.mark.parametrize("changes", [{"class_name": "\ud800"}, {"track": 2**63}])
def test_what_cannot_be_stored_is_refused_and_leaves_the_connection_right(
    database: Database, changes: dict[str, Any]
) -> None:
    """pg8000 stops in the middle of a message that it cannot encode."""
    with pytest.raises(InputError, match="the store cannot take this"), database.session() as bad:
        insert_events(bad, [stored(), stored(**changes)])
    for _ in range(3):
        with database.session() as session:
            insert_events(session, [stored()])
    with (
        pytest.raises(InputError, match="the store cannot take this"),
        database.reading() as bad,
    ):
        list_events(bad, rules=["\ud800"])
    for _ in range(3):
        with database.reading() as session:
            assert len(list_events(session).items) == 3


def test_a_store_without_tables_is_not_fine(
    open_sqlite: OpenSqlite, postgres: PostgresServer, tmp_path: Path
) -> None:
    (tmp_path / "store.db").touch()
    for database in (open_sqlite(), Database(postgres.create())):
        with pytest.raises(StoreError, match="has version none of its tables, expected 0002"):
            database.check()
        database.close()


def test_a_newer_store_is_left_alone(database: Database) -> None:
    with database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    for action in (database.check, database.migrate):
        with pytest.raises(StoreError, match=r"newer version .*version 9999.*knows 0002") as caught:
            action()
        assert caught.value.code == "store_newer"
    with database.session() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0002'"))


@pytest.mark.parametrize("content", [b"MZ this is no database" * 100, b"SQLite format 3\0" * 300])
def test_a_file_that_is_no_database_is_named_in_one_line(
    open_sqlite: OpenSqlite, tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "store.db").write_bytes(content)
    with pytest.raises(StoreError) as caught:
        open_sqlite().migrate()
    assert caught.value.code == "store_corrupt"
    assert re.fullmatch(r"the store \S+/store.db is damaged \(.*\); restore .*", str(caught.value))
    assert (tmp_path / "store.db").read_bytes() == content


def test_damaged_pages_are_found_at_the_start(open_sqlite: OpenSqlite, tmp_path: Path) -> None:
    database = open_sqlite()
    database.migrate()
    with database.session() as session:
        insert_events(session, [stored() for _ in range(2000)])
    database.close()
    file = tmp_path / "store.db"
    content = bytearray(file.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    file.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged") as caught:
        open_sqlite().migrate()
    assert caught.value.code == "store_corrupt"


def test_a_file_that_cannot_be_written_is_told(unprivileged: Path) -> None:
    file = unprivileged / "store.db"
    database = Database(f"sqlite:///{file}")
    database.migrate()
    database.close()
    file.chmod(0o400)
    unprivileged.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written") as caught:
        database.migrate()
    assert caught.value.code == "store_readonly"
    database.close()


def test_a_folder_that_cannot_be_written_is_told(unprivileged: Path) -> None:
    unprivileged.chmod(0o500)
    with pytest.raises(StoreError, match=r"cannot be made: Permission denied.*storage.url"):
        Database(f"sqlite:///{unprivileged / 'store.db'}").migrate()


def test_a_locked_file_is_told(
    open_sqlite: OpenSqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_BUSY_SECONDS", 0.05)
    database = open_sqlite()
    database.migrate()
    other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="is locked by another process") as caught:
        database.migrate()
    assert caught.value.code == "store_locked"
    with database.reading() as session:
        assert list_events(session).items == ()
    other.close()
    database.migrate()


def test_a_full_file_is_told(open_sqlite: OpenSqlite) -> None:
    database = open_sqlite()
    database.migrate()
    many = [stored() for _ in range(1000)]
    with database.session() as session:
        session.execute(text("PRAGMA max_page_count=1"))
    with pytest.raises(StoreError, match="is full") as caught, database.session() as session:
        insert_events(session, many)
    assert caught.value.code == "store_full"


def test_a_server_that_is_not_there_is_told_without_its_password(tmp_path: Path) -> None:
    database = Database(f"postgresql://me:s3cret@/cameras?host={tmp_path}")
    with pytest.raises(StoreError, match="socket/cameras cannot be reached") as caught:
        database.migrate()
    assert caught.value.code == "store_gone"
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    url = re.sub(r"@/\w+", "@/nowhere", postgres.create())
    with pytest.raises(StoreError, match="nowhere cannot be reached") as caught:
        Database(url).migrate()
    assert caught.value.code == "store_gone"


def test_postgresql_is_used_again_once_it_is_back(postgres: PostgresServer) -> None:
    database = Database(postgres.create())
    database.migrate()
    postgres.kill()
    try:
        for _ in range(2):
            with pytest.raises(StoreError) as caught:
                database.check()
            assert caught.value.code == "store_gone"
    finally:
        postgres.start()
    database.check()
    database.close()


@pytest.mark.parametrize(
    "address",
    [
        "mysql://me:s3cret@host/cameras",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://me:s3cret@host",
        "postgresql://me:s3cret@host/cameras?sslmode=perhaps",
        "postgresql://me:s3cret@host/cameras?options=-c",
        "://s3cret",
    ],
)
def test_wrong_addresses_are_refused_without_their_password(address: str) -> None:
    with pytest.raises(ConfigError, match=r"storage\.url") as caught:
        parse_store(address)
    assert "s3cret" not in str(caught.value)


def test_addresses_of_postgresql_mean_what_they_mean_to_libpq() -> None:
    plain = parse_store("postgresql://me:p%40ss@db.example:5433/cameras")
    assert plain.url.drivername == "postgresql+pg8000"
    assert plain.url.password == "p@ss"
    assert plain.name == "db.example/cameras"
    socket = parse_store("postgresql://me@/cameras?host=/var/run/postgresql&port=5433")
    assert socket.options == {"unix_sock": "/var/run/postgresql/.s.PGSQL.5433"}
    strict = parse_store("postgresql://me@db/cameras?sslmode=verify-full").options["ssl_context"]
    assert strict.check_hostname
    lax = parse_store("postgresql://me@db/cameras?sslmode=require").options["ssl_context"]
    assert not lax.check_hostname


def test_free_pages_are_given_back_in_slices(
    open_sqlite: OpenSqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "_VACUUMED_PAGES", 100)
    database = open_sqlite()
    database.migrate()
    with database.session() as session:
        for number in range(40):
            add_entry(
                session, at=number, key_id="k", key_name="n", address="", action="a", target="t",
                detail={"text": "x" * 50_000},
            )  # fmt: skip
    with database.session() as session:
        session.execute(text("DELETE FROM audit"))
    slices = 0
    while database.shrink():
        slices += 1
    database.empty_log()
    assert slices > 1
    assert (tmp_path / "store.db").stat().st_size < 500_000
    with database.reading() as session:
        assert list_entries(session).items == ()


def test_nothing_of_a_deleted_row_stands_in_the_files(
    open_sqlite: OpenSqlite, tmp_path: Path
) -> None:
    database = open_sqlite()
    database.migrate()
    event = stored(class_name="unmistakable")
    with database.session() as session:
        insert_events(session, [event])
    with database.session() as session:
        session.execute(text("DELETE FROM events"))
    database.empty_log()
    assert not any(b"unmistakable" in file.read_bytes() for file in tmp_path.iterdir())
