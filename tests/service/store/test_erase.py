from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy.orm import Session

from sightline.service.engine.messages import SavedState
from sightline.service.store import erase as erase_module
from sightline.service.store.counts import add_counts, list_counts
from sightline.service.store.database import Database
from sightline.service.store.erase import Erased, ErasedEvent, erase_period, erase_tracks
from sightline.service.store.erased import erased_numbers
from sightline.service.store.events import StoredEvent, insert_events, list_events
from sightline.service.store.exemplars import exemplars_of
from sightline.service.store.recordings import insert_recordings, list_recordings
from sightline.service.store.states import get_state, reserve_numbers, save_states
from sightline.service.store.tracks import get_track, list_tracks, upsert_tracks
from tests.service.store.samples import START, recording, stored, track

NOW = START + 1000


@pytest.fixture
def events(database: Database) -> list[StoredEvent]:
    """A store with tracks 7 (0 to 5 s), 8 (4 to 9 s) and 9 (20 to 25 s), all recorded."""
    items = [
        stored(track=7, time=START + 1),
        stored(track=8, time=START + 8),
        stored(track=9, time=START + 21),
        stored(track=None, kind="occupancy", time=START + 2),
        stored(track=7, stream="yard", time=START + 1),
    ]
    with database.session() as session:
        upsert_tracks(
            session,
            [
                track(7),
                track(8, started_at=START + 4, seen_at=START + 9, exemplars=None),
                track(9, started_at=START + 20, seen_at=START + 25),
                track(7, stream="yard"),
            ],
        )
        insert_events(session, items)
        add_counts(session, [item.event for item in items])
        insert_recordings(
            session,
            [
                recording(START, frames=40, numbers=(7,)),
                recording(START + 4, frames=60, numbers=(7, 8)),
                recording(START + 20, frames=50, numbers=(9,)),
                recording(START, frames=50, numbers=(7,), stream="yard"),
            ],
        )
        save_states(session, [SavedState("door", START + 30, b"looks of everybody")])
    return items


def _keep(_event: ErasedEvent) -> None:
    """There are no pictures."""


def _recorded(session: Session, stream: str = "door") -> set[int]:
    found: set[int] = set()
    for piece in list_recordings(session, stream, 0, np.inf):
        found |= set(piece.numbers.tolist())
    return found


def test_an_erased_track_is_gone_everywhere_and_still_counts(
    database: Database, events: list[StoredEvent]
) -> None:
    removed: list[ErasedEvent] = []
    with database.reading() as session:
        counts = list_counts(session).items
    done = erase_tracks(database, [("door", 7), ("door", 404)], NOW, remove_pictures=removed.append)
    assert done == Erased(tracks=1, exemplars=1, recordings=2, events=1)
    assert removed == [ErasedEvent(events[0].id, "door", START + 1)]
    with database.reading() as session:
        assert get_track(session, "door", 7) is None
        assert exemplars_of(session, "door", 7) is None
        assert _recorded(session) == {8, 9}
        pieces = list(list_recordings(session, "door", 0, np.inf))
        assert [len(piece.frame_times) for piece in pieces] == [40, 60, 50]
        found = {item.id: item.event.track for item in list_events(session).items}
        assert [found[item.id] for item in events] == [None, 8, 9, None, 7]
        assert list_counts(session).items == counts
        assert get_track(session, "yard", 7) is not None
        assert exemplars_of(session, "yard", 7) is not None
        assert _recorded(session, "yard") == {7}
        assert erased_numbers(session, ["door", "yard"]) == {"door": {7, 404}, "yard": set()}
    with database.session() as session:
        assert reserve_numbers(session, "door") > 0


def test_a_period_takes_whole_tracks_and_all_its_pictures(
    database: Database, events: list[StoredEvent]
) -> None:
    removed: list[ErasedEvent] = []
    done = erase_period(
        database, "door", START + 4.5, START + 8.5, NOW, remove_pictures=removed.append
    )
    assert done == Erased(tracks=2, exemplars=1, recordings=2, events=2)
    # The event of track 7 is before the period, and goes with its track.
    assert {event.id for event in removed} == {events[0].id, events[1].id}
    with database.reading() as session:
        assert [item.id for item in list_tracks(session, streams=["door"]).items] == ["door:9"]
        assert _recorded(session) == {9}
    more: list[ErasedEvent] = []
    erase_period(database, "door", START, START + 4, NOW, remove_pictures=more.append)
    assert {event.id for event in more} == {events[0].id, events[3].id}


def test_what_is_recorded_of_a_track_that_was_never_stored_goes_too(database: Database) -> None:
    with database.session() as session:
        insert_recordings(session, [recording(START, numbers=(3,))])
    done = erase_period(database, "door", START, START + 1, NOW, remove_pictures=_keep)
    assert done.recordings == 1
    with database.reading() as session:
        assert _recorded(session) == set()


def test_a_track_that_is_still_seen_is_erased_to_its_end(database: Database) -> None:
    with database.session() as session:
        upsert_tracks(session, [track(7, ended=False, seen_at=START + 1)])
        insert_recordings(session, [recording(START), recording(START + 30)])
    erase_tracks(database, [("door", 7)], START + 40, remove_pictures=_keep)
    with database.reading() as session:
        assert _recorded(session) == {8}


def test_looks_in_the_state_of_a_stopped_stream_are_forgotten(
    database: Database, events: list[StoredEvent]
) -> None:
    erase_tracks(database, [("door", 9)], START + 31, remove_pictures=_keep)
    with database.reading() as session:
        assert get_state(session, "door") is not None
    erase_tracks(database, [("door", 9)], NOW, remove_pictures=_keep)
    with database.reading() as session:
        assert get_state(session, "door") is None


def test_erasing_in_slices_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erase_module, "_SLICE", 3)
    monkeypatch.setattr(erase_module, "_RECORDINGS", 2)
    with database.session() as session:
        upsert_tracks(session, [track(number) for number in range(10)])
        insert_recordings(
            session,
            [recording(START + n / 2, frames=5, numbers=tuple(range(10))) for n in range(9)],
        )
    names = [("door", number) for number in range(10)]
    done = erase_tracks(database, names, NOW, remove_pictures=_keep)
    assert (done.tracks, done.recordings) == (10, 9)
    with database.reading() as session:
        assert _recorded(session) == set()


def test_erasing_that_was_cut_short_is_finished_when_done_again(
    database: Database, events: list[StoredEvent]
) -> None:
    def fail(_event: ErasedEvent) -> None:
        raise OSError("the disk is gone")

    with pytest.raises(Exception, match="the disk is gone"):
        erase_tracks(database, [("door", 7)], NOW, remove_pictures=fail)
    with database.reading() as session:
        # Its pictures are not removed, so the event names its track still.
        assert events[0] in list_events(session).items
    removed: list[ErasedEvent] = []
    erase_tracks(database, [("door", 7)], NOW, remove_pictures=removed.append)
    assert [event.id for event in removed] == [events[0].id]
    with database.reading() as session:
        assert _recorded(session) == {8, 9}


def test_nothing_of_an_erased_track_stands_in_the_files(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    marked = np.frombuffer(b"unmistakable looks of someone!!!", np.float16).reshape(1, -1)
    with database.session() as session:
        upsert_tracks(session, [track(7, exemplars=marked)])
    erase_tracks(database, [("door", 7)], NOW, remove_pictures=_keep)
    assert not any(b"unmistakable" in file.read_bytes() for file in tmp_path.iterdir())
    database.close()
