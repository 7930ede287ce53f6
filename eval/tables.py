"""Scores as tables on a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

__all__ = ["COLUMNS", "format_score", "score_table"]

COLUMNS = (
    "HOTA", "DetA", "AssA", "LocA", "MOTA", "IDF1", "IDSW", "FP", "FN", "MT", "ML", "Frag",
)  # fmt: skip
"""The scores that tables show, in this order."""


def format_score(value: float | None) -> str:
    """A fraction as percent, a count as it is, nothing as a dash."""
    if value is None:
        return "–"
    return f"{value:d}" if isinstance(value, int) else f"{100 * value:.2f}"


def score_table(
    title: str,
    rows: Mapping[str, Mapping[str, Any]],
    columns: Sequence[str] = COLUMNS,
    intervals: Mapping[str, Mapping[str, Sequence[float]]] | None = None,
) -> Table:
    """A table with a row a tracker or a sequence.

    Args:
        title: What stands above it.
        rows: Scores by name of the row.
        columns: Scores that are shown if any row has them.
        intervals: (low, high) by row and score, shown below the score.
    """
    table = Table(title=title, title_justify="left", title_style="bold")
    table.add_column("")
    shown = [name for name in columns if any(name in scores for scores in rows.values())]
    for name in shown:
        table.add_column(name, justify="right", no_wrap=True)
    for row, scores in rows.items():
        cells = []
        for name in shown:
            cell = format_score(scores.get(name))
            ends = (intervals or {}).get(row, {}).get(name)
            if ends is not None:
                cell += f"\n[dim]{100 * ends[0]:.1f}–{100 * ends[1]:.1f}[/dim]"
            cells.append(cell)
        table.add_row(row, *cells, end_section=row == "combined")
    return table
