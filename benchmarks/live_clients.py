"""Many WebSocket clients of `/v1/live` in a process of their own, at as little cost as can be.

They share the machine with the service that is measured, so they take frames apart by their headers
alone and read the text of one in eight.
"""

from __future__ import annotations

import base64
import json
import multiprocessing
import os
import selectors
import socket
import time
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

__all__ = ["Heard", "LiveClients"]

_CHUNK = 1 << 18
_READ_ONE_IN = 8
_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


@dataclass
class Heard:
    """What one client was told.

    Args:
        messages: How many came.
        ages: Seconds from capture to the end of the work on it, of the frames that were read.
        late: Most seconds from there until the client had it.
    """

    messages: int = 0
    ages: list[float] = field(default_factory=list)
    late: float = 0.0


class LiveClients:
    """Clients that listen from entering to leaving the context.

    Args:
        url: Of the service.
        token: A key's.
        topics: What each asks for.
        clients: How many read all that comes.
        idle: How many ask for everything and read nothing.
    """

    def __init__(self, url: str, token: str, topics: list[str], clients: int, idle: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        arguments = (other, url, token, topics, clients, idle)
        self._process = context.Process(target=_listen_all, args=arguments, daemon=True)

    def __enter__(self) -> Self:
        self._process.start()
        self._pipe.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join()

    def forget(self) -> None:
        """Begin to count anew."""
        self._pipe.send("forget")
        self._pipe.recv()

    def heard(self) -> list[Heard]:
        """What each of those who read was told since."""
        self._pipe.send("tell")
        told: list[Heard] = self._pipe.recv()
        return told


class _Client:
    """One connection: the bytes that came, and what they said."""

    def __init__(self, url: str, token: str, topics: list[str]) -> None:
        address = urlsplit(url)
        self.socket = socket.create_connection((address.hostname, address.port))
        query = urlencode({"topics": ",".join(topics)})
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET /v1/live?{query} HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"Authorization: Bearer {token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
        )
        self.heard = Heard()
        self._bytes = bytearray()
        while b"\r\n\r\n" not in self._bytes:
            self._bytes += self.socket.recv(4096)
        head, _, rest = bytes(self._bytes).partition(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise ConnectionError(head.decode())
        self._bytes = bytearray(rest)

    def read(self) -> None:
        """Take what has come (RFC 6455: a server's frames are not masked)."""
        self._bytes += self.socket.recv(_CHUNK)
        now, begin = time.time(), 0
        while (frame := self._frame(begin)) is not None:
            kind, first, begin = frame
            self._take(kind, memoryview(self._bytes)[first:begin].tobytes(), now)
        del self._bytes[:begin]

    def _frame(self, begin: int) -> tuple[int, int, int] | None:
        """Kind, begin and end of the payload of the frame that begins there, if all is there."""
        data = self._bytes
        if len(data) < begin + 2:
            return None
        size, first = data[begin + 1], begin + 2
        more = {126: 2, 127: 8}.get(size, 0)
        if more:
            first += more
            size = int.from_bytes(data[first - more : first])
        end = first + size
        return None if len(data) < end else (data[begin] & 15, first, end)

    def _take(self, kind: int, payload: bytes, now: float) -> None:
        if kind == _PING:
            self.socket.sendall(bytes([0x80 | _PONG, 0x80 | len(payload), 0, 0, 0, 0]) + payload)
        elif kind == _CLOSE:
            raise ConnectionError(f"the service ended a client that reads: {payload!r}")
        elif kind == _TEXT:
            heard = self.heard
            heard.messages += 1
            if heard.messages % _READ_ONE_IN == 0:
                message: dict[str, Any] = json.loads(payload)
                if message["type"] == "tracks":
                    captured, finished = map(_seconds, (message["time"], message["finished"]))
                    heard.ages.append(finished - captured)
                    heard.late = max(heard.late, now - finished)


def _listen_all(
    pipe: Connection, url: str, token: str, topics: list[str], clients: int, idle: int
) -> None:
    """Main function of the process."""
    readers = [_Client(url, token, topics) for _ in range(clients)]
    silent = [_Client(url, token, topics) for _ in range(idle)]
    selector = selectors.DefaultSelector()
    selector.register(pipe, selectors.EVENT_READ)
    for client in readers:
        selector.register(client.socket, selectors.EVENT_READ, client)
    pipe.send(len(readers) + len(silent))
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data.read()
            elif pipe.recv() == "tell":
                pipe.send([client.heard for client in readers])
            else:
                for client in readers:
                    client.heard = Heard()
                pipe.send(None)


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
