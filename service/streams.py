"""All streams of a service: how they are defined, read, tracked and remembered, in one place.

A stream of the configuration file is trusted and stays as the file says, but for what is drawn
into its picture and whether it runs, which the interface may change. A stream made through the
interface is all the store's, and its address is checked before every attempt to connect.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Protocol

from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream
from sightline.service.definitions import (
    from_stored,
    overridden,
    plain_form,
    stored_form,
    stream_of,
)
from sightline.service.engine.messages import FrameCounts, FrameResult, StreamEnd
from sightline.service.errors import ConflictError, unknown_stream
from sightline.service.live.hub import Hub
from sightline.service.rules import Event, Line, Polygon, Zone, never_firing
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.states import get_state, reserve_numbers
from sightline.service.store.streams import (
    StreamOverride,
    add_stream,
    delete_override,
    delete_stream,
    get_override,
    get_stream,
    list_overrides,
    list_streams,
    set_override,
    update_stream,
)

__all__ = ["Readers", "StreamManager", "StreamView", "Trackers"]

Origin = Literal["file", "api"]

_QUIET = ("CONNECTING", "BACKOFF")
"""States that a broken stream goes through again and again."""


class Readers(Protocol):
    """What reads the streams: `cameras.CameraSupervisor`."""

    def add(self, stream: Stream, guard: Guard | None = None) -> None:
        """Begin with a stream, and run it if it is enabled."""

    def replace(self, stream: Stream, guard: Guard | None = None) -> None:
        """Take another definition; what reads goes on where that did not change."""

    def remove(self, stream: str) -> None:
        """End with a stream."""

    def start(self, stream: str) -> None:
        """Let it run, at once where it waits or has failed."""

    def stop(self, stream: str) -> None:
        """Let it rest."""

    def status(self, stream: str) -> StreamStatus:
        """What a stream is doing."""


class Trackers(Protocol):
    """What looks at the streams: `engine.EngineHost`."""

    def add(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        """Begin with a stream."""

    def update(self, stream: Stream) -> None:
        """Take other zones, lines and rates without losing identities."""

    def remove(self, stream: str) -> None:
        """End with a stream; a `StreamEnd` follows."""

    def forget(self, stream: str) -> None:
        """Count from 0 again: a stream of that name will be another one."""

    def counts(self, stream: str) -> FrameCounts | None:
        """Where a stream's frames went, None where it was never added."""


class Recorder(Protocol):
    """What writes into the store: `store.Writer`."""

    def put(self, item: Event | StreamEnd) -> None:
        """Write it soon; never blocks."""


@dataclass(frozen=True, slots=True)
class StreamView:
    """A stream as it stands.

    Args:
        stream: How it is defined.
        origin: Where the definition comes from.
        status: What it is doing.
        result: The last frame that was looked at, None before the first.
        counts: Where its frames went, also after it was stopped; None before it first ran.
    """

    stream: Stream
    origin: Origin
    status: StreamStatus
    result: FrameResult | None
    counts: FrameCounts | None


@dataclass(slots=True)
class _Known:
    """A definition, and what was last told of its state."""

    stream: Stream
    origin: Origin
    told: tuple[str, str | None] = ("STOPPED", None)


class StreamManager:
    """Keeps definitions, readers, trackers and store of all streams in step.

    May be called from any thread; nothing here waits for a camera. `open` begins.

    Args:
        configured: Streams of the configuration file.
        database: The store.
        writer: Where changes of state are written.
        readers: What reads the streams.
        trackers: What looks at them.
        hub: Who is told.
        clock: Time.
        guard: Says how the reader has to check the address of a stream that the interface made.
    """

    def __init__(
        self,
        configured: Sequence[Stream],
        database: Database,
        writer: Recorder,
        readers: Readers,
        trackers: Trackers,
        hub: Hub,
        clock: SteadyClock,
        guard: Callable[[str], Guard],
    ) -> None:
        self._configured = {stream.id: stream for stream in configured}
        self._database = database
        self._writer = writer
        self._readers = readers
        self._trackers = trackers
        self._hub = hub
        self._clock = clock
        self._guard = guard
        self._known: dict[str, _Known] = {}
        self._lock = threading.RLock()

    def open(self) -> None:
        """Take up all streams where they were left.

        Raises:
            StoreError: The store cannot be read.
            ConfigError: A definition in the store is none.
        """
        with self._database.reading() as session:
            overrides = list_overrides(session)
            made = list_streams(session)
        with self._lock:
            for stream in self._configured.values():
                changed = overridden(stream, overrides.get(stream.id))
                self._known[stream.id] = _Known(changed, "file")
            for stored in made:
                # The file may have gained a stream of the same name since; the file is right.
                if stored.id not in self._known:
                    self._known[stored.id] = _Known(from_stored(stored), "api")
            for known in self._known.values():
                self._begin(known)

    def views(self) -> list[StreamView]:
        """All streams, by identifier."""
        with self._lock:
            return [self._view(self._known[name]) for name in sorted(self._known)]

    def view(self, stream: str) -> StreamView:
        """One stream.

        Raises:
            UnknownError: There is none of that name.
        """
        with self._lock:
            return self._view(self._get(stream))

    def create(self, stream: Stream) -> StreamView:
        """Add a stream and start it if it is enabled.

        Raises:
            ConflictError: The identifier is taken.
            StoreError: The store failed; nothing has changed then.
        """
        now = self._clock.now()
        with self._lock:
            if stream.id in self._known:
                raise ConflictError(f"there is a stream {stream.id!r} already; choose another id")
            with self._database.session() as session:
                add_stream(session, stored_form(stream, now, now))
            known = self._known[stream.id] = _Known(stream, "api")
            self._begin(known)
            return self._view(known)

    def update(self, stream: str, changes: Mapping[str, Any]) -> StreamView:
        """Change fields of a definition.

        Args:
            stream: Its identifier, which stays.
            changes: Values by field, as JSON takes them.

        Raises:
            UnknownError: There is none of that name.
            ConflictError: It belongs to the configuration file, or `id` would change.
            ConfigError: The values do not make a stream.
            StoreError: The store failed; nothing has changed then.
        """
        with self._lock:
            changed = self.changed(stream, changes)
            known = self._get(stream)
            self._store(changed)
            self._change(known, changed)
            return self._view(known)

    def changed(self, stream: str, changes: Mapping[str, Any]) -> Stream:
        """What a definition would become; nothing changes.

        Args:
            stream: Its identifier, which stays.
            changes: Values by field, as JSON takes them.

        Raises:
            UnknownError: There is none of that name.
            ConflictError: It belongs to the configuration file, or `id` would change.
            ConfigError: The values do not make a stream.
        """
        with self._lock:
            known = self._get(stream)
            if known.origin == "file":
                raise ConflictError(
                    f"stream {stream!r} belongs to the configuration file; change it there, or "
                    "its zones, lines and masks here"
                )
            if changes.get("id", stream) != stream:
                raise ConflictError("the id of a stream stays; make another and delete this one")
            plain = plain_form(known.stream)
            if "url" in changes:
                # Another address has credentials of its own, unless they are given again.
                plain = {**plain, "username": None, "password": None}
            return stream_of({**plain, **changes})

    def delete(self, stream: str) -> None:
        """Stop a stream and forget its definition; what it has seen stays.

        Raises:
            UnknownError: There is none of that name.
            ConflictError: It belongs to the configuration file.
            StoreError: The store failed; nothing has changed then.
        """
        with self._lock:
            if self._get(stream).origin == "file":
                raise ConflictError(
                    f"stream {stream!r} belongs to the configuration file; take it out there, or "
                    "stop it here"
                )
            with self._database.session() as session:
                delete_stream(session, stream)
                delete_override(session, stream)
            del self._known[stream]
            self._readers.remove(stream)
            self._trackers.remove(stream)
            self._trackers.forget(stream)
            self._hub.forget(stream)

    def start(self, stream: str) -> None:
        """Let a stream run; one that has failed is tried again at once.

        Raises:
            UnknownError: There is none of that name.
            StoreError: The store failed; nothing has changed then.
        """
        self._switch(stream, enabled=True)

    def stop(self, stream: str) -> None:
        """Let a stream rest until it is started again, also over restarts of the service.

        Raises:
            UnknownError: There is none of that name.
            StoreError: The store failed; nothing has changed then.
        """
        self._switch(stream, enabled=False)

    def set_zones(self, stream: str, zones: Sequence[Zone]) -> list[str]:
        """Replace the zones; a sentence about each that can never fire.

        Raises:
            UnknownError: There is no stream of that name.
            ConfigError: Zones and lines do not go together.
            StoreError: The store failed; nothing has changed then.
        """
        return self._draw(stream, zones=_dumped(zones))

    def set_lines(self, stream: str, lines: Sequence[Line]) -> list[str]:
        """Replace the lines; a sentence about each that can never fire.

        Raises:
            UnknownError: There is no stream of that name.
            ConfigError: Zones and lines do not go together.
            StoreError: The store failed; nothing has changed then.
        """
        return self._draw(stream, lines=_dumped(lines))

    def set_masks(self, stream: str, masks: Sequence[Polygon]) -> list[str]:
        """Replace the masks; they hold from the next frame that the reader decodes.

        Raises:
            UnknownError: There is no stream of that name.
            ConfigError: A mask is no polygon.
            StoreError: The store failed; nothing has changed then.
        """
        return self._draw(stream, masks=[list(map(list, mask)) for mask in masks])

    def note_status(self, status: StreamStatus) -> None:
        """Take what the readers tell of a stream, hand it on and write what people want to know."""
        with self._lock:
            known = self._known.get(status.stream)
            if known is None:
                return
            self._hub.publish_state(status)
            now = (status.state, status.error_code)
            tries_again = status.state in _QUIET and (
                status.error_code is None or known.told[1] == status.error_code
            )
            if now == known.told or tries_again:
                return
            known.told = now
        self._writer.put(
            Event(
                status.stream,
                "stream_state",
                "",
                status.since,
                max(self._clock.now(), status.since),
                state=status.state,
                error_code=status.error_code,
            )
        )

    def note_rest(self, stream: str) -> None:
        """Take that no frame of a stopped stream can come any more: now all are counted."""
        with self._lock:
            known = self._known.get(stream)
            if known is not None and not known.stream.enabled:
                self._trackers.remove(stream)

    def _get(self, stream: str) -> _Known:
        known = self._known.get(stream)
        if known is None:
            raise unknown_stream(stream)
        return known

    def _view(self, known: _Known) -> StreamView:
        name = known.stream.id
        return StreamView(
            known.stream,
            known.origin,
            self._readers.status(name),
            self._hub.frame(name),
            self._trackers.counts(name),
        )

    def _begin(self, known: _Known) -> None:
        if known.stream.enabled:
            self._track(known.stream)
        self._readers.add(known.stream, self._guard_of(known))

    def _track(self, stream: Stream) -> None:
        with self._database.session() as session:
            first = reserve_numbers(session, stream.id)
            state = get_state(session, stream.id)
        self._trackers.add(stream, first, None if state is None else state.data)

    def _guard_of(self, known: _Known) -> Guard | None:
        return None if known.origin == "file" else self._guard(known.stream.url)

    def _store(self, stream: Stream) -> None:
        now = self._clock.now()
        with self._database.session() as session:
            before = get_stream(session, stream.id)
            made = now if before is None else before.created_at
            update_stream(session, stored_form(stream, made, now))

    def _change(self, known: _Known, stream: Stream) -> None:
        before, known.stream = known.stream, stream
        if stream.enabled and not before.enabled:
            self._track(stream)
        elif stream.enabled:
            self._trackers.update(stream)
        self._readers.replace(stream, self._guard_of(known))
        if stream.enabled != before.enabled:
            (self._readers.start if stream.enabled else self._readers.stop)(stream.id)

    def _switch(self, stream: str, *, enabled: bool) -> None:
        with self._lock:
            known = self._get(stream)
            changed = known.stream.model_copy(update={"enabled": enabled})
            self._keep(known, changed, enabled=enabled)
            if enabled and known.stream.enabled:
                self._readers.start(stream)
            else:
                self._change(known, changed)

    def _draw(self, stream: str, **drawn: Any) -> list[str]:
        with self._lock:
            known = self._get(stream)
            changed = overridden(known.stream, StreamOverride(stream, **drawn))
            self._keep(known, changed, **drawn)
            self._change(known, changed)
            return never_firing(changed)

    def _keep(self, known: _Known, changed: Stream, **fields: Any) -> None:
        if known.origin == "api":
            self._store(changed)
            return
        with self._database.session() as session:
            override = replace(get_override(session, changed.id), **fields)
            set_override(session, override, self._clock.now())


def _dumped(places: Sequence[Zone] | Sequence[Line]) -> list[Any]:
    return [place.model_dump(mode="json") for place in places]
