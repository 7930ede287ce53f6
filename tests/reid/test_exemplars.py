"""What is remembered of a track: different looks, within bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.reid.embedder import normalised
from sightline.reid.exemplars import Exemplars, choose_exemplars

Vectors = npt.NDArray[np.float32]


def looks(person: int, count: int = 3, noise: float = 0.2) -> Vectors:
    """Vectors of a made person: a direction of their own with some noise."""
    random = np.random.default_rng([person, count])
    centre = np.eye(8, dtype=np.float32)[person % 8]
    return normalised((centre + noise * random.normal(size=(count, 8))).astype(np.float32))


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
