"""`sightline train`: from labelled pictures to a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sightline.detector.training.trainer import Result

__all__ = ["train"]


def train(
    data: Annotated[
        list[Path],
        typer.Argument(
            help="COCO JSON files, folders that hold one, or MOT sequences; several are joined.",
            show_default=False,
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(help="Recipe: smoke, finetune, gpu, transfer-mobilenet-v2, … or a YAML file."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Change the recipe, such as epochs=30 or optimizer.rate=0.001; can be repeated.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/detector"),
    validation: Annotated[
        Path | None,
        typer.Option(help="Held-out data; a share of DATA, by the recipe, where not given."),
    ] = None,
    teachers: Annotated[
        list[str] | None,
        typer.Option(
            "--teacher",
            metavar="FILE[@SIZE]=CLASSES",
            help="A network that labels --unlabelled, and what it is trusted with, such as "
            "yolox-m=car,bus; can be repeated.",
            show_default=False,
        ),
    ] = None,
    unlabelled: Annotated[
        list[str] | None,
        typer.Option(
            help="A clip or a folder of pictures for the teachers to label; can be repeated.",
            show_default=False,
        ),
    ] = None,
    frames: Annotated[
        int, typer.Option(min=1, help="At most so many frames of each unlabelled clip.")
    ] = 200,
    bands: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CLASS=POSITIVE,IGNORE[,CERTAIN]",
            help="What teachers' scores mean, 0.5,0.2 if not given (docs/distillation.md).",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the last complete epoch in --out.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda; cuda never falls back.")] = "auto",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that load and augment pictures.")
    ] = 1,
    folds: Annotated[
        int, typer.Option(min=1, help="Train so many networks, each tested on its own part.")
    ] = 1,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also log for TensorBoard.")
    ] = False,
) -> None:
    """Train a detector on your own pictures.

    Example:  sightline train people.json --recipe finetune --out runs/people
    """
    from sightline.cli.packages import check_training_packages

    check_training_packages(tensorboard=tensorboard)
    from sightline.cli.distilling import label_unlabelled
    from sightline.cli.training import examples_of, print_result, run_training
    from sightline.detector.training.folds import folds as split
    from sightline.detector.training.recipe import read_recipe
    from sightline.detector.training.run_folder import RunFolder

    if folds > 1 and validation:
        raise typer.BadParameter("--folds makes its own held-out parts: leave --validation out")
    if resume:
        chosen = RunFolder(out / "fold-1" if folds > 1 else out).resolved_recipe()
    else:
        chosen = read_recipe(recipe, settings or ())
    sources = list(data)
    if teachers or unlabelled:
        labelled = label_unlabelled(
            teachers or (),
            unlabelled or (),
            out / "pseudo-labels",
            classes=chosen.classes,
            frames=frames,
            bands=bands or (),
        )
        sources.append(labelled)
    examples = examples_of(sources, chosen)
    options: dict[str, Any] = {"device": device, "workers": workers, "tensorboard": tensorboard}
    if folds > 1:
        results = []
        for number, (kept, left_out) in enumerate(split(examples, folds, chosen.seed), start=1):
            typer.echo(f"fold {number} of {folds}: {len(kept)} pictures, {len(left_out)} held out")
            part = out / f"fold-{number}"
            begun = resume and RunFolder(part).last.exists()
            results.append(run_training(chosen, kept, left_out, part, resume=begun, **options))
            if results[-1].reason == "interrupted":
                typer.echo(f"to go on: the same command with --resume --out {out}")
                raise typer.Exit(130)
        _print_folds(results)
        return
    held_out = examples_of([validation], chosen) if validation else None
    result = run_training(chosen, examples, held_out, out, resume=resume, **options)
    print_result(result, out)
    if result.reason == "interrupted":
        raise typer.Exit(130)


def _print_folds(results: Sequence[Result]) -> None:
    import statistics

    scores = [result.scores["AP50"] for result in results]
    spread = statistics.stdev(scores)
    figures = ", ".join(f"{100 * score:.1f}" for score in scores)
    typer.echo(
        f"AP50 of the folds {figures}: mean {100 * statistics.mean(scores):.1f}, "
        f"standard deviation {100 * spread:.1f}"
    )
