"""A proxy of our own, through which FFmpeg reads HTTP sources that came by the interface.

FFmpeg follows redirects, opens what playlists name and looks names up again, all out of our sight.
Its option `http_proxy` sends every one of these connections here (also those that TLS makes, by
CONNECT), where host and address are checked anew and the connection goes to just the address that
was checked. The proxy listens on loopback only and asks for a password that nobody else knows.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hmac
import re
import secrets
import threading
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass

from sightline.errors import SightlineError
from sightline.service.access.policy import AddressPolicy
from sightline.video.address import parse_address

__all__ = ["Egress", "refused_by_proxy"]

_LARGEST_HEAD = 64 * 1024
_HEAD_SECONDS = 30.0
_CONNECT_SECONDS = 30.0
_PIECE = 256 * 1024
# Not 403, which FFmpeg and whoever reads its message take for a wrong password.
_REFUSED = 451
_REFUSES = "Sightline refuses "
_TOLD = re.compile(rf"HTTP error {_REFUSED} {_REFUSES}(\S+)")


class Egress:
    """The proxy, in a thread of its own from its first use on.

    Args:
        policy: Which addresses it connects to.
    """

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._url = ""
        secret = secrets.token_urlsafe(24)
        self._user = f"sightline:{secret}"
        self._expected = b"Basic " + base64.b64encode(self._user.encode())

    def start(self) -> str:
        """Have the proxy run.

        Returns:
            Its address with user and password, as FFmpeg's option takes it.
        """
        with self._lock:
            if self._loop is None:
                ready = threading.Event()
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(
                    target=self._run, args=(self._loop, ready), name="egress", daemon=True
                )
                self._thread.start()
                ready.wait()
            return self._url

    def close(self) -> None:
        """End the proxy and every connection through it."""
        with self._lock:
            loop, thread = self._loop, self._thread
            self._loop = self._thread = None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()

    def _run(self, loop: asyncio.AbstractEventLoop, ready: threading.Event) -> None:
        asyncio.set_event_loop(loop)
        try:
            server = loop.run_until_complete(
                asyncio.start_server(self._serve, "127.0.0.1", 0, limit=_LARGEST_HEAD)
            )
            port = server.sockets[0].getsockname()[1]
            self._url = f"http://{self._user}@127.0.0.1:{port}"
            ready.set()
            loop.run_forever()
            server.close()
            pending = asyncio.all_tasks(loop)
            for task in pending:
                task.cancel()
            loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        finally:
            ready.set()
            loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of FFmpeg: a request that names a host, then bytes both ways."""
        try:
            async with asyncio.timeout(_HEAD_SECONDS):
                request = _parse(await reader.readuntil(b"\r\n\r\n"))
            if not hmac.compare_digest(request.authorization, self._expected):
                headers = 'Proxy-Authenticate: Basic realm="sightline"\r\n'
                await _refuse(writer, 407, "No password", headers)
                return
            refusal = _REFUSES + urllib.parse.quote(f"{request.host}:{request.port}", safe=":.")
            address = await asyncio.to_thread(self._policy.address_of, request.host, request.port)
            async with asyncio.timeout(_CONNECT_SECONDS):
                far = await asyncio.open_connection(address, request.port, limit=_PIECE)
        except SightlineError:
            await _refuse(writer, _REFUSED, refusal)
            return
        except (OSError, TimeoutError):
            await _refuse(writer, 504, "Not reached")
            return
        except (ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await _refuse(writer, 400, "No request to a proxy")
            return
        if request.forwarded:
            far[1].write(request.forwarded)
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await _join((reader, writer), far)


def refused_by_proxy(log: Iterable[str]) -> str | None:
    """Which host and port the proxy refused, by the lines that FFmpeg logged; None for none."""
    told = filter(None, map(_TOLD.search, log))
    return next((match[1] for match in told), None)


@dataclass(frozen=True, slots=True)
class _Request:
    """What a client asks the proxy for; `forwarded` is empty for CONNECT."""

    host: str
    port: int
    authorization: bytes
    forwarded: bytes


def _parse(head: bytes) -> _Request:
    """The head of a request to a proxy (RFC 9112, 3.2.2 and 3.2.3).

    Raises:
        ValueError: It is none.
    """
    lines = head.removesuffix(b"\r\n\r\n").split(b"\r\n")
    method, target, version = lines[0].split(b" ")
    authorization = b""
    kept = []
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"proxy-authorization":
            authorization = value.strip()
        elif name.lower() not in (b"connection", b"proxy-connection"):
            kept.append(line)
    connects = method.upper() == b"CONNECT"
    url = f"tcp://{target.decode()}" if connects else target.decode()
    address = parse_address(url)
    if address.port is None and (connects or address.scheme != "http"):
        raise ValueError("a port is missing")
    if connects:
        return _Request(address.host, address.port or 0, authorization, b"")
    path = address.path if address.path.startswith("/") else f"/{address.path}"
    # One request a connection: the next may be for another host.
    begin = b" ".join((method, path.encode(), version))
    forwarded = b"\r\n".join((begin, *kept, b"Connection: close", b"", b""))
    return _Request(address.host, address.port or 80, authorization, forwarded)


async def _refuse(
    writer: asyncio.StreamWriter, status: int, reason: str, headers: str = ""
) -> None:
    head = f"HTTP/1.1 {status} {reason}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n"
    with contextlib.suppress(OSError):
        writer.write(head.encode())
        await writer.drain()
        writer.close()
        await writer.wait_closed()


_Stream = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _join(near: _Stream, far: _Stream) -> None:
    """Carry bytes both ways until either side ends."""
    tasks = [
        asyncio.create_task(_carry(near[0], far[1])),
        asyncio.create_task(_carry(far[0], near[1])),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        for _, writer in (near, far):
            writer.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(_PIECE):
            writer.write(piece)
            await writer.drain()
