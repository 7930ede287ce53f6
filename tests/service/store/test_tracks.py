from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.service.engine.messages import SavedState
from sightline.service.store.database import Database
from sightline.service.store.events import insert_events
from sightline.service.store.exemplars import count_embedders, exemplar_blocks, exemplars_of
from sightline.service.store.states import (
    forget_state,
    get_state,
    note_numbers,
    reserve_numbers,
    save_states,
)
from sightline.service.store.tracks import (
    StoredTrack,
    get_track,
    list_tracks,
    parse_track_id,
    track_path,
    upsert_tracks,
)
from tests.service.store.samples import START, stored, track


def test_a_track_is_as_it_was_last_told(database: Database) -> None:
    first = track(seen_at=START + 1, ended=False)
    with database.session() as session:
        upsert_tracks(session, [first, track(8)])
        upsert_tracks(session, [track(), track(9)])
        assert get_track(session, "door", 7) == StoredTrack(
            "door", 7, "person", START, START + 5, ended=True
        )
        path = track_path(session, "door", 7)
        assert path is not None
        assert path.tobytes() == track().path.tobytes()
        assert get_track(session, "door", 1) is None
        assert track_path(session, "door", 1) is None
        assert {item.id for item in list_tracks(session).items} == {"door:7", "door:8", "door:9"}


def test_tracks_are_found_by_what_they_are(database: Database) -> None:
    with database.session() as session:
        upsert_tracks(
            session,
            [
                track(1, started_at=START, seen_at=START + 10),
                track(2, started_at=START + 20, seen_at=START + 30, class_name="car"),
                track(1, stream="yard", started_at=START + 40, seen_at=START + 50),
            ],
        )
        insert_events(session, [stored(track=1, rule="hall"), stored(track=2, rule="gate")])
        for filters, wanted in (
            ({}, ["yard:1", "door:2", "door:1"]),
            ({"streams": ["door"]}, ["door:2", "door:1"]),
            ({"classes": ["car"]}, ["door:2"]),
            ({"zones": ["hall", "court"]}, ["door:1"]),
            ({"begin": START + 30}, ["yard:1", "door:2"]),
            ({"end": START + 20}, ["door:1"]),
            ({"begin": START + 11, "end": START + 20}, []),
        ):
            found = [item.id for item in list_tracks(session, **filters).items]
            assert found == wanted, filters
        page = list_tracks(session, limit=2)
        assert [i.id for i in list_tracks(session, cursor=page.next_cursor).items] == ["door:1"]


@pytest.mark.parametrize("text", ["", "door", ":7", "door:", "door:x", "door:-1", "door:٣"])
def test_a_wrong_name_of_a_track_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="STREAM:NUMBER"):
        parse_track_id(text)


def test_exemplars_are_read_in_blocks_newest_first(database: Database) -> None:
    random = np.random.default_rng(0)
    looks = [random.normal(size=(n % 3 + 1, 8)).astype(np.float16) for n in range(10)]
    records = [track(n, started_at=START + n, exemplars=looks[n]) for n in range(10)]
    with database.session() as session:
        upsert_tracks(session, records)
        upsert_tracks(
            session,
            [
                track(50, exemplars=None),
                track(51, exemplars=np.zeros((0, 8), np.float16)),
                track(52, embedder="other"),
            ],
        )
        blocks = list(exemplar_blocks(session, embedder="net@1", block=4))
        assert [len(block.tracks) for block in blocks] == [4, 4, 2]
        assert [t.number for block in blocks for t in block.tracks] == list(range(9, -1, -1))
        for block in blocks:
            vectors = np.split(block.vectors, np.cumsum(block.counts)[:-1])
            for item, given in zip(block.tracks, vectors, strict=True):
                assert given.tobytes() == looks[item.number].tobytes()
        few = list(exemplar_blocks(session, embedder="net@1", limit=3, begin=START, end=START + 9))
        assert [t.number for block in few for t in block.tracks] == [8, 7, 6]
        assert list(exemplar_blocks(session, embedder="net@1", streams=["yard"])) == []
        assert list(exemplar_blocks(session, embedder="net@1", classes=["car"])) == []
        assert count_embedders(session) == {"net@1": 11, "other": 1}
        found = exemplars_of(session, "door", 2)
        assert found is not None
        assert found[0].tobytes() == looks[2].tobytes()
        assert found[1] == "net@1"
        assert exemplars_of(session, "door", 50) is None
        assert exemplars_of(session, "door", 51) is None


def test_exemplars_stay_where_a_later_record_has_none(database: Database) -> None:
    with database.session() as session:
        upsert_tracks(session, [track()])
        upsert_tracks(session, [dataclasses.replace(track(), exemplars=None, embedder="")])
        assert exemplars_of(session, "door", 7) is not None


def test_numbers_of_tracks_are_never_given_twice(database: Database) -> None:
    with database.session() as session:
        assert reserve_numbers(session, "door") == 1
    with database.session() as session:
        note_numbers(session, {"door": 5, "yard": 9})
        note_numbers(session, {"door": 3})
        # More may have been given than the store was told of.
        first = reserve_numbers(session, "door")
        assert first > 105
        assert reserve_numbers(session, "yard") > 109
        forget_state(session, "door")
        assert reserve_numbers(session, "door") > first + 100


def test_the_last_state_of_a_stream_is_kept(database: Database) -> None:
    with database.session() as session:
        assert get_state(session, "door") is None
        note_numbers(session, {"door": 5})
        assert get_state(session, "door") is None
        save_states(session, [SavedState("door", 1.0, b"one"), SavedState("yard", 1.0, b"")])
        save_states(session, [SavedState("door", 2.0, b"\x00two")])
        assert get_state(session, "door") == SavedState("door", 2.0, b"\x00two")
        forget_state(session, "door")
        assert get_state(session, "door") is None
        assert get_state(session, "yard") == SavedState("yard", 1.0, b"")
        assert reserve_numbers(session, "door") > 5
