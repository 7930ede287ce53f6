"""The sparse assignment costs what SciPy's does on the padded dense problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment

from sightline.tracker.assignment import assign


def _sparse(
    costs: npt.NDArray[np.float64],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Adjacency lists of the finite entries."""
    finite = np.isfinite(costs)
    starts = np.concatenate([[0], np.cumsum(finite.sum(axis=1))]).astype(np.int64)
    rows, columns = np.nonzero(finite)
    return starts, columns.astype(np.int64), costs[rows, columns]


def _total(
    costs: npt.NDArray[np.float64], matches: npt.NDArray[np.int64] | Sequence[int], limit: float
) -> float:
    return sum(
        limit if column < 0 else float(costs[row, column]) for row, column in enumerate(matches)
    )


def _dense_total(costs: npt.NDArray[np.float64], limit: float) -> float:
    rows = len(costs)
    padding = np.where(np.eye(rows) > 0, limit, 1e6)
    allowed = np.where(costs <= limit, costs, 1e6)
    padded = np.hstack([allowed, padding])
    return float(padded[linear_sum_assignment(padded)].sum())


def _graph(seed: int, rows: int, columns: int, density: float) -> npt.NDArray[np.float64]:
    generator = np.random.default_rng(seed)
    costs = generator.uniform(-0.3, 1.2, (rows, columns))
    if seed % 3 == 0:
        costs = np.round(costs, 1)  # many ties
    costs[generator.random((rows, columns)) > density] = np.inf
    return costs


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 14),
    columns=st.integers(1, 14),
    density=st.floats(0.02, 1),
    limit=st.floats(0.1, 1.2),
)
def test_cost_equals_the_padded_dense_problem(
    seed: int, rows: int, columns: int, density: float, limit: float
) -> None:
    for number in range(10):
        costs = _graph(seed + number, rows, columns, density)
        matches = assign(*_sparse(costs), limit, columns)
        used = matches[matches >= 0]
        assert len(set(used.tolist())) == len(used)
        assert _total(costs, matches, limit) == pytest.approx(_dense_total(costs, limit), abs=1e-9)


@pytest.mark.parametrize("density", [0.02, 0.3, 1.0])
def test_large_graphs_cost_the_same_too(density: float) -> None:
    costs = _graph(1, 150, 180, density)
    matches = assign(*_sparse(costs), 0.9, 180)
    assert _total(costs, matches, 0.9) == pytest.approx(_dense_total(costs, 0.9), abs=1e-8)


def test_edges_above_the_limit_are_never_used() -> None:
    costs = np.array([[0.95, np.inf], [0.2, 0.3]])
    assert assign(*_sparse(costs), 0.9, 2).tolist() == [-1, 0]


def test_a_row_gives_way_where_that_is_cheaper_for_all() -> None:
    costs = np.array([[0.1, 0.2], [0.15, np.inf]])
    assert assign(*_sparse(costs), 1.0, 2).tolist() == [1, 0]


def test_no_rows_and_no_edges_give_no_matches() -> None:
    empty = np.empty(0, np.int64)
    assert len(assign(np.zeros(1, np.int64), empty, np.empty(0), 1.0, 3)) == 0
    assert assign(np.zeros(3, np.int64), empty, np.empty(0), 1.0, 0).tolist() == [-1, -1]
