"""A PostgreSQL server of Debian's packages, for as long as the tests run, behind a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
from itertools import count
from pathlib import Path
from typing import Any

import pg8000.native

__all__ = ["PostgresServer", "missing_postgres"]

_USER = "sightline"
# Nothing here has to survive a power cut.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "",
    "max_connections": "60",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "lc_messages": "C",
}


def missing_postgres() -> str:
    """Why no server can be started here; empty where one can."""
    if _programs() is None:
        return "PostgreSQL is not installed (Debian's package postgresql)"
    if os.geteuid() == 0 and _account() is None:
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


class PostgresServer:
    """One server with a folder of its own under the temporary ones.

    It ends with this process, however that ends.
    """

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sightline-postgres-"))
        self._names = count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._run_as: dict[str, Any] = {}
        account = _account() if os.geteuid() == 0 else None
        if account is not None:
            os.chown(self._folder, account.pw_uid, account.pw_gid)
            self._run_as = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self._run("initdb", "-D", self._data, "-U", _USER, "-A", "trust", "--no-sync", "-E", "UTF8")
        self.start()

    @property
    def _data(self) -> str:
        return str(self._folder / "data")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        # setpriv hands the signal on to what it becomes; a plain child would outlive us.
        command = ["setpriv", "--pdeathsig", "INT", str(self._program("postgres"))]
        self._process = subprocess.Popen(
            [*command, "-D", self._data, "-k", str(self._folder), *settings],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=self._folder,
            **self._run_as,
        )
        log = self._process.stderr
        assert log is not None
        assert any(b"ready to accept connections" in line for line in log), "PostgreSQL ended"
        # Its log is read to the end, lest it waits for a reader.
        self._reader = threading.Thread(target=log.read, daemon=True)
        self._reader.start()

    def kill(self) -> None:
        """End it as a power cut would."""
        assert self._process is not None
        # SIGQUIT is its immediate shutdown, which takes its own children along.
        self._process.send_signal(3)
        self._process.wait()
        assert self._process.stderr is not None
        self._reader.join()
        self._process.stderr.close()
        self._process = None

    def close(self) -> None:
        """End it and remove its folder."""
        if self._process is not None:
            self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def create(self) -> str:
        """Make an empty database and return its address."""
        name = f"store{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return f"postgresql://{_USER}@/{name}?host={self._folder}"

    def execute(self, statement: str, database: str = "postgres") -> list[Any]:
        """Run a statement outside of any transaction."""
        connection = pg8000.native.Connection(
            _USER, database=database, unix_sock=str(self._folder / ".s.PGSQL.5432")
        )
        try:
            return list(connection.run(statement) or [])
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [str(self._program(program)), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            **self._run_as,
        )

    def _program(self, name: str) -> Path:
        folder = _programs()
        assert folder is not None
        return folder / name


def _programs() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if found:
        return found[-1].parent
    on_path = shutil.which("postgres")
    return Path(on_path).parent if on_path else None


def _account() -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return None
