"""What `sightline train` does: data, held-out part, progress, pictures of how it went."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from sightline.cli.interruption import stop_on_signals
from sightline.detector.training.examples import Example
from sightline.detector.training.recipe import Recipe
from sightline.detector.training.run_folder import RunFolder
from sightline.detector.training.trainer import Progress as Standing
from sightline.detector.training.trainer import Result, Trainer
from sightline.errors import InputError

__all__ = ["examples_of", "print_result", "run_training"]


def examples_of(paths: Sequence[Path], recipe: Recipe) -> list[Example]:
    """The examples of all sources, joined.

    Raises:
        InputError: A source is wrong; names file and picture.
    """
    from sightline.detector.training.datasets import read_data

    return [
        example
        for path in paths
        for example in read_data(path, recipe.classes, recipe.skip_classes)
    ]


def run_training(
    recipe: Recipe,
    examples: Sequence[Example],
    held_out: Sequence[Example] | None,
    out: Path,
    *,
    device: str,
    workers: int,
    resume: bool = False,
    tensorboard: bool = False,
) -> Result:
    """Train one network into a folder.

    Args:
        recipe: What to do.
        examples: What to learn from.
        held_out: What to test on; None takes the recipe's share of the examples away for it.
        out: The run's folder.
        device: auto, cpu or cuda.
        workers: Processes that load pictures.
        resume: Whether to go on with the run that is there.
        tensorboard: Whether to log for TensorBoard as well.

    Raises:
        InputError: The folder holds another training, or data or files are wrong.
        ModelError: The device cannot be used, or there is nothing to resume.
    """
    from sightline.cli.scoring import score_examples
    from sightline.detector.training.curves import draw_curves, draw_samples
    from sightline.detector.training.loading import Loader
    from sightline.detector.training.run_folder import load_network
    from sightline.detector.training.sampling import Sampler
    from sightline.learning.devices import choose_device

    where = choose_device(device)
    if held_out is None:
        examples, held_out = _hold_out(examples, recipe)
    tested = _spread(held_out, recipe.validation.pictures)
    _check(examples, tested)
    folder = RunFolder(out)
    sampler = Sampler(
        examples,
        recipe.batch,
        [(side, side) for side in recipe.sizes],
        recipe.seed,
        recipe.set_weights,
    )
    if not resume:
        folder.begin(recipe)
    score = partial(score_examples, recipe.classes)
    with (
        stop_on_signals() as stopped,
        Loader(examples, sampler, workers, classes=recipe.classes) as loader,
        _Bar(recipe, _writer(out) if tensorboard else None) as bar,
    ):
        trainer = Trainer(recipe, loader, tested, score, folder, where, resume=resume)
        bar.say(
            f"{len(examples)} pictures, {len(tested)} held out, on {where}; "
            f"{trainer.steps} steps an epoch"
        )
        result = trainer.run(bar.report, stopped)
        damaged = len(loader.damaged)
    if damaged:
        bar.say(f"{damaged} pictures could not be read and were left out")
    if folder.best.exists():
        draw_curves(folder.rows(), out / "curves.png")
        network, _, _ = load_network(folder.best)
        draw_samples(network, tested[:16], recipe.validation.size, out / "samples.png")
    return result


def print_result(result: Result, out: Path) -> None:
    """Say how a training ended."""
    minutes = result.seconds / 60
    typer.echo(f"{result.reason} after {result.epochs} epochs and {minutes:.1f} minutes")
    if result.scores:
        figures = ", ".join(f"{name} {100 * value:.1f}" for name, value in result.scores.items())
        typer.echo(f"best after epoch {result.best_epoch + 1}: {figures}")
    if result.reason == "interrupted" and result.epochs:
        typer.echo(f"to go on: the same command with --resume --out {out}")
    elif result.reason == "interrupted":
        typer.echo("no epoch was completed, so there is nothing to resume; start it again")
    else:
        typer.echo(f"weights in {out / 'best.pt'}; sightline export {out}")


def _hold_out(
    examples: Sequence[Example], recipe: Recipe
) -> tuple[Sequence[Example], Sequence[Example]]:
    from sightline.detector.training.folds import folds

    share = recipe.validation.share
    if share == 0 or not examples:
        return examples, []
    groups = len({example.group for example in examples})
    if groups == 1:
        raise InputError(
            f"all {len(examples)} pictures are frames of one clip, so none can be held out; give "
            "others by --validation, or set validation.share to 0 in the recipe"
        )
    parts = min(max(round(1 / share), 2), groups)
    return next(folds(examples, parts, recipe.seed))


def _check(examples: Sequence[Example], held_out: Sequence[Example]) -> None:
    """Say now what would end the training at its first test.

    Raises:
        InputError: The pictures show no object, or a held-out one is damaged.
    """
    if not any(len(example.labels) for example in examples):
        raise InputError(f"{len(examples)} pictures to learn from, and no object in them")
    if not held_out:
        return
    if not any(
        labels.labelled[labels.classes].any() for labels in (one.labels for one in held_out)
    ):
        raise InputError(
            "the held-out pictures show no object; give others by --validation, or set "
            "validation.share to 0 in the recipe"
        )
    for example in held_out:
        example.load()


def _spread(examples: Sequence[Example], most: int) -> list[Example]:
    """At most so many, taken evenly."""
    step = max(len(examples) / most, 1.0)
    return [examples[int(k * step)] for k in range(min(len(examples), most))]


class _Bar:
    """Shows where a training stands: a bar on a terminal, a line an epoch elsewhere."""

    def __init__(self, recipe: Recipe, writer: Any) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._recipe = recipe
        self._writer = writer
        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]:.0f} pictures/s"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[text]}"),
            console=self._console,
            disable=not self._console.is_terminal,
        )
        self._task = self._progress.add_task("", total=None, epoch="", rate=0.0, text="")
        self._epoch = -1

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
        if self._writer is not None:
            self._writer.close()

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text)

    def report(self, now: Standing) -> None:
        """Show a step; print a line and log when the epoch is over."""
        parts = [f"{name} {value:.3f}" for name, value in now.losses.items() if name != "positives"]
        if now.scores:
            parts.append(f"AP50 {100 * now.scores['AP50']:.1f}")
        text = " ".join(parts)
        if now.rate:
            self._progress.update(
                self._task,
                total=now.steps,
                completed=now.step,
                epoch=f"{now.epoch + 1}/{self._recipe.epochs}",
                rate=now.rate,
                text=text,
            )
            return
        self.say(f"epoch {now.epoch + 1}/{self._recipe.epochs}: {text}")
        if self._writer is not None:
            for name, value in (now.losses | now.scores).items():
                self._writer.add_scalar(name.replace(" ", "/"), value, now.epoch + 1)


def _writer(out: Path) -> Any:
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(out))
