"""What is remembered of tracks: different looks, within bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError, StateError
from sightline.reid.embedder import normalised
from sightline.reid.exemplars import ExemplarCollector, Exemplars, choose_exemplars
from sightline.structures import Detections, Tracks

Vectors = npt.NDArray[np.float32]


def looks(person: int, count: int = 3, noise: float = 0.2) -> Vectors:
    """Vectors of a made person: a direction of their own with some noise."""
    random = np.random.default_rng([person, count])
    centre = np.eye(8, dtype=np.float32)[person % 8]
    return normalised((centre + noise * random.normal(size=(count, 8))).astype(np.float32))


def frame(
    ids: list[int], vectors: Vectors, time: float = 0, spacing: float = 100
) -> tuple[Tracks, Detections]:
    """A frame in which each person stands `spacing` pixels from the next."""
    count = len(ids)
    lefts = np.arange(count) * spacing
    boxes = np.stack([lefts, lefts * 0, lefts + 40, lefts * 0 + 90], axis=1).astype(np.float32)
    scores, zeros = np.full(count, 0.9, np.float32), np.zeros(count, np.int32)
    detections = Detections(boxes, scores, zeros, vectors)
    rows = np.arange(count, dtype=np.int32)
    numbers = np.array(ids, np.int64)
    tracks = Tracks(numbers, boxes, scores, zeros, rows, zeros.astype(np.float32), zeros, time)
    return tracks, detections


def test_new_looks_are_remembered_and_the_same_look_once() -> None:
    collector = ExemplarCollector("lobby", "net")
    for time, person in enumerate([1, 1, 1, 2, 2, 1]):
        collector.add(*frame([7], looks(person, 1, 0.0), time))
    found = collector.exemplars(7)
    assert found is not None
    assert found.vectors.shape == (2, 8)
    assert (found.begin, found.end, found.camera, found.network) == (0, 5, "lobby", "net")


def test_people_who_cover_each_other_teach_nothing() -> None:
    collector = ExemplarCollector("lobby")
    collector.add(*frame([1, 2], looks(1, 2), spacing=10))
    assert len(collector) == 0


def test_detections_without_embedding_and_predicted_boxes_teach_nothing() -> None:
    collector = ExemplarCollector("lobby")
    vectors = looks(1, 2)
    vectors[0] = 0
    tracks, detections = frame([1, 2], vectors)
    tracks.detections[1] = -1
    collector.add(tracks, detections)
    collector.add(tracks, Detections(detections.boxes, detections.scores, detections.classes))
    assert collector.exemplars(1) is None
    assert collector.exemplars(2) is None


def test_memory_is_bounded_however_many_tracks_come() -> None:
    collector = ExemplarCollector("lobby", limit=4, most_tracks=50)
    for number in range(0, 3000, 3):
        ids = [number, number + 1, number + 2]
        for moment in range(6):
            collector.add(*frame(ids, looks(number + moment, 3, 0.5), number + moment))
    assert len(collector) == 50
    kept = [collector.exemplars(id_) for id_ in range(3000)]
    assert [id_ for id_, found in enumerate(kept) if found] == list(range(2950, 3000))
    assert max(len(found.vectors) for found in kept if found) == 4


def test_forgotten_tracks_are_gone() -> None:
    collector = ExemplarCollector("lobby")
    collector.add(*frame([1, 2], looks(1, 2)))
    collector.forget([1, 99])
    assert collector.exemplars(1) is None
    assert collector.exemplars(2) is not None


def test_embeddings_of_another_network_change_nothing() -> None:
    collector = ExemplarCollector("lobby")
    collector.add(*frame([1], looks(1, 1)))
    with pytest.raises(StateError, match="4 numbers after ones of 8"):
        collector.add(*frame([1], np.full((1, 4), 0.5, np.float32)))
    found = collector.exemplars(1)
    assert found is not None
    np.testing.assert_allclose(found.vectors, looks(1, 1), atol=1e-3)


def test_limits_below_one_are_refused() -> None:
    with pytest.raises(InputError, match="got 0 a track"):
        ExemplarCollector("lobby", limit=0)


@pytest.mark.parametrize(
    "vectors",
    [np.empty((0, 8)), np.ones(8), np.full((1, 8), np.nan)],
    ids=["none", "no rows", "no numbers"],
)
def test_exemplars_that_are_none_are_refused(vectors: npt.NDArray[np.float64]) -> None:
    with pytest.raises(InputError, match="exemplars are"):
        Exemplars(vectors, 0, 1, "lobby")  # type: ignore[arg-type]


def test_exemplars_show_both_sides_of_a_track() -> None:
    vectors = np.concatenate([looks(1, 20, 0.02), looks(2, 3, 0.02)])
    chosen = choose_exemplars(vectors, np.ones(23), limit=2)
    assert {int(row) >= 20 for row in chosen} == {True, False}


def test_exemplars_of_no_quality_are_never_taken() -> None:
    qualities = np.array([0.0, 0.9, 0.5, 0.0, 0.7])
    chosen = choose_exemplars(looks(1, 5), qualities, limit=8)
    assert sorted(chosen.tolist()) == [1, 2, 4]
    assert chosen[0] == 1
    assert not len(choose_exemplars(looks(1, 5), np.zeros(5)))


@given(st.integers(1, 30), st.integers(1, 12))
def test_exemplars_are_bounded_and_distinct(count: int, limit: int) -> None:
    chosen = choose_exemplars(looks(3, count), np.ones(count), limit)
    assert len(chosen) == len(set(chosen.tolist())) == min(count, limit)
