"""Ranks, average precision and the curve, against counting by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sightline.errors import InputError
from sightline.reid.ranking import rank_gallery, threshold_curve

shares = arrays.arrays(
    np.float64, st.integers(1, 12), elements=st.sampled_from([place / 8 for place in range(9)])
)


def test_perfect_vectors_rank_everybody_first() -> None:
    ids = np.array([1, 2, 3, 3])
    found = rank_gallery(np.equal.outer(ids, ids).astype(float), ids, ids)
    assert found.rank(1) == found.mean_average_precision == 1


def test_average_precision_is_counted_by_hand() -> None:
    # Places 2 and 4 of four are right: (1/2 + 2/4) / 2.
    found = rank_gallery(np.array([[0.9, 0.8, 0.7, 0.6]]), np.array([5]), np.array([1, 5, 2, 5]))
    assert found.mean_average_precision == pytest.approx(0.5)
    assert (found.rank(1), found.rank(2)) == (0, 1)


def test_queries_that_are_nowhere_in_the_gallery_do_not_count() -> None:
    found = rank_gallery(np.ones((2, 1)), np.array([1, 9]), np.array([1]))
    assert found.rows.tolist() == [0]
    assert found.rank(1) == 1


def test_no_queries_give_no_number() -> None:
    found = rank_gallery(np.ones((1, 1)), np.array([9]), np.array([1]))
    assert np.isnan(found.mean_average_precision)
    assert np.isnan(found.rank(1))


def test_wrong_shape_is_named() -> None:
    with pytest.raises(InputError, match=r"\(2, 3\); got \(3, 2\)"):
        rank_gallery(np.ones((3, 2)), np.arange(2), np.arange(3))


@given(shares, shares)
def test_area_is_the_chance_that_the_same_person_is_nearer(
    same: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> None:
    curve = threshold_curve(same, other)
    wins = (same[:, None] > other[None]) + 0.5 * (same[:, None] == other[None])
    assert curve.area == pytest.approx(wins.mean())
    assert curve.true_rates[-1] == curve.false_rates[-1] == 1


@given(shares, shares)
def test_rates_at_a_threshold_are_those_of_counting(
    same: npt.NDArray[np.float64], other: npt.NDArray[np.float64]
) -> None:
    curve = threshold_curve(same, other)
    for threshold, true_rate, false_rate in zip(
        curve.thresholds, curve.true_rates, curve.false_rates, strict=True
    ):
        assert true_rate == pytest.approx((same >= threshold).mean())
        assert false_rate == pytest.approx((other >= threshold).mean())


def test_equal_error_is_where_both_errors_meet() -> None:
    same = np.array([0.9, 0.8, 0.7, 0.3])
    other = np.array([0.6, 0.2, 0.1, 0.0])
    threshold, error = threshold_curve(same, other).equal_error
    assert threshold == pytest.approx(0.6)
    assert error == pytest.approx(0.25)


def test_true_rate_at_a_false_rate_is_the_best_that_is_allowed() -> None:
    curve = threshold_curve(np.array([0.9, 0.5, 0.1]), np.array([0.6, 0.2]))
    assert curve.true_rate_at(0.0) == pytest.approx(1 / 3)
    assert curve.true_rate_at(0.5) == pytest.approx(2 / 3)


def test_a_curve_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="pairs of the same person"):
        threshold_curve(np.empty(0), np.ones(3))
