"""The whole service: every part made, joined, started and stopped in the order that loses nothing.

Frames go from the readers through shared memory to the engine; what the engine tells goes from
its host's thread to the hub and the writer; what the writer has stored goes to alerts, pictures
and the hub. The interface works with all of them through `Context`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from sightline.detector.detector import find_model
from sightline.service.access.access import Access
from sightline.service.alerts.alerts import Alerts
from sightline.service.api.context import Context
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Config
from sightline.service.disk import private_folder
from sightline.service.engine.host import Message
from sightline.service.engine.messages import EngineReport, FrameResult, TrackRecord
from sightline.service.jobs.queue import JobQueue
from sightline.service.live.hub import Hub
from sightline.service.live.pictures import Pictures
from sightline.service.live.privacy import Blur
from sightline.service.occupancy import Occupancy
from sightline.service.recordings.keeper import EventPictures
from sightline.service.rules import Zone
from sightline.service.search.search import Search
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.events import StoredEvent
from sightline.service.store.retention import RetentionSweeper
from sightline.service.store.writer import Writer
from sightline.service.streams import StreamManager
from sightline.service.telemetry.metrics import Metrics
from sightline.service.telemetry.parts import Parts
from sightline.service.transit.joiner import TransitJoiner
from sightline.service.watching import Listeners, Watch, watch_here

__all__ = ["Service"]

_log = logging.getLogger(__name__)


class Service:
    """Everything behind one interface.

    Args:
        config: The effective configuration.
        watch: Makes the readers and the engine.

    Attributes:
        context: What the interface works with.

    Raises:
        ConfigError: The address of the store cannot be used.
    """

    def __init__(self, config: Config, watch: Watch = watch_here) -> None:
        clock = SteadyClock.start()
        self._folder = Path(config.storage.folder).absolute()
        self._occupancy = Occupancy(self._folder)
        self._database = Database(config.storage.url.get_secret_value())
        self._access = Access(config, self._database, clock)
        self._hub = Hub(clock)
        self._metrics = Metrics()
        self._alerts = Alerts(
            config, self._database, clock, on_delivery=self._metrics.observe_delivery
        )
        self._writer = Writer(
            self._database, on_events=self._note_events, in_transaction=self._alerts.in_transaction
        )
        self._sweeper = RetentionSweeper(self._database, config.storage.retention, clock)
        watching = watch(config, clock, Listeners(self._take, self._note_status, self._note_rest))
        self._engine, self._readers = watching.engine, watching.cameras
        self._streams = StreamManager(
            config.streams,
            self._database,
            self._writer,
            self._readers,
            self._engine,
            self._hub,
            clock,
            self._access.guard,
        )
        self._pictures = Pictures(self._engine, self._hub, self._blur_of, clock)
        self._jobs = JobQueue(config, self._database, clock)
        self._event_pictures = EventPictures(
            config, clock, self._readers, self._engine, self._blur_of
        )
        self._search = Search(config, self._database)
        self._joiner = TransitJoiner(
            config, self._database, clock, self._zones_of, self._writer.put
        )
        self.context = Context(
            config=config,
            clock=clock,
            database=self._database,
            access=self._access,
            streams=self._streams,
            hub=self._hub,
            pictures=self._pictures,
            alerts=self._alerts,
            engine=self._engine,
            jobs=self._jobs,
            search=self._search,
            event_pictures=self._event_pictures,
            metrics=self._metrics,
        )
        self._metrics.watch(
            Parts(
                clock,
                self._streams,
                self._engine,
                self._writer,
                self._database,
                self._hub,
                self._pictures,
                self._event_pictures,
            )
        )

    def start(self) -> str | None:
        """Bring the store up to date and begin with everything; cameras connect beside the caller.

        Returns:
            A new administrator's token where there was none, for the one line that is printed.

        Raises:
            ModelError: There is no such network.
            StoreError: The store cannot be used.
            ConfigError: A definition in the store is none.
            StateError: Another service works in its folder.
            OSError: The folder of files cannot be made.
        """
        find_model(self.context.config.detector.network)
        self._database.migrate()
        private_folder(self._folder)
        self._occupancy.take()
        token = self._access.prepare()
        self._alerts.start()
        self._writer.start()
        self._sweeper.start()
        self._event_pictures.start()
        self._engine.start()
        self._streams.open()
        self._joiner.start()
        self._jobs.start()
        return token

    def close(self) -> None:
        """End everything within some seconds: first what makes, then what keeps.

        A part that fails to end is logged and holds nothing up.
        """
        for close in (
            self._hub.close,
            self._readers.close,
            self._engine.close,
            self._jobs.close,
            self._joiner.close,
            self._event_pictures.close,
            self._writer.close,
            self._alerts.close,
            self._sweeper.close,
            self._pictures.close,
            self._search.close,
            self._access.close,
            self._database.close,
            self._occupancy.give_back,
        ):
            _close(close)

    def _take(self, message: Message) -> None:
        """One thing that the engine tells, in order; from its host's thread."""
        match message:
            case FrameResult():
                self._metrics.observe_frame(message)
                for event in message.events:
                    self._writer.put(event)
                self._event_pictures.on_result(message)
                self._hub.publish_frame(message)
            case EngineReport():
                pass  # asked for when somebody wants it
            case _:
                if isinstance(message, TrackRecord):
                    self._joiner.note(message)
                self._writer.put(message)

    def _note_status(self, status: StreamStatus) -> None:
        self._metrics.observe_state(status)
        self._streams.note_status(status)

    def _note_rest(self, stream: str) -> None:
        self._streams.note_rest(stream)

    def _note_events(self, events: list[StoredEvent]) -> None:
        self._alerts.on_events(events)
        self._event_pictures.on_events(events)
        self._metrics.observe_events(events)
        self._hub.publish_events(events)

    def _zones_of(self, stream: str) -> Sequence[Zone]:
        return self._streams.view(stream).stream.zones

    def _blur_of(self, stream: str) -> Blur:
        return self._streams.view(stream).stream.privacy.blur


def _close(close: Callable[[], None]) -> None:
    try:
        close()
    except Exception:
        _log.exception("a part did not end as it should")
