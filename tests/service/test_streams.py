from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from sightline.errors import ConfigError
from sightline.service.cameras.messages import Guard
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream
from sightline.service.engine.messages import FrameCounts, SavedState, StreamEnd
from sightline.service.errors import ConflictError, UnknownError
from sightline.service.live.hub import Hub
from sightline.service.rules import Event, Line, Zone
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.states import save_states
from sightline.service.streams import StreamManager

SQUARE = ((0.1, 0.1), (0.6, 0.1), (0.6, 0.6))
DOOR = Stream.model_validate({"id": "door", "url": "rtsp://camera:554/a"})


@dataclass
class Parts:
    """Doubles of what reads, tracks and writes, that note what they were told."""

    reading: dict[str, Stream] = field(default_factory=dict)
    running: set[str] = field(default_factory=set)
    tracked: dict[str, tuple[Stream, int, bytes | None]] = field(default_factory=dict)
    forgotten: list[str] = field(default_factory=list)
    updated: list[Stream] = field(default_factory=list)
    guards: dict[str, Guard | None] = field(default_factory=dict)
    starts: list[str] = field(default_factory=list)
    written: list[Event | StreamEnd] = field(default_factory=list)

    @property
    def readers(self) -> _Readers:
        return _Readers(self)

    @property
    def trackers(self) -> _Trackers:
        return _Trackers(self)

    def put(self, item: Event | StreamEnd) -> None:
        self.written.append(item)


@dataclass
class _Readers:
    parts: Parts

    def add(self, stream: Stream, guard: Guard | None = None) -> None:
        self.parts.reading[stream.id] = stream
        self.parts.guards[stream.id] = guard
        if stream.enabled:
            self.parts.running.add(stream.id)

    def replace(self, stream: Stream, guard: Guard | None = None) -> None:
        self.parts.reading[stream.id] = stream
        self.parts.guards[stream.id] = guard

    def remove(self, stream: str) -> None:
        del self.parts.reading[stream]
        self.parts.running.discard(stream)

    def start(self, stream: str) -> None:
        self.parts.starts.append(stream)
        self.parts.running.add(stream)

    def stop(self, stream: str) -> None:
        self.parts.running.discard(stream)

    def status(self, stream: str) -> StreamStatus:
        running = stream in self.parts.running
        return StreamStatus(stream, "RUNNING" if running else "STOPPED", 0.0)


@dataclass
class _Trackers:
    parts: Parts

    def add(self, stream: Stream, first_number: int, state: bytes | None) -> None:
        self.parts.tracked[stream.id] = (stream, first_number, state)

    def update(self, stream: Stream) -> None:
        self.parts.updated.append(stream)

    def remove(self, stream: str) -> None:
        self.parts.tracked.pop(stream, None)

    def forget(self, stream: str) -> None:
        self.parts.forgotten.append(stream)

    def counts(self, stream: str) -> FrameCounts | None:
        return FrameCounts(9, 5, 3, 0, 1) if stream in self.parts.tracked else None


def manager(folder: Path, parts: Parts, *configured: Stream) -> StreamManager:
    database = Database(f"sqlite:///{folder / 'store.db'}")
    database.migrate()
    clock = SteadyClock.start()
    streams = StreamManager(
        configured,
        database,
        parts,
        parts.readers,
        parts.trackers,
        Hub(clock),
        clock,
        guard=lambda _: Guard(("10.0.0.0/8",), None),
    )
    streams.open()
    return streams


def test_a_stream_of_the_file_is_read_and_tracked_and_trusted(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    assert parts.running == {"door"}
    assert parts.tracked["door"] == (DOOR, 1, None)
    assert parts.guards["door"] is None
    assert streams.view("door").origin == "file"


def test_a_stream_of_the_interface_outlives_a_restart_with_its_password(tmp_path: Path) -> None:
    first = Parts()
    made = Stream.model_validate({"id": "yard", "url": "rtsp://u:p@ss@10.0.0.9:554/b"})
    manager(tmp_path, first).create(made)
    again = Parts()
    view = manager(tmp_path, again).view("yard")
    assert view.origin == "api"
    assert view.stream.password is not None
    assert view.stream.password.get_secret_value() == "p@ss"
    assert again.guards["yard"] == Guard(("10.0.0.0/8",), None)


def test_track_numbers_are_never_used_again_after_a_restart(tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        parts = Parts()
        manager(tmp_path, parts, DOOR)
        numbers.append(parts.tracked["door"][1])
    assert numbers == sorted(set(numbers))


def test_tracking_goes_on_from_the_saved_state(tmp_path: Path) -> None:
    manager(tmp_path, Parts(), DOOR)
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    with database.session() as session:
        save_states(session, [SavedState("door", 12.0, b"state")])
    parts = Parts()
    manager(tmp_path, parts, DOOR)
    assert parts.tracked["door"][2] == b"state"


def test_what_is_drawn_into_a_stream_of_the_file_is_kept_apart_from_it(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    zone = Zone(id="mat", points=SQUARE)
    assert streams.set_zones("door", [zone]) == []
    streams.set_masks("door", [SQUARE])
    assert parts.updated[0].zones == (zone,)
    assert parts.reading["door"].privacy.masks == (SQUARE,)
    moved = DOOR.model_copy(update={"timeout": 3.0})
    again = manager(tmp_path, Parts(), moved).view("door").stream
    assert (again.zones, again.privacy.masks, again.timeout) == ((zone,), (SQUARE,), 3.0)


def test_a_line_with_the_id_of_a_zone_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    streams.set_zones("door", [Zone(id="mat", points=SQUARE)])
    with pytest.raises(ConfigError, match="mat"):
        streams.set_lines("door", [Line(id="mat", points=((0.0, 0.5), (1.0, 0.5)))])
    assert streams.view("door").stream.lines == ()


def test_a_line_that_can_never_be_crossed_is_told_of(tmp_path: Path) -> None:
    streams = manager(tmp_path, Parts(), DOOR)
    edge = Line(id="edge", points=((0.0, 1.0), (1.0, 1.0)))
    assert "edge" in streams.set_lines("door", [edge])[0]


def test_a_stopped_stream_stays_stopped_and_its_tracks_end(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    streams.stop("door")
    assert not parts.running
    assert parts.tracked  # frames may come until the reader has ended
    streams.note_rest("door")
    assert not parts.tracked
    again = Parts()
    restarted = manager(tmp_path, again, DOOR)
    assert not again.running
    restarted.start("door")
    assert again.running == set(again.tracked) == {"door"}


def test_a_stream_that_runs_again_is_not_ended_by_the_reader_that_it_had(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    streams.stop("door")
    streams.start("door")
    streams.note_rest("door")
    assert set(parts.tracked) == {"door"}
    streams.note_rest("never-there")


def test_starting_a_stream_that_failed_tries_it_again(tmp_path: Path) -> None:
    parts = Parts()
    manager(tmp_path, parts, DOOR).start("door")
    assert parts.starts == ["door"]


def test_a_definition_of_the_file_cannot_be_changed_or_deleted(tmp_path: Path) -> None:
    streams = manager(tmp_path, Parts(), DOOR)
    with pytest.raises(ConflictError, match="configuration file"):
        streams.update("door", {"name": "Door"})
    with pytest.raises(ConflictError, match="configuration file"):
        streams.delete("door")


def test_another_address_does_not_inherit_the_password(tmp_path: Path) -> None:
    streams = manager(tmp_path, Parts())
    streams.create(Stream.model_validate({"id": "yard", "url": "rtsp://u:secret@10.0.0.9/b"}))
    changed = streams.update("yard", {"url": "rtsp://10.6.6.6/b"}).stream
    assert changed.password is None
    assert changed.username is None
    named = streams.update("yard", {"name": "Yard"}).stream
    assert named.name == "Yard"


def test_a_deleted_stream_is_gone_for_good(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts)
    streams.create(Stream.model_validate({"id": "yard", "url": "rtsp://10.0.0.9/b"}))
    with pytest.raises(ConflictError, match="yard"):
        streams.create(Stream.model_validate({"id": "yard", "url": "rtsp://10.0.0.8/b"}))
    streams.delete("yard")
    assert not parts.reading
    assert not parts.tracked
    assert parts.forgotten == ["yard"]
    with pytest.raises(UnknownError):
        manager(tmp_path, Parts()).view("yard")


def test_only_what_people_want_to_know_of_a_broken_camera_is_written(tmp_path: Path) -> None:
    parts = Parts()
    streams = manager(tmp_path, parts, DOOR)
    connecting = StreamStatus("door", "CONNECTING", 1.0)
    waiting = StreamStatus("door", "BACKOFF", 2.0, "stream_timeout", "no answer")
    for status in (
        connecting,
        replace(connecting, state="RUNNING", since=1.5),
        waiting,
        *(connecting, waiting) * 20,
        replace(waiting, error_code="stream_ended", since=50.0),
        replace(connecting, state="RUNNING", since=60.0),
    ):
        streams.note_status(status)
    told = [(item.state, item.error_code) for item in parts.written if isinstance(item, Event)]
    assert told == [
        ("RUNNING", None),
        ("BACKOFF", "stream_timeout"),
        ("BACKOFF", "stream_ended"),
        ("RUNNING", None),
    ]
