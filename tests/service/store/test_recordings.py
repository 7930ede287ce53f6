from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sqlalchemy import update

from sightline.errors import StateError
from sightline.service.engine.messages import Recording
from sightline.service.store.database import Database
from sightline.service.store.packing import pack_recording, unpack_recording
from sightline.service.store.recordings import insert_recordings, list_recordings, without_tracks
from sightline.service.store.tables import recordings
from tests.service.store.samples import START, recording

_NAMES = [field.name for field in dataclasses.fields(Recording)]


def _same(first: Recording, second: Recording) -> bool:
    """Whether two recordings are the same, bit for bit."""
    for name in _NAMES:
        one, two = getattr(first, name), getattr(second, name)
        if isinstance(one, np.ndarray):
            if one.dtype != two.dtype or one.shape != two.shape or one.tobytes() != two.tobytes():
                return False
        elif one != two:
            return False
    return True


@st.composite
def _recordings(draw: st.DrawFn) -> Recording:
    frames, rows = draw(st.integers(0, 5)), draw(st.integers(0, 12))
    return Recording(
        stream=draw(st.text(max_size=5)),
        size=draw(st.tuples(st.integers(1, 8192), st.integers(1, 8192))),
        class_names=tuple(draw(st.lists(st.text(max_size=5), max_size=3))),
        frame_times=draw(hnp.arrays(np.float64, frames, elements=st.floats())),
        frames=draw(hnp.arrays(np.int32, rows)),
        numbers=draw(hnp.arrays(np.int64, rows)),
        boxes=draw(hnp.arrays(np.float32, (rows, 4), elements=st.floats(width=32))),
        scores=draw(hnp.arrays(np.float32, rows, elements=st.floats(width=32))),
        classes=draw(hnp.arrays(np.int32, rows)),
        seen=draw(hnp.arrays(np.bool_, rows)),
    )


@given(_recordings())
def test_a_recording_is_kept_bit_for_bit(original: Recording) -> None:
    assert _same(unpack_recording(original.stream, pack_recording(original)), original)


@pytest.mark.parametrize("cut", [0, 5, 40, -1])
def test_a_damaged_recording_is_told(cut: int) -> None:
    with pytest.raises(StateError, match="recording of stream door is damaged"):
        unpack_recording("door", pack_recording(recording())[:cut])


def test_recordings_come_in_the_order_of_time_and_cut(database: Database) -> None:
    pieces = [recording(START + begin, frames=20) for begin in (2.0, 0.0, 4.0)]
    with database.session() as session:
        insert_recordings(session, [*pieces, recording(START, stream="yard")])
        everything = list(list_recordings(session, "door", -np.inf, np.inf))
        assert [piece.frame_times[0] for piece in everything] == [START, START + 2, START + 4]
        assert _same(everything[1], pieces[0])
        cut = list(list_recordings(session, "door", START + 1.95, START + 2.15))
    (kept,) = cut
    assert kept.frame_times.tolist() == pieces[0].frame_times[:2].tolist()
    assert kept.frames.tolist() == [0, 0, 1, 1]
    assert kept.boxes.tobytes() == pieces[0].boxes[:4].tobytes()


def test_a_cut_counts_frames_from_its_first(database: Database) -> None:
    with database.session() as session:
        insert_recordings(session, [recording(START, frames=10)])
        (cut,) = list_recordings(session, "door", START + 0.35, START + 0.65)
    assert cut.frames.tolist() == [0, 0, 1, 1, 2, 2]
    assert np.allclose(cut.frame_times - START, [0.4, 0.5, 0.6])


def test_many_recordings_are_read_through(database: Database) -> None:
    with database.session() as session:
        insert_recordings(session, [recording(START + n, frames=2) for n in range(120)])
        found = [piece.frame_times[0] for piece in list_recordings(session, "door", 0, np.inf)]
    assert found == [START + n for n in range(120)]


def test_a_recording_that_comes_twice_is_there_once(database: Database) -> None:
    with database.session() as session:
        for _ in range(2):
            insert_recordings(session, [recording(), recording(frames=0)])
        assert len(list(list_recordings(session, "door", 0, np.inf))) == 1


def test_a_recording_without_a_track_keeps_its_frames() -> None:
    original = recording(numbers=(7, 8, 9))
    kept = without_tracks(original, {8})
    assert len(kept.frame_times) == 10
    assert set(kept.numbers.tolist()) == {7, 9}
    assert kept.boxes.tobytes() == original.boxes[original.numbers != 8].tobytes()


def test_a_damaged_recording_in_the_store_is_told(database: Database) -> None:
    with database.session() as session:
        insert_recordings(session, [recording()])
        session.execute(update(recordings).values(data=b"rubbish"))
        with pytest.raises(StateError, match="damaged"):
            list(list_recordings(session, "door", 0, np.inf))
