"""`sightline bench`: trackers compared on a dataset."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.cli.evaluate import (
    JobsOption,
    JsonOption,
    ProtocolOption,
    SplitOption,
    print_tables,
    progress_bar,
)
from sightline.errors import ConfigError

if TYPE_CHECKING:
    from sightline.eval.dataset import TruthSequence

__all__ = ["bench"]


def bench(
    dataset: Annotated[Path, typer.Argument(help="Folder of SEQ/ with gt/gt.txt, seqinfo.ini.")],
    trackers: Annotated[
        list[str],
        typer.Option(
            "--tracker",
            help="Preset or YAML file, or with offline steps: sightline+link,linear. "
            "Several are compared.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of results.json, report.html and the texts.")],
    detections: Annotated[
        Path | None,
        typer.Option(
            help="Folder of SEQ.txt; else each sequence's own det/det.txt.", show_default=False
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(help="Detect on SEQ/img1 with this network first.", show_default=False),
    ] = None,
    classes: Annotated[
        str, typer.Option(help="Classes that --model keeps, by name, with commas.")
    ] = "person",
    camera_motion: Annotated[
        Path | None, typer.Option(help="Folder of SEQ.txt with affines.", show_default=False)
    ] = None,
    protocol: ProtocolOption = "mot17",
    split: SplitOption = "all",
    jobs: JobsOption = 1,
    json_output: JsonOption = False,
) -> None:
    """Track a dataset with several trackers, score them and write a report.

    Example:  sightline bench MOT17/train --detections yolox --tracker sort --tracker sightline
    --split val-half --jobs 2 --out out/bench
    """
    from sightline.eval.benchmark import TrackerChoice, find_bench_sequences, run_benchmark
    from sightline.eval.comparison import comparison_as_json
    from sightline.eval.report import write_report

    if model is not None and detections is not None:
        raise ConfigError("give --detections or --model, not both")
    choices = [TrackerChoice.parse(text) for text in trackers]
    if len({choice.name for choice in choices}) < len(choices):
        raise ConfigError("two trackers have the same name; rename one YAML file")
    out.mkdir(parents=True, exist_ok=True)
    if model is not None:
        detections = _detect(dataset, model, classes, out / "detections")
    sequences = find_bench_sequences(
        dataset, detections=detections, camera_motion=camera_motion, split=split
    )
    parameters = {
        "dataset": str(dataset),
        "detections": "each sequence's own" if detections is None else str(detections),
        "model": model,
        "classes": None if model is None else classes,
        "camera_motion": None if camera_motion is None else str(camera_motion),
        "trackers": trackers,
        "protocol": protocol,
        "split": split,
    }
    with progress_bar(len(sequences) * len(choices), "tracking") as progress:
        comparison = run_benchmark(
            sequences, choices, out,
            protocol=protocol, split=split, jobs=jobs, progress=progress, parameters=parameters,
        )  # fmt: skip
    for finding in comparison.findings:
        print(f"sightline: warning: {finding}", file=sys.stderr)
    output = comparison_as_json(comparison)
    text = json.dumps(output, indent=2, ensure_ascii=False) + "\n"
    (out / "results.json").write_text(text, encoding="utf-8")
    write_report(out / "report.html", comparison)
    if json_output:
        print(text, end="")
    else:
        print_tables(output)
        print(f"written: {out / 'results.json'}, {out / 'report.html'}")


def _detect(dataset: Path, model: str, classes: str, folder: Path) -> Path:
    """Detections of every video's pictures, as MOT text in `folder`."""
    from sightline.detector import Detector
    from sightline.eval.dataset import find_truth, sequence_key
    from sightline.formats.mot import format_detections
    from sightline.video import open_source

    folder.mkdir(parents=True, exist_ok=True)
    names = [name.strip() for name in classes.split(",")]
    detector = Detector(model, confidence=0.01, classes=names)
    videos: dict[str, TruthSequence] = {}
    for truth in find_truth(dataset):
        videos.setdefault(sequence_key(truth.name), truth)
    with progress_bar(len(videos), "detecting") as progress:
        for truth in videos.values():
            source = open_source(truth.truth.path.parent.parent)
            text = "".join(
                format_detections(frame.index, detector.detect([frame])[0]) for frame in source
            )
            (folder / f"{truth.name}.txt").write_text(text, encoding="ascii")
            progress(truth.name)
    return folder
