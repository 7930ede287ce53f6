"""Child processes of the service: killable, and never left behind.

A child ends when its parent does, however that ends: the kernel kills it (Linux), and everywhere
a thread watches for the parent's end. It ignores Ctrl-C and SIGTERM, which a terminal and a
service manager send to all processes at once: the parent decides. Parent and child talk through
one pipe; its end is the request to stop.
"""

from __future__ import annotations

import atexit
import ctypes
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from types import ModuleType
from typing import Any

from sightline.service.telemetry.logs import LogSettings, log_settings, start_logging

__all__ = ["Child", "start_child"]

_log = logging.getLogger(__name__)

_PR_SET_PDEATHSIG = 1
_CONTEXT = multiprocessing.get_context("spawn")
# The kernel's signal at a parent's death is one at the death of the *thread* that started the
# child; this thread lives as long as the process.
_starter = ThreadPoolExecutor(1, "child-starter")


class Child:
    """A running child process and the parent's end of the pipe to it.

    Made by `start_child`. The pipe belongs to one thread of the parent at a time; everything else
    may be called from any.
    """

    def __init__(self, process: SpawnProcess, pipe: Connection) -> None:
        self.pipe = pipe
        self._process = process

    @property
    def name(self) -> str:
        """What it was called when it was started."""
        return self._process.name

    @property
    def pid(self) -> int:
        """Its process number."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """Something that `multiprocessing.connection.wait` takes; ready when it has ended."""
        return self._process.sentinel

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if one ended it."""
        return self._process.exitcode

    def wait(self, timeout: float) -> int | None:
        """Wait for its end; its exit code, None if it still runs."""
        self._process.join(timeout)
        return self._process.exitcode

    def stop(self, grace: float = 5.0) -> None:
        """Close the pipe, which asks it to end; kill it if it has not after `grace` seconds."""
        self.pipe.close()
        self._process.join(grace)
        self.kill()

    def kill(self) -> None:
        """End it now and wait for that; nothing happens if it has ended."""
        if self._process.exitcode is None:
            self._process.kill()
        self._process.join()
        self.pipe.close()


def start_child(main: Callable[..., None], *args: object, name: str) -> Child:
    """Run `main(pipe, *args)` in a new process, which logs as this one does.

    Args:
        main: A function of a module (not of the program itself, `__main__`); it ends when the
            pipe does (`recv` raises EOFError).
        args: What can be pickled.
        name: What it is called in lists of processes and threads.
    """
    ours, theirs = _CONTEXT.Pipe()
    arguments = (main, theirs, os.getpid(), log_settings(), args)
    process = _CONTEXT.Process(target=_run, args=arguments, name=name, daemon=True)
    try:
        _starter.submit(_start, process).result()
    finally:
        theirs.close()
    return Child(process, ours)


@atexit.register
def _kill_the_forgotten() -> None:
    # At the end of a parent that did not stop its children, `multiprocessing` asks them by SIGTERM,
    # which they leave to us, and would wait for ever.
    for process in multiprocessing.active_children():
        process.kill()


def _start(process: SpawnProcess) -> None:
    # `spawn` imports the program that started us (a command line, pytest) in every child, which
    # costs more than what the child is for; it finds an empty one.
    program = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        process.start()
    finally:
        sys.modules["__main__"] = program


def _run(
    main: Callable[..., None],
    pipe: Connection,
    parent: int,
    logs: LogSettings | None,
    args: tuple[Any, ...],
) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _end_with_parent(parent)
    if logs is not None:
        # A copy of standard error, which a reader of cameras takes over for what FFmpeg writes.
        start_logging(logs, os.fdopen(os.dup(2), "w", buffering=1, encoding="utf-8"))
    try:
        main(pipe, *args)
    except Exception:
        # `multiprocessing` would write it past the log.
        _log.exception("the process %s failed", multiprocessing.current_process().name)
        sys.exit(1)


def _end_with_parent(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before we asked for the signal
            os._exit(1)
    process = multiprocessing.parent_process()
    assert process is not None
    sentinel = process.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
