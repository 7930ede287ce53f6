"""The live part of the interface on a real server: true access and store, streams that are told."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import uvicorn

from sightline.service.access.access import Access
from sightline.service.access.principals import Role
from sightline.service.api.app import create_app
from sightline.service.api.context import Context
from sightline.service.cameras.status import StreamState, StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.messages import EngineReport, FrameCounts, FrameResult
from sightline.service.errors import unknown_stream
from sightline.service.live.hub import Hub
from sightline.service.live.listening import open_listener
from sightline.service.live.pictures import Pictures
from sightline.service.live.privacy import Blur
from sightline.service.recordings.keeper import EventPictureStatistics
from sightline.service.rules.events import Event
from sightline.service.steady import SteadyClock
from sightline.service.store.backlog import Numbers
from sightline.service.store.database import Database
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.writer import WriterStatistics
from sightline.service.telemetry.metrics import Metrics
from sightline.service.telemetry.parts import Parts
from sightline.service.telemetry.requests import RequestTelemetry
from sightline.structures import Tracks

Image = npt.NDArray[np.uint8]


def make_result(
    stream: str = "gate",
    sequence: int = 1,
    boxes: list[list[float]] | None = None,
    *,
    detected: list[list[float]] | None = None,
    predicted: bool = False,
    size: tuple[int, int] = (320, 240),
) -> FrameResult:
    """A frame's result; frames are 40 ms apart."""
    places = np.array(boxes or [], np.float32).reshape(-1, 4)
    count = len(places)
    at = 1000.0 + sequence * 0.04
    tracks = Tracks(
        np.arange(1, count + 1),
        places,
        np.full(count, 0.9, np.float32),
        np.zeros(count, np.int32),
        np.full(count, -1, np.int32) if predicted else np.arange(count, dtype=np.int32),
        np.full(count, 2.0, np.float32),
        np.full(count, 5, np.int32),
        at,
    )
    found = np.array(detected or [], np.float32).reshape(-1, 5)
    counts = FrameCounts(sequence, sequence, 0, 0, 0)
    return FrameResult(
        stream, sequence, at, at + 0.03, size, tracks, ("person", "car"), found, (), counts
    )


def make_event(stream: str = "gate", number: int = 1) -> StoredEvent:
    """A crossing of a line."""
    event = Event(stream, "line_cross", "door", 1000.0 + number, 1000.5 + number, track=number)
    return StoredEvent(new_id(), event)


@dataclass(slots=True)
class ToldEngine:
    """An engine that has the pictures it is given, and notes who asks."""

    frames: dict[str, tuple[Image, FrameResult]] = field(default_factory=dict)
    watched: dict[str, float] = field(default_factory=dict)
    asked: int = 0
    on_watch: threading.Event = field(default_factory=threading.Event)

    def watch(self, id: str, until: float) -> None:  # noqa: A002
        self.watched[id] = until
        self.on_watch.set()

    def picture(self, id: str) -> tuple[Image, FrameResult] | None:  # noqa: A002
        self.asked += 1
        return self.frames.get(id)

    def report(self) -> EngineReport:
        return EngineReport(
            "RUNNING",
            1000.0,
            "sightline-n",
            "auto",
            device="cpu",
            utilisation=0.93,
            frames=12,
            stage_seconds={"detect": 1.5, "track": 0.2},
            batches={1: 4, 2: 4},
            batch_limit=8,
            restarts=1,
        )


@dataclass(slots=True)
class ToldStreams:
    """Streams whose state and last result are told."""

    statuses: dict[str, StreamStatus] = field(default_factory=dict)
    results: dict[str, FrameResult] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def tell(self, stream: str, state: StreamState = "RUNNING", **fields: Any) -> StreamStatus:
        self.statuses[stream] = StreamStatus(stream, state, 1000.0, **fields)
        return self.statuses[stream]

    def views(self) -> list[Any]:
        return [self.view(stream) for stream in self.statuses]

    def view(self, stream: str) -> Any:
        if stream not in self.statuses:
            raise unknown_stream(stream)
        name = self.names.get(stream, "")
        definition = Stream(id=stream, name=name, url=f"rtsp://{stream}:pass@10.0.0.5/1")
        return SimpleNamespace(
            stream=definition,
            origin="file",
            status=self.statuses[stream],
            result=self.results.get(stream),
            counts=self.results[stream].counts if stream in self.results else None,
        )


class NoEventPictures:
    """Keeps nothing of any event."""

    def find(self, *_: object) -> None:
        """No picture, no clip."""


class LiveService:
    """A server on a free port of the loopback; a context manager.

    Args:
        store: A file of SQLite, brought up to date.
    """

    def __init__(self, store: Path) -> None:
        self.clock = SteadyClock.start()
        self.database = Database(f"sqlite:///{store}")
        self.config = Config()
        self.access = Access(self.config, self.database, self.clock)
        self.engine = ToldEngine()
        self.streams = ToldStreams()
        self.hub = Hub(self.clock)
        self.blur: Blur = "off"
        self.pictures = Pictures(self.engine, self.hub, lambda _: self.blur, self.clock)
        self.metrics = Metrics()
        writer: Any = SimpleNamespace(
            statistics=WriterStatistics(
                Numbers(7, 6, 5, 4), Numbers(events=2), Numbers(), 3, 1, None, 0.01
            )
        )
        kept: Any = SimpleNamespace(
            statistics=EventPictureStatistics(snapshots=5, clips=4, failed=3, bytes=2048)
        )
        self.metrics.watch(
            Parts(
                *(self.clock, self.streams, self.engine, writer),
                *(self.database, self.hub, self.pictures, kept),
            )
        )
        nothing: Any = None
        event_pictures: Any = NoEventPictures()
        streams: Any = self.streams
        engine: Any = self.engine
        app = create_app(
            Context(
                config=self.config,
                clock=self.clock,
                database=self.database,
                access=self.access,
                streams=streams,
                hub=self.hub,
                pictures=self.pictures,
                alerts=nothing,
                engine=engine,
                jobs=nothing,
                search=nothing,
                event_pictures=event_pictures,
                metrics=self.metrics,
            )
        )
        config = uvicorn.Config(
            RequestTelemetry(app, self.metrics),
            log_config=None,
            access_log=False,
            ws_per_message_deflate=False,
            lifespan="off",
        )
        self.server = uvicorn.Server(config)
        self._listener = open_listener("127.0.0.1", 0)
        # The kernel's own buffer takes megabytes: a client that never reads would go unnoticed.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.socket_url = f"ws://127.0.0.1:{self.port}/v1/live"
        self._thread = threading.Thread(target=self._serve, name="live-service")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.hub.close()
        self.server.should_exit = True
        self._thread.join()
        self.pictures.close()
        self.database.close()

    def headers(self, role: Role = "viewer", streams: list[str] | None = None) -> dict[str, str]:
        """The header of a new key."""
        return {"Authorization": f"Bearer {self.key(role, streams)[1]}"}

    def key(self, role: Role = "viewer", streams: list[str] | None = None) -> tuple[str, str]:
        """Identifier and token of a new key."""
        key, token = self.access.keys.add("test", role, streams)
        return key.id, token

    def happen(self, *events: StoredEvent) -> None:
        """Store events and publish them, as the writer does."""
        with self.database.session() as session:
            insert_events(session, events)
        self.hub.publish_events(events)

    def show(self, image: Image, result: FrameResult) -> None:
        """Have the engine look at a frame."""
        self.engine.frames[result.stream] = (image, result)
        self.streams.results[result.stream] = result
        self.hub.publish_frame(result)

    def _serve(self) -> None:
        asyncio.run(self.server.serve(sockets=[self._listener]))


def until(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for something that another thread brings about."""
    end = time.monotonic() + seconds
    pause = threading.Event()
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        pause.wait(0.005)
