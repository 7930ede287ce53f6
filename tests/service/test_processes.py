from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection, wait
from pathlib import Path

import pytest

from sightline.service.processes import Child, start_child

_PARENT = """
import signal
from tests.service.test_processes import echo
from sightline.service.processes import start_child
children = [start_child(echo, name="child"), start_child(hang, name="hanging")]
for child in children:
    child.pipe.recv()
print(*[child.pid for child in children], flush=True)
signal.pause()
""".replace("import echo", "import echo, hang")
_ROOT = Path(__file__).resolve().parent.parent.parent


def echo(pipe: Connection, first: str = "here") -> None:
    """Says something, then repeats what it is told."""
    pipe.send((first, os.getpid()))
    while True:
        try:
            pipe.send(pipe.recv())
        except EOFError:
            return


def hang(pipe: Connection) -> None:
    """Looks at no pipe ever again."""
    pipe.send("here")
    while True:
        signal.pause()


@pytest.fixture(params=[echo, hang])
def child(request: pytest.FixtureRequest) -> Child:
    child = start_child(request.param, name="child")
    child.pipe.recv()
    return child


def test_a_child_is_told_and_tells() -> None:
    child = start_child(echo, "hello", name="echo")
    assert child.pipe.recv() == ("hello", child.pid)
    child.pipe.send([1, 2])
    assert child.pipe.recv() == [1, 2]
    assert wait([child.sentinel], 0) == []
    child.stop(30)
    assert child.exit_code == 0
    assert wait([child.sentinel], 0) == [child.sentinel]


def test_stopping_kills_who_does_not_listen() -> None:
    child = start_child(hang, name="hang")
    child.pipe.recv()
    child.stop(0.1)
    assert child.exit_code == -signal.SIGKILL


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_child_leaves_the_end_of_all_to_its_parent(child: Child, number: signal.Signals) -> None:
    os.kill(child.pid, number)
    child.stop(0.5)
    assert child.exit_code in (0, -signal.SIGKILL)


def test_children_outlive_the_thread_that_started_them() -> None:
    started: list[Child] = []
    thread = threading.Thread(target=lambda: started.append(start_child(echo, name="echo")))
    thread.start()
    thread.join()
    child = started[0]
    child.pipe.recv()
    child.pipe.send("still there")
    assert child.pipe.recv() == "still there"
    child.kill()


def test_a_parent_that_forgot_its_children_ends_all_the_same() -> None:
    program = _PARENT.replace("signal.pause()", "raise SystemExit(7)")
    parent = subprocess.run(
        [sys.executable, "-c", program], cwd=_ROOT, capture_output=True, timeout=60, check=False
    )
    assert parent.returncode == 7


def test_no_child_is_left_when_the_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", _PARENT], cwd=_ROOT, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    children = [int(pid) for pid in parent.stdout.readline().split()]
    assert len(children) == 2
    ends = [os.pidfd_open(pid) for pid in children]
    parent.kill()
    parent.communicate()
    left = set(ends)
    while left:
        ready = wait(list(left), 30)
        assert ready
        left = {end for end in left if end not in ready}
    for end in ends:
        os.close(end)
