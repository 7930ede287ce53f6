"""Everything that the interface's handlers work with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

from fastapi import Depends
from fastapi.requests import HTTPConnection

from sightline.service.access.policy import Pinned
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config, Stream
from sightline.service.engine.messages import FrameResult
from sightline.service.rules import Line, Polygon, Zone
from sightline.service.steady import SteadyClock

if TYPE_CHECKING:
    from sightline.service.access.access import Access

    from sightline.service.store.database import Database

__all__ = ["Context", "CurrentContext", "StreamView", "Streams", "context_of"]


class StreamView(Protocol):
    """A stream as it stands."""

    @property
    def stream(self) -> Stream:
        """How it is defined."""

    @property
    def origin(self) -> Literal["file", "api"]:
        """Where the definition comes from."""

    @property
    def status(self) -> StreamStatus:
        """What it is doing."""

    @property
    def result(self) -> FrameResult | None:
        """The last frame that was looked at."""


class Streams(Protocol):
    """Definitions, readers, engine and store of all streams together (`service.streams`).

    An unknown identifier raises `UnknownError`, one that is taken or belongs to the configuration
    file `ConflictError`.
    """

    def views(self) -> Sequence[StreamView]:
        """All streams."""

    def view(self, stream: str) -> StreamView:
        """One stream."""

    def create(self, stream: Stream, pinned: Pinned | None) -> StreamView:
        """Add a stream and start it if it is enabled."""

    def update(self, stream: str, changes: Mapping[str, Any], pinned: Pinned | None) -> StreamView:
        """Change fields of a definition; `pinned` where the source changes."""

    def delete(self, stream: str) -> None:
        """Stop a stream and forget its definition."""

    def start(self, stream: str) -> None:
        """Let it run."""

    def stop(self, stream: str) -> None:
        """Let it rest."""

    def set_zones(self, stream: str, zones: Sequence[Zone]) -> list[str]:
        """Replace the zones; a sentence about each that can never fire."""

    def set_lines(self, stream: str, lines: Sequence[Line]) -> list[str]:
        """Replace the lines; a sentence about each that can never fire."""

    def set_masks(self, stream: str, masks: Sequence[Polygon]) -> list[str]:
        """Replace the masks; a sentence about what they hide that is hardly meant."""


@dataclass(frozen=True, slots=True)
class Context:
    """What `create_app` is given; the parts are started and stopped by who made them.

    Args:
        config: The effective configuration.
        clock: Time.
        database: The store.
        access: Keys, sessions, attempts, policy of addresses.
        streams: The cameras.
        writer: Where events and tracks are written.
        engine: The detector's process.
        hub: Live topics.
        alerts: Who is told of events.
        jobs: Offline tracking.
        search: Search by appearance.
        event_pictures: Snapshots and clips of events.
        pictures: Pictures of what is seen now.
        metrics: What Prometheus reads.
    """

    config: Config
    clock: SteadyClock
    database: Database
    access: Access
    streams: Streams
    writer: Any = None
    engine: Any = None
    hub: Any = None
    alerts: Any = None
    jobs: Any = None
    search: Any = None
    event_pictures: Any = None
    pictures: Any = None
    metrics: Any = None


def context_of(connection: HTTPConnection) -> Context:
    """The context of the application that serves a request or WebSocket."""
    context: Context = connection.app.state.context
    return context


CurrentContext = Annotated[Context, Depends(context_of)]
"""An argument of a handler."""
