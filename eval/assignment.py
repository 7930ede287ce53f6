"""The assignment of one frame's boxes, compiled.

Shortest augmenting paths over a dense rectangular cost matrix (D. F. Crouse, "On implementing
2D rectangular assignment algorithms", IEEE TAES 52(4), 2016). Reference evaluators call SciPy's
`linear_sum_assignment`; where several assignments are equally good its choice decides which
identity is matched, so the order in which columns are scanned and ties are broken here is
SciPy's. `tests/eval/test_assignment.py` holds the two together on matrices full of ties.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["assign_rows", "match_pairs"]


@njit(cache=True, nogil=True)
def assign_rows(cost: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """The column of each row in a cheapest assignment.

    Args:
        cost: (N, M) float64, finite, N <= M.

    Returns:
        (N,) int64 column of each row.
    """
    rows, columns = cost.shape
    row_price = np.zeros(rows)
    column_price = np.zeros(columns)
    distance = np.empty(columns)
    parent = np.empty(columns, np.int64)
    row_of_column = np.full(columns, -1, np.int64)
    column_of_row = np.full(rows, -1, np.int64)
    remaining = np.empty(columns, np.int64)
    row_scanned = np.empty(rows, np.bool_)
    column_scanned = np.empty(columns, np.bool_)

    for start in range(rows):
        row_scanned[:] = False
        column_scanned[:] = False
        distance[:] = np.inf
        for index in range(columns):
            remaining[index] = columns - 1 - index
        left = columns
        reached = 0.0
        row = start
        sink = -1
        while sink < 0:
            row_scanned[row] = True
            nearest = -1
            shortest = np.inf
            for index in range(left):
                column = remaining[index]
                path = reached + cost[row, column] - row_price[row] - column_price[column]
                if path < distance[column]:
                    distance[column] = path
                    parent[column] = row
                # Among equally near columns a free one ends the search at once.
                if distance[column] < shortest or (
                    distance[column] == shortest and row_of_column[column] < 0
                ):
                    shortest = distance[column]
                    nearest = index
            reached = shortest
            column = remaining[nearest]
            column_scanned[column] = True
            left -= 1
            remaining[nearest] = remaining[left]
            if row_of_column[column] < 0:
                sink = column
            else:
                row = row_of_column[column]

        row_price[start] += reached
        for row in range(rows):
            if row_scanned[row] and row != start:
                row_price[row] += reached - distance[column_of_row[row]]
        for column in range(columns):
            if column_scanned[column]:
                column_price[column] -= reached - distance[column]

        column = sink
        while True:
            row = parent[column]
            row_of_column[column] = row
            previous = column_of_row[row]
            column_of_row[row] = column
            if row == start:
                break
            column = previous
    return column_of_row


@njit(cache=True, nogil=True)
def match_pairs(
    row_count: int,
    column_count: int,
    rows: npt.NDArray[np.int32],
    columns: npt.NDArray[np.int32],
    scores: npt.NDArray[np.float64],
    chosen: npt.NDArray[np.bool_],
) -> None:
    """Mark the pairs of an assignment whose scores sum to the most.

    Pairs that are not listed score 0 and are never chosen, and so are listed pairs of score 0.

    Args:
        row_count: Rows of the frame.
        column_count: Columns of the frame.
        rows: (P,) int32 row of each pair.
        columns: (P,) int32 column of each pair.
        scores: (P,) float64, >= 0.
        chosen: (P,) bool, written.
    """
    row_degree = np.zeros(row_count, np.int32)
    column_degree = np.zeros(column_count, np.int32)
    contested = False
    for pair in range(len(rows)):
        chosen[pair] = scores[pair] > 0
        if chosen[pair]:
            row_degree[rows[pair]] += 1
            column_degree[columns[pair]] += 1
            if row_degree[rows[pair]] > 1 or column_degree[columns[pair]] > 1:
                contested = True
    if not contested:
        return
    if row_count <= column_count:
        cost = np.zeros((row_count, column_count))
        for pair in range(len(rows)):
            cost[rows[pair], columns[pair]] = -scores[pair]
        column_of_row = assign_rows(cost)
        for pair in range(len(rows)):
            if column_of_row[rows[pair]] != columns[pair]:
                chosen[pair] = False
    else:
        cost = np.zeros((column_count, row_count))
        for pair in range(len(rows)):
            cost[columns[pair], rows[pair]] = -scores[pair]
        row_of_column = assign_rows(cost)
        for pair in range(len(rows)):
            if row_of_column[columns[pair]] != rows[pair]:
                chosen[pair] = False
