"""`sightline eval-det`: detections against ground truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.evaluate import JsonOption, ReportOption, SplitOption, table_console
from sightline.errors import ConfigError

__all__ = ["eval_det"]


def eval_det(
    ground_truth: Annotated[
        Path, typer.Argument(help="Folder of SEQ/gt/gt.txt, a zip file of that, or COCO JSON.")
    ],
    detections: Annotated[
        Path, typer.Argument(help="Folder of SEQ.txt (or SEQ/det/det.txt), or COCO results JSON.")
    ],
    protocol: Annotated[str, typer.Option(help="coco or mot17det.")] = "coco",
    split: SplitOption = "all",
    max_detections: Annotated[
        int, typer.Option(min=1, help="Detections of a picture that count (coco).")
    ] = 500,
    json_output: JsonOption = False,
    report: ReportOption = None,
) -> None:
    """Score detections: average precision, its curve, and where the detector is weak.

    Example:  sightline eval-det MOT17/train detections/yolox --split val-half
    """
    from rich.table import Table

    from sightline.eval.detection import evaluate_coco, evaluate_mot17det
    from sightline.eval.detection_data import load_coco, load_mot, pedestrians
    from sightline.eval.detection_report import detection_as_json, write_detection_report
    from sightline.eval.manifest import manifest
    from sightline.eval.tables import format_score

    if protocol not in ("coco", "mot17det"):
        raise ConfigError(f"no detection protocol {protocol!r}; known are coco, mot17det")
    if ground_truth.suffix.lower() == ".json":
        if protocol != "coco" or split != "all":
            raise ConfigError("COCO JSON is scored by --protocol coco and has no splits")
        data = load_coco(ground_truth, detections)
    else:
        data = load_mot(ground_truth, detections, split)
        data = pedestrians(data) if protocol == "coco" else data
    scores = evaluate_coco(data, max_detections) if protocol == "coco" else evaluate_mot17det(data)
    made = manifest(
        {
            "protocol": protocol,
            "split": split,
            "max_detections": max_detections,
            "ground_truth": str(ground_truth),
            "detections": str(detections),
        },
        {},
    )
    if report is not None:
        write_detection_report(report, scores, protocol, split, made)
    if json_output:
        output = detection_as_json(scores, protocol, split, made)
        print(json.dumps(output, indent=2, ensure_ascii=False))
        return
    for title, values in (
        (f"detections, protocol {protocol}, split {split}: percent", scores.scores),
        ("AP50 by class", scores.by_class),
        ("AP50 by height", scores.by_height),
        ("AP50 by visible share", scores.by_visibility),
    ):
        if values:
            table = Table("", "", title=title, title_justify="left", show_header=False)
            for name, value in values.items():
                shown = f"{value:.3f}" if name == "best_threshold" else format_score(value)
                table.add_row(name, shown)
            table_console().print(table)
