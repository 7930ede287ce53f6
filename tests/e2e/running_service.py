"""`sightline serve` as its users run it: a process of its own, spoken to by HTTP alone."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

_START_SECONDS = 120.0
_PATIENCE_SECONDS = 120.0


class RunningService:
    """A service that was started with a configuration, in a folder that it keeps over restarts.

    Args:
        folder: Where its configuration, store and log lie.
        config: The configuration; store, folder and port are filled in.
        environment: Variables that it gets besides.
        options: What stands behind its configuration on the command line.

    Attributes:
        token: The administrator's, as the first start printed it.
        url: Where it listens.
    """

    def __init__(
        self,
        folder: Path,
        config: Mapping[str, Any],
        environment: Mapping[str, str] | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self._command = [sys.executable, "-m", "sightline", "serve", *options]
        self.folder = folder
        self.token = ""
        self.url = ""
        self.config = folder / "service.yaml"
        self.log = folder / "service.log"
        storage = {"url": f"sqlite:///{folder / 'store.db'}", "folder": str(folder / "files")}
        values = {"server": {"port": 0}, "storage": storage, **config}
        self.config.write_text(yaml.safe_dump(values), encoding="utf-8")
        self._environment = {**os.environ, **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self.start()

    def start(self) -> None:
        """Start it and wait until it listens."""
        with self.log.open("a", encoding="utf-8") as log:
            self._process = subprocess.Popen(
                [*self._command, "--config", str(self.config)],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=self._environment,
                start_new_session=True,
            )
        # A service that says nothing is ended, which ends the reading below.
        watchdog = threading.Timer(_START_SECONDS, self._process.kill)
        watchdog.start()
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if match := re.fullmatch(r"admin token: (\S+)\n", line):
                self.token = match[1]
            if match := re.fullmatch(r"Sightline listens on (http://\S+)\n", line):
                self.url = match[1]
                break
        watchdog.cancel()
        assert self.url, self.log.read_text(encoding="utf-8")

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        """An HTTP client with a key; the administrator's if none is given."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)

    def processes(self) -> set[int]:
        """Every process that it has started, itself included."""
        found: set[int] = set()
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.pid and fields[0] != "Z":
                    found.add(int(path.parent.name))
        return found

    def kill(self) -> None:
        """As when the power fails."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate()

    def end(self, timeout: float = 30.0) -> int:
        """Ask it to end, as `docker stop` does; its exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        self._process.communicate(timeout=timeout)
        return self._process.returncode

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextlib.contextmanager
def following(client: httpx.Client, path: str) -> Iterator[Callable[[Callable[[Any], bool]], Any]]:
    """`until(condition)` asks a path again and again until what it answers fulfils a condition."""
    pause = threading.Event()

    def until(condition: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            answer = client.get(path)
            answer.raise_for_status()
            if condition(answer.json()):
                return answer.json()
            assert time.monotonic() < deadline, answer.text
            pause.wait(0.1)

    yield until


def wait_for(condition: Callable[[], bool], what: str) -> None:
    """Wait until something holds."""
    pause = threading.Event()
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"never happened: {what}"
        pause.wait(0.05)
