"""Tracks of different cameras: who matches, who cannot have walked there, what is refused."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError, StateError
from sightline.reid.embedder import normalised
from sightline.reid.exemplars import Exemplars
from sightline.reid.matching import Matcher, Transit, calibrate_threshold, match_score

Vectors = npt.NDArray[np.float32]


def looks(person: int, count: int = 3, noise: float = 0.2) -> Vectors:
    """Exemplars of a made person: a direction of their own with some noise."""
    random = np.random.default_rng([person, count])
    centre = np.eye(8, dtype=np.float32)[person % 8]
    return normalised((centre + noise * random.normal(size=(count, 8))).astype(np.float32))


def track(person: int, camera: str, begin: float = 0, end: float = 10) -> Exemplars:
    return Exemplars(looks(person), begin, end, camera)  # type: ignore[arg-type]


def test_the_same_person_on_another_camera_is_found_first() -> None:
    gallery = [track(2, "lobby"), track(1, "lobby"), track(3, "yard")]
    found = Matcher(threshold=0.5).matches(track(1, "gate", 20, 30), gallery)
    assert [match.index for match in found] == [1]
    assert 0.5 < found[0].score <= 1.001


def test_tracks_of_the_own_camera_are_left_out() -> None:
    assert not Matcher(threshold=0.1).matches(track(1, "gate", 20, 30), [track(1, "gate")])


@pytest.mark.parametrize(
    ("begin", "expected"),
    [(12.0, 0), (15.0, 1), (70.0, 1), (71.0, 0)],
    ids=["too fast", "just walked", "just in time", "too late"],
)
def test_transit_times_gate_matches(begin: float, expected: int) -> None:
    matcher = Matcher(0.5, {("lobby", "gate"): Transit(5, 60)}, default=Transit(0, 0))
    found = matcher.matches(track(1, "gate", begin, begin + 5), [track(1, "lobby", 0, 10)])
    assert len(found) == expected


def test_the_way_back_is_gated_by_its_own_time() -> None:
    matcher = Matcher(0.5, {("gate", "lobby"): Transit(5, 60)}, default=Transit(0, 0))
    assert len(matcher.matches(track(1, "gate", 0, 10), [track(1, "lobby", 20, 30)])) == 1


def test_tracks_of_two_networks_are_never_compared() -> None:
    other = Exemplars(looks(1), 0, 10, "lobby", network="other")  # type: ignore[arg-type]
    with pytest.raises(StateError, match="track 0 of the gallery was described by other"):
        Matcher(0.5).matches(track(1, "gate", 20, 30), [other])


def test_vectors_of_two_networks_are_refused() -> None:
    with pytest.raises(InputError, match=r"8 and of 4 numbers .* two re-ID networks"):
        match_score(looks(1), np.ones((2, 4), np.float32))


def test_a_track_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(InputError, match=r"5 … 4 s"):
        track(1, "lobby", 5, 4)
    with pytest.raises(InputError, match="shortest ≤ longest"):
        Transit(9, 1)


def test_storage_in_half_precision_moves_scores_by_little() -> None:
    first, second = looks(1, 8), looks(2, 8)
    stored = Exemplars(first, 0, 1, "lobby")  # type: ignore[arg-type]
    assert stored.vectors.dtype == np.float16
    assert match_score(stored.vectors, second) == pytest.approx(
        match_score(first, second), abs=2e-3
    )


@given(st.integers(0, 7), st.integers(0, 7), st.integers(1, 6), st.integers(1, 6))
def test_likeness_is_symmetric_and_at_most_one(a: int, b: int, k: int, n: int) -> None:
    first, second = looks(a, k), looks(b, n)
    assert match_score(first, second) == pytest.approx(match_score(second, first), abs=1e-5)
    assert match_score(first, second) <= 1 + 1e-5
    assert match_score(first, first) == pytest.approx(1, abs=1e-5)


def test_calibration_separates_made_people() -> None:
    people = range(8)
    scores = np.array([[match_score(looks(a, 4), looks(b, 5)) for b in people] for a in people])
    off = ~np.eye(8, dtype=bool)
    threshold, error, curve = calibrate_threshold(np.diag(scores), scores[off])
    assert error == 0
    assert scores[off].max() < threshold <= np.diag(scores).min()
    assert curve.area == 1
