"""`sightline eval-reid`: re-ID networks on a video whose people are known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.evaluate import JsonOption, table_console
from sightline.inference import Device

if TYPE_CHECKING:
    from sightline.eval.reid import ReidScores

__all__ = ["eval_reid"]


def eval_reid(
    source: Annotated[str, typer.Argument(help="Video file, picture folder or MOT folder.")],
    truth: Annotated[Path, typer.Argument(help="MOT text: its ground truth, or tracks of it.")],
    reid: Annotated[
        list[str] | None,
        typer.Option(help="sightline-reid, colour or an ONNX file; several are compared."),
    ] = None,
    labelled: Annotated[
        bool,
        typer.Option(
            "--labelled/--tracks",
            help="--tracks: the text is a tracker's; only what needs no ground truth is scored.",
        ),
    ] = True,
    protocol: Annotated[
        str, typer.Option(help="Of the ground truth: mot15, mot16, mot17, mot20 or plain.")
    ] = "mot17",
    least_height: Annotated[
        float, typer.Option(min=2, help="Least height of a box in pixels.")
    ] = 40,
    most_overlap: Annotated[
        float, typer.Option(min=0, max=1, help="Largest IoU with another box.")
    ] = 0.3,
    least_score: Annotated[
        float, typer.Option(min=0, max=1, help="Least score of a track's box.")
    ] = 0.5,
    spacing: Annotated[
        float, typer.Option(min=0, help="Least seconds between two crops of a track.")
    ] = 0.25,
    device: Annotated[Device, typer.Option(help="Where the networks run.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 for all cores.")] = 0,
    json_output: JsonOption = False,
) -> None:
    """Score re-ID: rank-1, rank-5, mAP, the ROC, and who is found again after a gap.

    Query and gallery are the first and the last third of each track.

    Example:  sightline eval-reid MOT17-09 MOT17-09/gt/gt.txt --reid sightline-reid --reid colour
    """
    from rich.table import Table

    from sightline.errors import InputError
    from sightline.eval.manifest import manifest
    from sightline.eval.protocols import get_protocol
    from sightline.eval.reid import describe_people, score_reid
    from sightline.formats.mot import read_mot
    from sightline.reid import open_embedder
    from sightline.reid.tracklets import Mining
    from sightline.video import open_source

    mining = Mining(
        least_score=least_score,
        person_class=get_protocol(protocol).scored_class if labelled else None,
        least_height=least_height,
        most_overlap=most_overlap,
        spacing=spacing,
    )
    embedders = {}
    for choice in reid or ["sightline-reid"]:
        embedder = open_embedder(choice, device, threads=threads)
        if embedder is None:
            raise InputError("--reid off describes nobody; there is nothing to score")
        embedders[Path(choice).stem] = embedder
    people = describe_people(open_source(source), read_mot(truth), embedders, mining)
    found = {name: score_reid(people, name, labelled=labelled) for name in embedders}
    if json_output:
        settings = mining.model_dump() | {"source": source, "truth": str(truth)}
        output = {
            "reid": {name: _as_json(scores, people.milliseconds[name])
                     for name, scores in found.items()},
            "manifest": manifest(settings, {}),
        }  # fmt: skip
        print(json.dumps(output, indent=2, ensure_ascii=False))
        return
    counts = next(iter(found.values())).counts
    title = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in counts.items())
    table = Table("", *found, title=title, title_justify="left")
    for name in next(iter(found.values())).scores:
        table.add_row(name, *(f"{scores.scores[name]:.3f}" for scores in found.values()))
    for name, (_, chance, tries) in next(iter(found.values())).recovery.items():
        shares = (f"{scores.recovery[name][0]:.3f}" for scores in found.values())
        table.add_row(f"found after {name} ({tries} tries, chance {chance:.2f})", *shares)
    table.add_row("CPU ms a crop", *(f"{people.milliseconds[name]:.2f}" for name in found))
    table_console().print(table)


def _as_json(scores: ReidScores, milliseconds: float) -> dict[str, Any]:
    return {
        **scores.scores,
        "recovery": {
            name: {"found": share, "chance": chance, "tries": tries}
            for name, (share, chance, tries) in scores.recovery.items()
        },
        "counts": dict(scores.counts),
        "cpu_ms_per_crop": milliseconds,
    }
