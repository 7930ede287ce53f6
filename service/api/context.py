"""Everything that the interface's handlers work with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

if TYPE_CHECKING:
    from sightline.service.access.access import Access
    from sightline.service.alerts.alerts import Alerts
    from sightline.service.config import Config
    from sightline.service.jobs.queue import JobQueue
    from sightline.service.live.hub import Hub
    from sightline.service.live.pictures import Pictures
    from sightline.service.recordings.keeper import EventPictures
    from sightline.service.search.search import Search
    from sightline.service.steady import SteadyClock
    from sightline.service.store.database import Database
    from sightline.service.streams import StreamManager
    from sightline.service.telemetry.metrics import Metrics
    from sightline.service.watching import Engine

__all__ = ["Context", "CurrentContext", "context_of"]


@dataclass(frozen=True, slots=True)
class Context:
    """What `create_app` is given; the parts are started and stopped by who made them.

    Args:
        config: The effective configuration.
        clock: Time.
        database: The store.
        access: Keys, logins, attempts, policy of addresses.
        streams: The cameras.
        hub: Live topics.
        pictures: Pictures of what is seen now.
        alerts: Who is told of events.
        engine: The detector's process, or those of a cluster.
        jobs: Offline tracking.
        search: Search by appearance.
        event_pictures: Snapshots and clips of events.
        metrics: What Prometheus reads.
    """

    config: Config
    clock: SteadyClock
    database: Database
    access: Access
    streams: StreamManager
    hub: Hub
    pictures: Pictures
    alerts: Alerts
    engine: Engine
    jobs: JobQueue
    search: Search
    event_pictures: EventPictures
    metrics: Metrics


def context_of(connection: HTTPConnection) -> Context:
    """The context of the application that serves a request or WebSocket."""
    context: Context = connection.app.state.context
    return context


CurrentContext = Annotated[Context, Depends(context_of)]
"""An argument of a handler."""
