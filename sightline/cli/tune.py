"""`sightline tune`: a preset's parameters searched on a dataset."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.evaluate import JobsOption, JsonOption, ProtocolOption, table_console
from sightline.errors import ConfigError

__all__ = ["tune_preset"]


def tune_preset(
    preset: Annotated[str, typer.Argument(help="Preset or YAML file to start from.")],
    dataset: Annotated[Path, typer.Argument(help="Folder of SEQ/ with gt/gt.txt, seqinfo.ini.")],
    out: Annotated[Path, typer.Option(help="YAML file of the tuned preset.")],
    detections: Annotated[
        Path | None,
        typer.Option(
            help="Folder of SEQ.txt; else each sequence's own det/det.txt.", show_default=False
        ),
    ] = None,
    camera_motion: Annotated[
        Path | None, typer.Option(help="Folder of SEQ.txt with affines.", show_default=False)
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            help="What to search: NAME, NAME=LOW:HIGH or NAME=LOW:HIGH:STEP; several. Else all "
            "numbers of the preset, from half to double.",
            show_default=False,
        ),
    ] = None,
    held_out: Annotated[
        str, typer.Option(help="half: second halves; or names of sequences, with commas.")
    ] = "half",
    hota: Annotated[float, typer.Option(min=0, help="Weight of HOTA.")] = 0.5,
    idf1: Annotated[float, typer.Option(min=0, help="Weight of IDF1.")] = 0.5,
    trials: Annotated[
        int | None, typer.Option(min=1, help="Stop at this many trials, earlier runs included.")
    ] = None,
    minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this time.")] = None,
    storage: Annotated[
        Path | None,
        typer.Option(
            help="File of the trials; the search goes on if it exists.", show_default="OUT.journal"
        ),
    ] = None,
    protocol: ProtocolOption = "mot17",
    jobs: JobsOption = 1,
    json_output: JsonOption = False,
) -> None:
    """Tune a preset on cached detections, and say whether the gain carries over.

    Example:  sightline tune bytetrack MOT17/train --detections yolox --trials 100 --out tuned.yaml
    """
    from rich.console import Console

    from sightline.eval.benchmark import TrackerChoice, find_bench_sequences
    from sightline.eval.protocols import get_protocol
    from sightline.eval.search_space import search_space
    from sightline.eval.tables import score_table
    from sightline.eval.tuning import (
        Budget,
        Objective,
        format_preset,
        split_parts,
        tune,
    )
    from sightline.tracker import PARAMETERS
    from sightline.tracker.presets import read_preset

    if hota + idf1 <= 0:
        raise ConfigError("--hota and --idf1 are both 0; give one of them weight")
    objective = Objective(hota, idf1, get_protocol(protocol).name)
    budget = Budget(50 if trials is None and minutes is None else trials, minutes)
    values = read_preset(preset)
    space = search_space(values, parameters or (), parameters=PARAMETERS)
    sequences = find_bench_sequences(dataset, detections=detections, camera_motion=camera_motion)
    console = Console(stderr=True)

    def report(number: int, value: float, best: float) -> None:
        if console.is_terminal:
            console.print(f"trial {number}: {100 * value:.3f} (best {100 * best:.3f})")

    choice = TrackerChoice(preset)
    result = tune(
        choice, values, space, split_parts(sequences, held_out),
        storage or out.with_suffix(".journal"),
        objective=objective, budget=budget, jobs=jobs, report=report,
    )  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(format_preset(choice.name, result, objective), encoding="utf-8")
    if json_output:
        gains = dict(zip(("train_gain", "held_out_gain"), result.gains(objective), strict=True))
        output = asdict(result) | gains | {"verdict": result.verdict(objective)}
        print(json.dumps(output, indent=2, ensure_ascii=False))
    else:
        rows = {
            "train, preset": result.train[0],
            "train, tuned": result.train[1],
            "held out, preset": result.held_out[0],
            "held out, tuned": result.held_out[1],
        }
        title = f"{choice.name}: {result.trials} trials; {result.verdict(objective)}"
        table_console().print(score_table(title, rows))
        print(f"written: {out}")
    if result.interrupted:
        raise typer.Exit(130)
