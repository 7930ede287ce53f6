"""One HTML file with everything inside: tables, figures and how to get them again."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import ConfigError
from sightline.eval.comparison import Comparison, comparison_as_json
from sightline.eval.diagnosis import GAP_LABELS, gap_recovery
from sightline.eval.tables import COLUMNS, format_score

if TYPE_CHECKING:
    import jinja2

__all__ = ["Cell", "Section", "Table", "render_report", "write_report"]

_NAMES = {"combined": "all sequences"}


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a table: a text, and a smaller one below it."""

    text: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: column titles and rows of cells."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Cell]]


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: a title, a sentence of explanation, a table, a figure (SVG)."""

    title: str
    note: str = ""
    table: Table | None = None
    figure: str = ""


def write_report(path: Path, comparison: Comparison) -> None:
    """Write a comparison of trackers as one self-contained HTML file.

    Raises:
        ConfigError: matplotlib or jinja2 is not installed.
    """
    output = comparison_as_json(comparison)
    names = ", ".join(comparison.trackers)
    count = len({name for sequences in comparison.trackers.values() for name in sequences})
    text = render_report(
        f"Tracking: {names}",
        f"Protocol {comparison.protocol}, split {comparison.split}, {count} sequences.",
        _sections(comparison, output),
        output["warnings"],
        output["manifest"],
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def render_report(
    title: str,
    subtitle: str,
    sections: Sequence[Section],
    warnings: Sequence[str],
    manifest: Mapping[str, Any],
) -> str:
    """The HTML of a report.

    Raises:
        ConfigError: jinja2 is not installed.
    """
    try:
        import jinja2
    except ImportError as error:
        raise ConfigError("a report needs: pip install 'sightline[eval]'") from error
    template = _template(jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True))
    return template.render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        warnings=warnings,
        manifest=json.dumps(manifest, indent=2, ensure_ascii=False),
    )


def _template(environment: jinja2.Environment) -> jinja2.Template:
    source = resources.files("sightline.eval").joinpath("report_template.html")
    return environment.from_string(source.read_text(encoding="utf-8"))


def _sections(comparison: Comparison, output: Mapping[str, Any]) -> list[Section]:
    try:
        from sightline.eval import figures
    except ImportError as error:
        raise ConfigError("a report needs: pip install 'sightline[eval]'") from error
    trackers = comparison.trackers
    sections = [
        Section(
            "Comparison",
            "Percent; below each score its 95 % interval (bootstrap over videos, or over blocks "
            "of time where there is one).",
            _combined_table(output),
        )
    ]
    if output["differences"]:
        sections.append(
            Section(
                "Differences",
                "Paired bootstrap: both trackers on the same draws of videos. An interval that "
                "leaves out 0 is a difference larger than chance.",
                _difference_table(output["differences"]),
            )
        )
    sections += [
        Section(
            "Scores over the localisation threshold",
            "HOTA is the mean over α of √(DetA · AssA).",
            figure=figures.svg(figures.alpha_curves(trackers)),
        ),
        Section(
            "Recovery by gap length",
            "Share of the ground truth's gaps (an object absent or less than a quarter visible) "
            "after which the object has the identity that it had before. Numbers above the bars "
            "count the gaps.",
            _gap_table(comparison),
            figures.svg(figures.gap_recovery_bars(trackers)),
        ),
        Section(
            "Identity switches over time",
            "A mark for each switch that CLEAR counts.",
            figure=figures.svg(figures.switch_timeline(trackers)),
        ),
        Section(
            "Lengths of tracks and gaps",
            "Seconds of boxes a track has, and stretches in which an object went without a box "
            "between two boxes.",
            figure=figures.svg(figures.histograms(trackers)),
        ),
        Section(
            "Precision and recall",
            "Of the boxes, as the localisation threshold α grows from 0.05 (top right) to 0.95.",
            figure=figures.svg(figures.precision_recall_over_alpha(trackers)),
        ),
    ]
    for name, tracker in output["trackers"].items():
        rows = tracker["sequences"] | {"combined": tracker["combined"]}
        sections.append(Section(f"Sequences: {name}", table=_score_rows(rows)))
    return sections


def _combined_table(output: Mapping[str, Any]) -> Table:
    rows = []
    for name, tracker in output["trackers"].items():
        cells = [Cell(name)]
        for column in COLUMNS:
            ends = tracker["intervals"].get(column)
            below = "" if ends is None else f"{100 * ends[0]:.1f} – {100 * ends[1]:.1f}"
            cells.append(Cell(format_score(tracker["combined"].get(column)), below))
        rows.append(cells)
    return Table(["", *COLUMNS], rows)


def _difference_table(differences: Sequence[Mapping[str, Any]]) -> Table:
    rows = []
    for pair in differences:
        for name in ("HOTA", "AssA", "MOTA", "IDF1"):
            found = pair["scores"][name]
            rows.append(
                [
                    Cell(f"{pair['first']} − {pair['second']}"),
                    Cell(name),
                    Cell(f"{100 * found['difference']:+.2f}"),
                    Cell(f"{100 * found['low']:+.2f} … {100 * found['high']:+.2f}"),
                    Cell(f"{found['p_value']:.3f}"),
                    Cell("larger than chance" if found["larger_than_chance"] else "may be chance"),
                ]
            )
    return Table(["", "score", "difference", "95 % interval", "p", "verdict"], rows)


def _gap_table(comparison: Comparison) -> Table:
    rows = []
    for name, sequences in comparison.trackers.items():
        counts = gap_recovery(item.timeline for item in sequences.values())
        cells = [
            Cell(f"{100 * kept / total:.1f}" if total else "–", f"{kept} of {total}")
            for kept, total in counts.tolist()
        ]
        rows.append([Cell(name), *cells])
    return Table(["", *GAP_LABELS], rows)


def _score_rows(rows: Mapping[str, Mapping[str, Any]]) -> Table:
    return Table(
        ["", *COLUMNS],
        [
            [
                Cell(_NAMES.get(name, name)),
                *(Cell(format_score(scores.get(column))) for column in COLUMNS),
            ]
            for name, scores in rows.items()
        ],
    )
