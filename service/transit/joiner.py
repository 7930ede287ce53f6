"""A thread that joins tracks of different cameras while they come in.

It learns of tracks as the engine reports them, and after a start from the store. Whoever comes is
joined with whoever left once nothing more can be learnt about it: when the tracker of the camera
that was left no longer hopes to find its track again. What was joined stays.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable

from sightline.cross_camera import Evidence, Link, Passages, Sighting, associate
from sightline.cross_camera.sightings import Key
from sightline.service.config import Config
from sightline.service.engine.messages import TrackRecord
from sightline.service.networks import open_embedder_of
from sightline.service.rules import Event
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.erased import erased_numbers
from sightline.service.store.errors import StoreError
from sightline.service.store.identities import Join, Joined, join_tracks, joined_since
from sightline.service.transit.sightings import read_sightings, sighting_of
from sightline.service.transit.ways import ZonesOf, find_ways

__all__ = ["TransitJoiner", "configured_evidence"]

_LATE = 60.0
"""Seconds by which a track may be reported late."""
_MOST_NOTES = 100_000
_PAUSES = 5
"""How many times as long as a round took nothing is done, at least."""
_STRANGE_THRESHOLD = 0.5
"""Likeness for networks that were not calibrated."""

_log = logging.getLogger(__name__)


def configured_evidence(config: Config) -> Evidence:
    """How pairs are weighed, by the configuration and what its re-ID network says of itself.

    Raises:
        ModelError: The network cannot be found, loaded or used.
    """
    settings = config.transit
    threshold = settings.threshold
    if threshold is None:
        embedder = open_embedder_of(config.tracker, "cpu", threads=1)
        threshold = getattr(embedder, "track_threshold", None)
    return Evidence(
        _STRANGE_THRESHOLD if threshold is None else threshold,
        steepness=settings.steepness,
        bias=settings.bias,
    )


class TransitJoiner:
    """Joins tracks; nothing happens where no passage is configured.

    Args:
        config: The effective configuration.
        database: The store.
        clock: The service's time.
        zones_of: Zones of a stream as they are drawn now.
        put: Where events go.
        interval: Seconds between two rounds.
    """

    def __init__(
        self,
        config: Config,
        database: Database,
        clock: SteadyClock,
        zones_of: ZonesOf,
        put: Callable[[Event], None],
        *,
        interval: float = 1.0,
    ) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        self._zones_of = zones_of
        self._put = put
        self._interval = interval
        self._passages = config.transit.passages
        self._cameras = {name for way in self._passages for name in (way.leave, way.enter)}
        self._notes: deque[TrackRecord] = deque(maxlen=_MOST_NOTES)
        self._sightings: dict[Key, Sighting] = {}
        self._left: set[Key] = set()
        self._entered: set[Key] = set()
        self._evidence: Evidence | None = None
        self._problems: list[str] = []
        self._loaded = False
        self._due = -math.inf
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="transit", daemon=True)

    def start(self) -> None:
        """Begin, if there is a passage."""
        if self._passages:
            self._thread.start()

    def note(self, record: TrackRecord) -> None:
        """Learn of a track; returns at once."""
        if record.stream in self._cameras:
            self._notes.append(record)

    def close(self) -> None:
        """End after the round at hand."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        while True:
            began = time.monotonic()
            try:
                self.step()
            except StoreError as error:
                _log.warning("tracks cannot be joined now: %s", error)
            except Exception:
                _log.exception("tracks could not be joined")
            # Where a round takes long, cameras get most of the time in between.
            pause = max(self._interval, _PAUSES * (time.monotonic() - began))
            if self._closing.wait(pause):
                return

    def step(self) -> list[Joined]:
        """One round: take what was reported, join whom there is nothing more to learn about.

        Nothing is done while nothing was reported and nobody's wait is over.

        Raises:
            ModelError: The network of re-identification cannot be used.
            StoreError: The store failed; the next round does the same again.
        """
        now = self._clock.now()
        if self._loaded and not self._notes and now < self._due:
            return []
        ways = self._find_ways()
        horizon = now - ways.longest - self._config.transit.settle - _LATE
        self._load(horizon)
        self._take_notes(horizon)
        links = associate(
            self._sightings.values(),
            ways,
            self._weights(),
            left=self._left,
            entered=self._entered,
        )
        waits = [self._settles_at(link, now) for link in links]
        settled = [link for link, until in zip(links, waits, strict=True) if until <= now]
        self._due = now  # what fails below is done again
        joined = self._store(settled, now) if settled else []
        self._due = min((until for until in waits if until > now), default=math.inf)
        return joined

    def _find_ways(self) -> Passages:
        ways, problems = find_ways(self._passages, self._zones_of)
        for problem in problems:
            if problem not in self._problems:
                _log.warning("%s", problem)
        self._problems = problems
        return ways

    def _load(self, horizon: float) -> None:
        """What the store knows, once."""
        if self._loaded:
            return
        with self._database.reading() as session:
            stored = read_sightings(session, streams=self._cameras, begin=horizon)
            self._left, self._entered = joined_since(session, horizon)
        for sighting in stored:
            self._sightings.setdefault(sighting.key, sighting)
        self._loaded = True

    def _take_notes(self, horizon: float) -> None:
        while self._notes:
            sighting = sighting_of(self._notes.popleft())
            if sighting is not None:
                self._sightings[sighting.key] = sighting
        old = [key for key, sighting in self._sightings.items() if sighting.end < horizon]
        for key in old:
            del self._sightings[key]
            self._left.discard(key)
            self._entered.discard(key)

    def _weights(self) -> Evidence:
        if self._evidence is None:
            self._evidence = configured_evidence(self._config)
        return self._evidence

    def _settles_at(self, link: Link, now: float) -> float:
        """UNIX seconds from which nothing more is to be learnt about a link."""
        later = self._sightings[link.later]
        return now if later.over else later.begin + self._config.transit.settle

    def _store(self, links: list[Link], now: float) -> list[Joined]:
        streams = {key[0] for link in links for key in (link.earlier, link.later)}
        with self._database.session() as session:
            erased = erased_numbers(session, streams)
            gone = {key for link in links for key in (link.earlier, link.later)
                    if key[1] in erased[key[0]]}  # fmt: skip
            joins = [
                Join(link.earlier, link.later, link.passage.name, link.seconds, link.evidence)
                for link in links
                if link.earlier not in gone and link.later not in gone
            ]
            joined = join_tracks(session, joins, now)
        for key in gone:
            self._sightings.pop(key, None)
        for join in joins:
            self._left.add(join.earlier)
            self._entered.add(join.later)
        for one in joined:
            self._put(self._event(one, now))
        return joined

    def _event(self, joined: Joined, now: float) -> Event:
        join = joined.join
        later = self._sightings[join.later]
        stream, number = join.later
        return Event(
            stream,
            "transit",
            join.passage,
            later.begin,
            max(now, later.begin),
            number,
            later.class_name,
            position=later.entry,
            seconds=join.seconds,
            identity=joined.identity,
        )
