"""Tracks joined while they come in: when it is decided, what is told, and what a restart keeps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.service.config import Config
from sightline.service.engine.messages import TrackRecord
from sightline.service.errors import UnknownError
from sightline.service.rules import Event, Zone
from sightline.service.store.database import Database
from sightline.service.store.erase import erase_tracks
from sightline.service.store.identities import identities_of
from sightline.service.store.tracks import upsert_tracks
from sightline.service.transit.joiner import TransitJoiner

START = 1_700_000_000.0
LOBBY, YARD = ("lobby", 1), ("yard", 1)
DOOR = Zone(id="door", points=((0.5, 0.0), (1.0, 0.0), (1.0, 1.0), (0.5, 1.0)))


@dataclass
class Clock:
    """Time that a test moves on."""

    time: float = START

    def now(self) -> float:
        return self.time


def record(
    stream: str, number: int, begin: float, end: float, *, ended: bool = True, looks: int = 0
) -> TrackRecord:
    """A track that stays in the right half of the picture."""
    path = np.array([[0, 0.7, 0.2, 0.9, 0.8], [end - begin, 0.7, 0.2, 0.9, 0.8]], np.float32)
    vectors = np.eye(8, dtype=np.float16)[[looks]]
    return TrackRecord(
        stream, number, "person", START + begin, START + end, ended, path, vectors, "net@1"
    )


@dataclass
class Rig:
    """A joiner with a store, a clock and what it tells."""

    database: Database
    clock: Clock
    told: list[Event]
    make: Callable[[], TransitJoiner]
    joiner: TransitJoiner

    def identities(self) -> dict[tuple[str, int], int]:
        with self.database.reading() as session:
            return identities_of(session, [LOBBY, YARD, ("yard", 2)])


@pytest.fixture
def make_rig(tmp_path: Path) -> Any:
    opened: list[Database] = []

    def make(**passage: Any) -> Rig:
        url = f"sqlite:///{tmp_path / 'store.db'}"
        database = Database(url)
        database.migrate()
        opened.append(database)
        way = {"leave": "lobby", "enter": "yard", "seconds": [2, 30], **passage}
        config = Config.model_validate(
            {"storage": {"url": url}, "transit": {"passages": [way], "threshold": 0.5}}
        )
        clock: Any = Clock()
        told: list[Event] = []

        def zones_of(stream: str) -> Sequence[Zone]:
            if stream not in ("lobby", "yard"):
                raise UnknownError(f"there is no stream {stream!r}")
            return [DOOR] if stream == "lobby" else []

        def make_joiner() -> TransitJoiner:
            return TransitJoiner(config, database, clock, zones_of, told.append)

        return Rig(database, clock, told, make_joiner, make_joiner())

    yield make
    for database in opened:
        database.close()


def test_a_walk_is_joined_once_the_wait_is_over(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.joiner.note(record("lobby", 1, 0, 10))
    rig.joiner.note(record("yard", 1, 16, 18, ended=False))
    rig.clock.time = START + 20
    assert rig.joiner.step() == []
    rig.clock.time = START + 28
    (joined,) = rig.joiner.step()
    assert rig.identities() == {LOBBY: joined.identity, YARD: joined.identity}
    assert rig.joiner.step() == []


def test_the_event_says_who_came_from_where(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(id="through-the-door")
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    rig.clock.time = START + 40
    (joined,) = rig.joiner.step()
    (event,) = rig.told
    assert (event.stream, event.kind, event.rule) == ("yard", "transit", "through-the-door")
    assert (event.track, event.identity, event.seconds) == (1, joined.identity, 6.0)
    assert event.time == START + 16
    assert event.decided == START + 40
    assert event.position == pytest.approx((0.8, 0.8), abs=1e-3)


def test_whoever_fits_better_and_comes_within_the_wait_is_taken(
    make_rig: Callable[..., Rig],
) -> None:
    rig = make_rig()
    lookalike = record("yard", 1, 12, 30, ended=False)
    looks = np.eye(8, dtype=np.float16)[[0]] * 0.7 + np.eye(8, dtype=np.float16)[[1]] * 0.7
    rig.joiner.note(record("lobby", 1, 0, 10))
    rig.joiner.note(TrackRecord(**{**_fields(lookalike), "exemplars": looks}))
    rig.joiner.note(record("yard", 2, 15, 30, ended=False))
    rig.clock.time = START + 25
    rig.joiner.step()
    rig.clock.time = START + 30
    rig.joiner.step()
    assert set(rig.identities()) == {LOBBY, ("yard", 2)}


def test_who_left_by_another_way_is_not_joined(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(exit=[[0.0, 0.0], [0.3, 0.0], [0.3, 1.0], [0.0, 1.0]])
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    rig.clock.time = START + 60
    assert rig.joiner.step() == []


def test_a_zone_of_the_stream_is_the_exit(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(exit="door")
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    rig.clock.time = START + 60
    assert len(rig.joiner.step()) == 1


def test_a_passage_whose_zone_is_gone_is_closed_and_said_once(
    make_rig: Callable[..., Rig], caplog: pytest.LogCaptureFixture
) -> None:
    rig = make_rig(entry="gate")
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    rig.clock.time = START + 60
    assert rig.joiner.step() == []
    assert rig.joiner.step() == []
    assert caplog.messages == [
        "passage lobby-yard is closed: stream yard has no zone gate; draw it, or give corners"
    ]


def test_a_restart_goes_on_with_what_the_store_knows(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    with rig.database.session() as session:
        upsert_tracks(session, [record("lobby", 1, 0, 10), record("yard", 1, 16, 20)])
    rig.clock.time = START + 40
    assert len(rig.joiner.step()) == 1
    after = rig.make()
    after.note(record("yard", 2, 20, 30))
    rig.clock.time = START + 41
    assert after.step() == []
    assert set(rig.identities()) == {LOBBY, YARD}


def test_erased_tracks_are_joined_with_nobody(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    erase_tracks(rig.database, [LOBBY], START + 35, remove_pictures=lambda _: None)
    rig.clock.time = START + 40
    assert rig.joiner.step() == []
    assert rig.identities() == {}


def test_what_is_too_old_to_matter_is_forgotten(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    rig.joiner.note(record("lobby", 1, 0, 10))
    rig.clock.time = START + 1000
    rig.joiner.step()
    rig.joiner.note(record("yard", 1, 16, 30))
    assert rig.joiner.step() == []
    assert rig.identities() == {}


def test_the_thread_joins_by_itself(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    for one in (record("lobby", 1, 0, 10), record("yard", 1, 16, 30)):
        rig.joiner.note(one)
    rig.clock.time = START + 60
    rig.joiner.start()
    rig.joiner.close()
    assert len(rig.told) == 1


def _fields(one: TrackRecord) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__slots__}
