"""The service behind an HTTP server, from its start to a signal."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn

from sightline.service.api.app import create_app
from sightline.service.config import Config
from sightline.service.live.listening import open_listener
from sightline.service.service import Service
from sightline.service.telemetry.requests import RequestTelemetry
from sightline.service.telemetry.tracing import start_tracing
from sightline.service.watching import Watch, watch_here

__all__ = ["serve"]

_LAST_REQUESTS_SECONDS = 2
_LARGEST_SOCKET_MESSAGE = 64 * 1024
# Without file handles asyncio fails and logs as often a second as connections may wait.
_WAITING_CONNECTIONS = 64


def serve(config: Config, watch: Watch = watch_here) -> None:
    """Run the service until SIGINT or SIGTERM, and end it cleanly.

    Prints `admin token: …` at the first start, and the address once requests are answered.

    Args:
        config: The effective configuration.
        watch: Makes the readers and the engine.

    Raises:
        ConfigError: The address or a setting cannot be used.
        StoreError: The store cannot be used.
    """
    listener = open_listener(config.server.host, config.server.port)
    endpoint = config.telemetry.opentelemetry_endpoint
    tracing = start_tracing(endpoint) if endpoint else None
    service = Service(config, watch)
    context = service.context
    application = RequestTelemetry(create_app(context), context.metrics, tracing)
    settings = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        server_header=False,
        ws_max_size=_LARGEST_SOCKET_MESSAGE,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=_LAST_REQUESTS_SECONDS,
        lifespan="off",
        backlog=_WAITING_CONNECTIONS,
    )
    server = _Server(settings, context.hub.close)
    with _signals_wait(server):
        try:
            token = service.start()
            if token is not None:
                print(f"admin token: {token}", flush=True)
            host, port = listener.getsockname()[:2]
            place = f"[{host}]" if ":" in host else host
            print(f"Sightline listens on http://{place}:{port}", flush=True)
            if not server.should_exit:
                asyncio.run(server.serve(sockets=[listener]))
        finally:
            service.close()
            listener.close()
            if tracing is not None:
                tracing.close()


class _Server(uvicorn.Server):
    """Ends what never ends by itself before it waits for the last requests."""

    def __init__(self, config: uvicorn.Config, end_live: Callable[[], None]) -> None:
        super().__init__(config)
        self._end_live = end_live

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._end_live()
        await super().shutdown(sockets)


@contextmanager
def _signals_wait(server: uvicorn.Server) -> Iterator[None]:
    """A signal while parts start or end is noted, and breaks neither."""

    def note(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - a handler's form
        server.should_exit = True

    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
