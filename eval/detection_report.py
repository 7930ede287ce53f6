"""A detector's scores as one HTML file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

from sightline.errors import ConfigError
from sightline.eval.detection import DetectionScores
from sightline.eval.report import Cell, Section, Table, render_report
from sightline.eval.tables import format_score

__all__ = ["detection_as_json", "write_detection_report"]


def detection_as_json(
    scores: DetectionScores, protocol: str, split: str, manifest: Mapping[str, Any]
) -> dict[str, Any]:
    """Everything but the curve's points beyond 101, as Python values."""
    step = max(1, len(scores.recall) // 100)
    return {
        "protocol": protocol,
        "split": split,
        "scores": dict(scores.scores),
        "by_class": dict(scores.by_class),
        "by_height": dict(scores.by_height),
        "by_visibility": dict(scores.by_visibility),
        "classes": list(scores.classes),
        "confusion": scores.confusion.tolist(),
        "curve": {
            "recall": scores.recall[::step].tolist(),
            "precision": scores.precision[::step].tolist(),
        },
        "manifest": dict(manifest),
    }


def write_detection_report(
    path: Path,
    scores: DetectionScores,
    protocol: str,
    split: str,
    manifest: Mapping[str, Any],
) -> None:
    """Write tables, the precision-recall curve and the confusion matrix.

    Raises:
        ConfigError: matplotlib or jinja2 is not installed.
    """
    try:
        from sightline.eval import figures
    except ImportError as error:
        raise ConfigError("a report needs: pip install 'sightline[eval]'") from error
    curve = {"IoU 0.5": (scores.recall, scores.precision)}
    sections = [
        Section("Scores", "Percent; counts as they are.", _columns(scores.scores)),
        Section(
            "Precision and recall",
            "At IoU 0.5, as the score threshold falls.",
            figure=figures.svg(figures.precision_recall(curve)),
        ),
    ]
    for title, values in (
        ("AP50 by class", scores.by_class if len(scores.classes) > 1 else {}),
        ("AP50 by height of the object", scores.by_height),
        ("AP50 by visible share", scores.by_visibility),
    ):
        if values:
            sections.append(Section(title, table=_columns(values)))
    if len(scores.classes) > 1 and scores.confusion.size:
        sections.append(
            Section(
                "Confusion",
                "Rows: what the object is; columns: what it was taken for, at the threshold of "
                "the best F1.",
                _confusion(scores.confusion, scores.classes),
            )
        )
    text = render_report(
        "Detections", f"Protocol {protocol}, split {split}.", sections, [], manifest
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _columns(values: Mapping[str, float | int]) -> Table:
    shown = {name: f"{value:.3f}" for name, value in values.items() if name == "best_threshold"}
    return Table(
        list(values),
        [[Cell(shown.get(name, format_score(value))) for name, value in values.items()]],
    )


def _confusion(matrix: npt.NDArray[Any], classes: Sequence[str]) -> Table:
    names = [*classes, "none"]
    rows = [
        [Cell(name), *(Cell(str(count)) for count in counts)]
        for name, counts in zip(names, matrix.tolist(), strict=True)
    ]
    return Table(["", *names], rows)
