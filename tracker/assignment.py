"""Exact assignment over a sparse graph of candidate pairs.

Minimises the sum of the costs of the matched pairs plus `limit` for every row left alone, which
is what an optimal solver finds on the dense problem padded with one private column of cost
`limit` a row. Shortest augmenting paths over adjacency lists (Jonker and Volgenant, "A shortest
augmenting path algorithm for dense and sparse linear assignment problems", 1987). A path never
leaves the connected component of the row that it starts from, so each component is solved on its
own and a crowd costs the sum of its groups, not the cube of its size.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sightline.tracker.compiling import compiled

__all__ = ["assign"]

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@compiled
def assign(
    starts: Integers, columns: Integers, costs: Floats, limit: float, column_count: int
) -> Integers:
    """Match rows to columns at least total cost.

    Args:
        starts: (R + 1,) where each row's edges begin.
        columns: (E,) column of each edge.
        costs: (E,) finite cost of each edge; edges above `limit` are never used.
        limit: Cost of leaving a row without a column.
        column_count: Number of columns C.

    Returns:
        (R,) column of each row, -1 where it has none.
    """
    rows = len(starts) - 1
    row_match = np.full(rows, -1, np.int64)
    column_match = np.full(column_count, -1, np.int64)
    row_price = np.zeros(rows)
    column_price = np.zeros(column_count)
    distance = np.full(column_count, np.inf)
    parent = np.empty(column_count, np.int64)
    frontier = np.empty(column_count, np.int64)
    settled = np.empty(column_count, np.int64)
    is_settled = np.zeros(column_count, np.bool_)
    for row in range(rows):
        cheapest = limit
        column = -1
        for edge in range(starts[row], starts[row + 1]):
            reduced = costs[edge] - column_price[columns[edge]]
            if costs[edge] <= limit and reduced < cheapest:
                cheapest = reduced
                column = columns[edge]
        if column < 0 or column_match[column] < 0:
            # The shortest path is one edge long, or none is worth it.
            row_price[row] = cheapest
            row_match[row] = column
            if column >= 0:
                column_match[column] = row
        else:
            _augment(
                row, starts, columns, costs, limit, row_match, column_match,
                row_price, column_price, distance, parent, frontier, settled, is_settled,
            )  # fmt: skip
    return row_match


@compiled
def _augment(
    start: int,
    starts: Integers,
    columns: Integers,
    costs: Floats,
    limit: float,
    row_match: Integers,
    column_match: Integers,
    row_price: Floats,
    column_price: Floats,
    distance: Floats,
    parent: Integers,
    frontier: Integers,
    settled: Integers,
    is_settled: npt.NDArray[np.bool_],
) -> None:
    """Give `start` a column, or leave it or a row on the cheapest path without one."""
    frontier_size = 0
    settled_size = 0
    row = start
    row_distance = 0.0
    exit_row = start
    exit_distance = limit - row_price[start]
    end = -1
    while True:
        for edge in range(starts[row], starts[row + 1]):
            column = columns[edge]
            if costs[edge] > limit or is_settled[column]:
                continue
            through = row_distance + costs[edge] - row_price[row] - column_price[column]
            if through < distance[column]:
                if distance[column] == np.inf:
                    frontier[frontier_size] = column
                    frontier_size += 1
                distance[column] = through
                parent[column] = row
        best = -1
        for place in range(frontier_size):
            if best < 0 or distance[frontier[place]] < distance[frontier[best]]:
                best = place
        if best < 0 or distance[frontier[best]] >= exit_distance:
            break
        column = frontier[best]
        if column_match[column] < 0:
            end = column
            exit_distance = distance[column]
            break
        frontier_size -= 1
        frontier[best] = frontier[frontier_size]
        settled[settled_size] = column
        settled_size += 1
        is_settled[column] = True
        row = column_match[column]
        row_distance = distance[column]
        if row_distance + limit - row_price[row] < exit_distance:
            exit_distance = row_distance + limit - row_price[row]
            exit_row = row

    row_price[start] += exit_distance
    for place in range(settled_size):
        column = settled[place]
        row_price[column_match[column]] += exit_distance - distance[column]
        column_price[column] += distance[column] - exit_distance
    if end < 0 and exit_row != start:
        # The path ends at a row that gives its column away.
        end = row_match[exit_row]
        row_match[exit_row] = -1
    while end >= 0:
        row = parent[end]
        previous = row_match[row]
        row_match[row] = end
        column_match[end] = row
        end = previous if row != start else -1
    for place in range(frontier_size):
        distance[frontier[place]] = np.inf
    for place in range(settled_size):
        distance[settled[place]] = np.inf
        is_settled[settled[place]] = False
