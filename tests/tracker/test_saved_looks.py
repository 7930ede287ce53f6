"""Saved states with embeddings: what fits is continued, what does not is refused."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import InputError, StateError
from sightline.structures import Detections
from sightline.tracker import Tracker
from tests.tracker.scenes import boxes_at


def _saved(size: int = 8) -> bytes:
    tracker = Tracker()
    for frame in range(10):
        tracker.update(Detections(boxes_at(frame), [0.9] * 3, [0] * 3, np.eye(3, size)))
    return tracker.save()


def _changed(data: bytes, **arrays: npt.NDArray[np.generic]) -> bytes:
    with np.load(io.BytesIO(data)) as archive:
        contents = dict(archive)
    buffer = io.BytesIO()
    np.savez(buffer, **{**contents, **arrays})
    return buffer.getvalue()


def test_exemplars_survive_a_restart() -> None:
    tracker = Tracker.load(_saved())
    assert tracker.embedding_size == 8
    assert sorted(tracker.exemplars()) == [1, 2, 3]


def test_another_network_is_refused_when_the_state_is_loaded() -> None:
    with pytest.raises(StateError, match=r"embeddings of 8 numbers.* makes 512"):
        Tracker.load(_saved(), embedding_size=512)
    assert Tracker.load(_saved(), embedding_size=8).embedding_size == 8
    assert Tracker.load(Tracker().save(), embedding_size=512).embedding_size == 0


def test_another_network_is_refused_at_an_update_and_changes_nothing() -> None:
    tracker = Tracker.load(_saved())
    before = tracker.save()
    with pytest.raises(InputError, match="got 16 after 8"):
        tracker.update(Detections(boxes_at(11), [0.9] * 3, [0] * 3, np.eye(3, 16)))
    assert tracker.save() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"appearance": np.zeros((64, 3, 16), np.float32)},
        {"appearance": np.zeros((64, 8), np.float32)},
        {"gallery": np.zeros((64, 3, 8), np.float32)},
        {"gallery": np.zeros((10, 8, 8), np.float32)},
        {"gallery": np.full((64, 8, 8), np.nan, np.float32)},
        {"gallery": np.zeros((64, 8, 8), np.float64)},
        {"owners": np.zeros(3, np.int64)},
        {"owners": np.zeros(64, np.int32)},
    ],
)
def test_arrays_that_do_not_fit_together_are_refused(wrong: dict[str, np.ndarray]) -> None:
    with pytest.raises(StateError, match="do not fit together"):
        Tracker.load(_changed(_saved(), **wrong))


def test_slots_outside_the_stores_are_refused() -> None:
    data = _saved()
    with np.load(io.BytesIO(data)) as archive:
        tracks = archive["tracks"].copy()
    tracks["slot"][0] = 64
    with pytest.raises(StateError, match="do not fit together"):
        Tracker.load(_changed(data, tracks=tracks))
