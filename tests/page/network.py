"""The network between a page and its service, which can be cut and can lead elsewhere."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import Self
from urllib.parse import urlsplit

__all__ = ["Network"]


class Network:
    """A forwarder of TCP connections on the loopback.

    Args:
        url: Address of the service.

    Attributes:
        url: The address that the page is given.
    """

    def __init__(self, url: str) -> None:
        self.url = ""
        self._target = urlsplit(url).port
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._ready.wait()

    def cut(self) -> None:
        """From now on nothing comes through, and nobody is told so: as a cable that is pulled."""
        self._cut = True

    def mend(self) -> None:
        """Let everything through again; what was open before is lost."""
        self._cut = False
        self._loop.call_soon_threadsafe(self._drop)

    def lead_to(self, url: str) -> None:
        """Lead new connections to another address."""
        self._target = urlsplit(url).port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        serving = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = self._loop.run_until_complete(serving)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"http://{host}:{port}"
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()  # first, so that nobody comes in any more
        self._drop()
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

    def _drop(self) -> None:
        for writer in self._open:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            with contextlib.suppress(OSError):
                inner, outer = await asyncio.open_connection("127.0.0.1", self._target)
                self._open.add(outer)
                await asyncio.gather(self._pass(reader, outer), self._pass(inner, writer))
                self._open.discard(outer)
        finally:
            writer.close()
            self._open.discard(writer)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(65_536):
                    if not self._cut:
                        writer.write(data)
                        await writer.drain()
        finally:
            writer.close()
