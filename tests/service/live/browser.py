"""Debian's Chromium without a window, driven by its own protocol (Chrome DevTools Protocol)."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from websockets.sync.client import connect

from tests.service.live.live_service import until

_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
    *("--no-first-run", "--disable-sync", "--disable-extensions", "--no-proxy-server"),
    *(
        "--disable-dev-shm-usage",
        "--disable-breakpad",
        "--remote-debugging-port=0",
        "--window-size=1280,800",
    ),
)


def find_browser() -> str | None:
    """The program, or None where there is none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One page; a context manager.

    Args:
        program: Chromium.
        folder: Where it keeps its profile.
    """

    def __init__(self, program: str, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._stack = ExitStack()
        self._numbers = itertools.count(1)
        self._session: str | None = None
        self.problems: list[str] = []
        """Exceptions of the page's script, and what its policy refused."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            process = subprocess.Popen(
                [self._program, *_FLAGS, f"--user-data-dir={self._folder}", "about:blank"],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, "HOME": str(self._folder)},
            )
            stack.callback(process.wait)
            stack.callback(process.kill)
            port_file = self._folder / "DevToolsActivePort"
            until(lambda: port_file.exists() and port_file.read_text().count("\n") > 0, 60)
            port, path = port_file.read_text().splitlines()[:2]
            self._socket = stack.enter_context(
                connect(f"ws://127.0.0.1:{port}{path}", proxy=None, open_timeout=60, max_size=None)
            )
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Runtime", "Log", "Page"):
                self.call(f"{domain}.enable")
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and wait for its result."""
        number = next(self._numbers)
        command: dict[str, Any] = {"id": number, "method": method, "params": parameters}
        if self._session is not None:
            command["sessionId"] = self._session
        self._socket.send(json.dumps(command))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            self._note(message)
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result

    def open(self, url: str) -> None:
        """Go to an address."""
        self.call("Page.navigate", url=url)

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript is worth in the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def text(self, selector: str) -> str:
        """The text of an element as it is seen; empty if there is none."""
        return str(self.value(f"document.querySelector({selector!r})?.innerText ?? ''"))

    def click(self, selector: str) -> None:
        """Click an element."""
        self.value(f"document.querySelector({selector!r}).click()")

    def type(self, text: str) -> None:
        """Type into what has the focus, and press Enter."""
        self.call("Input.insertText", text=text)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key="Enter", text="\r", code="Enter")

    def _note(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(parameters["exceptionDetails"]))
        entry = parameters.get("entry", {})
        if message.get("method") == "Log.entryAdded" and entry.get("source") == "security":
            self.problems.append(entry["text"])
