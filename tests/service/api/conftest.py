"""The whole interface over a real store, with doubles of what reads, tracks and computes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx
import numpy as np
import numpy.typing as npt
import pytest
from fastapi import FastAPI

from sightline.service.access.access import Access
from sightline.service.access.policy import AddressPolicy
from sightline.service.access.principals import Role
from sightline.service.alerts.alerts import Alerts
from sightline.service.api.app import create_app
from sightline.service.api.context import Context
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.messages import EngineReport, FrameCounts, FrameResult, StreamEnd
from sightline.service.jobs.queue import JobQueue
from sightline.service.live.hub import Hub
from sightline.service.live.pictures import Pictures
from sightline.service.recordings.keeper import EventPictures
from sightline.service.rules import Event
from sightline.service.search.search import Search
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.streams import StreamManager
from sightline.service.telemetry.metrics import Metrics

with warnings.catch_warnings():
    # It asks for httpx2, a second client beside the one that the service itself sends with.
    warnings.simplefilter("ignore")
    from fastapi.testclient import TestClient

ADMIN_TOKEN = "an administrator's token"


@dataclass
class Clock:
    """Time that a test moves on."""

    time: float = 1_800_000_000.0

    def now(self) -> float:
        return self.time


@dataclass
class Readers:
    """Cameras that run at once."""

    running: set[str] = field(default_factory=set)

    def add(self, stream: Stream, guard: Guard | None = None) -> None:
        if stream.enabled:
            self.running.add(stream.id)

    def replace(self, stream: Stream, guard: Guard | None = None) -> None:
        pass

    def remove(self, stream: str) -> None:
        self.running.discard(stream)

    def start(self, stream: str) -> None:
        self.running.add(stream)

    def stop(self, stream: str) -> None:
        self.running.discard(stream)

    def status(self, stream: str) -> StreamStatus:
        return StreamStatus(stream, "RUNNING" if stream in self.running else "STOPPED", 0.0)


@dataclass
class Engine:
    """A detector that sees nothing."""

    state: Any = "RUNNING"

    def add(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        pass

    def update(self, stream: Stream) -> None:
        pass

    def remove(self, stream: str) -> None:
        pass

    def forget(self, stream: str) -> None:
        pass

    def counts(self, stream: str) -> FrameCounts | None:
        pass

    def watch(self, id: str, until: float) -> None:  # noqa: A002
        pass

    def picture(self, id: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:  # noqa: A002
        return None

    def report(self) -> EngineReport:
        return EngineReport(self.state, 0.0, "sightline-n", "auto", "cpu")


class _NoClips:
    """A supervisor that keeps no packets."""

    def clip(self, *values: Any, **more: Any) -> Any:
        raise AssertionError("clips are off")


class Writer:
    """Writes nothing."""

    def put(self, item: Event | StreamEnd) -> None:
        pass


@dataclass
class Service:
    """A service without its processes, and its users."""

    context: Context
    app: FastAPI
    clock: Clock
    readers: Readers
    engine: Engine
    stack: ExitStack

    def client(
        self,
        token: str | None = ADMIN_TOKEN,
        *,
        address: str = "10.9.8.7",
        url: str = "http://sightline.test",
    ) -> TestClient:
        """A user of the interface."""
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        client = TestClient(
            self.app,
            base_url=url,
            headers=headers,
            client=(address, 50_000),
            raise_server_exceptions=False,
        )
        return self.stack.enter_context(client)

    def token(self, role: Role, *streams: str) -> str:
        """A key of a role, for some streams or for all."""
        return self.context.access.keys.add(f"test {role}", role, streams or None)[1]


class MakeService(Protocol):
    def __call__(self, **values: Any) -> Service: ...


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[MakeService]:
    """`make_service(streams=[…], security={…})`: values of the configuration."""
    with ExitStack() as stack:

        def make(**values: Any) -> Service:
            url = f"sqlite:///{tmp_path / 'store.db'}"
            storage = {"url": url, "folder": str(tmp_path / "files")}
            values = {"auth": {"admin_token": ADMIN_TOKEN}, "storage": storage, **values}
            config = Config.model_validate(values)
            clock = Clock()
            database = Database(url)
            database.migrate()
            stack.callback(database.close)
            # Nothing of the clock but `now` is used.
            steady: SteadyClock = clock  # type: ignore[assignment]
            access = Access(config, database, steady)
            stack.callback(access.close)
            resolved = {"camera.test": ["10.0.0.5"], "inside.test": ["10.0.0.6", "127.0.0.1"]}
            access.policy = AddressPolicy(
                config.security.allowed_networks, lambda host, _: resolved.get(host, [host])
            )
            access.prepare()
            hub, readers, engine, writer = Hub(steady), Readers(), Engine(), Writer()
            streams = StreamManager(
                config.streams, database, writer, readers, engine, hub, steady, access.guard
            )
            streams.open()
            events = EventPictures(config, steady, _NoClips(), engine, lambda _: "off")
            jobs = JobQueue(config, database, steady, niceness=0)
            stack.callback(jobs.close)
            engine_double: Any = engine
            context = Context(
                config=config,
                clock=steady,
                database=database,
                access=access,
                streams=streams,
                hub=hub,
                pictures=Pictures(engine, hub, lambda _: "off", steady),
                alerts=Alerts(config, database, steady),
                engine=engine_double,
                jobs=jobs,
                search=Search(config, database),
                event_pictures=events,
                metrics=Metrics(),
            )
            return Service(context, create_app(context), clock, readers, engine, stack)

        yield make


def code_of(response: httpx.Response) -> str:
    """The code of a problem document; fails if it is none."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    document = response.json()
    assert document["status"] == response.status_code
    code: str = document["code"]
    return code
