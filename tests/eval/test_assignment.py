"""The compiled assignment against SciPy's, ties included."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import linear_sum_assignment

from sightline.eval.assignment import assign_rows, match_pairs

_SIZES = st.tuples(st.integers(1, 7), st.integers(0, 5)).map(lambda s: (s[0], s[0] + s[1]))
_TIED = st.integers(-3, 0).map(float)


@settings(max_examples=300, deadline=None)
@given(_SIZES.flatmap(lambda size: arrays(np.float64, size, elements=_TIED)))
def test_the_columns_are_scipys_even_where_assignments_tie(cost: npt.NDArray[np.float64]) -> None:
    assert assign_rows(cost).tolist() == linear_sum_assignment(cost)[1].tolist()


@settings(max_examples=300, deadline=None)
@given(arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=_TIED))
def test_chosen_pairs_are_scipys_maximum_without_zeros(cost: npt.NDArray[np.float64]) -> None:
    scores = -cost
    rows, columns = np.nonzero(scores)
    chosen = np.empty(len(rows), np.bool_)
    match_pairs(
        scores.shape[0],
        scores.shape[1],
        rows.astype(np.int32),
        columns.astype(np.int32),
        scores[rows, columns],
        chosen,
    )
    expected = [
        (row, column)
        for row, column in zip(*linear_sum_assignment(scores, maximize=True), strict=True)
        if scores[row, column] > 0
    ]
    assert list(zip(rows[chosen], columns[chosen], strict=True)) == expected
