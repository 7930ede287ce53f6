"""`sightline train-reid`: clips with tracks in, a re-ID network out."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from sightline.reid.training.crop_set import CropSet
    from sightline.reid.training.recipe import Recipe

__all__ = ["train_reid"]


def train_reid(
    recipe: Annotated[Path, typer.Argument(help="Recipe: a YAML file (docs/reid.md).")],
    data: Annotated[Path, typer.Option(help="Folder that the recipe's paths are relative to.")],
    tracks: Annotated[
        Path, typer.Option(help="Folder of the clips' MOT texts: tracks or ground truth.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("runs/reid"),
    resume: Annotated[bool, typer.Option(help="Go on with the run that lies in OUT.")] = False,
    start: Annotated[
        Path | None, typer.Option(help="best.pt of an earlier run, to begin with its weights.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    threads: Annotated[int, typer.Option(min=0, help="CPU threads; 0 for all cores.")] = 0,
) -> None:
    """Train a re-ID network on tracks and by imitation, and write it as ONNX.

    OUT holds crops.npz (what was cut), last.pt and best.pt, metrics.jsonl, curves.png, the
    recipe as resolved and reid.onnx.

    Example:  sightline train-reid reid.yaml --data ../shared --tracks out/tracks --out runs/reid
    """
    try:
        import torch
    except ImportError as error:
        from sightline.errors import ConfigError

        raise ConfigError("training needs torch: pip install 'sightline[train]'") from error
    from sightline.cli.running import errors
    from sightline.learning.devices import choose_device
    from sightline.reid.export import export_network
    from sightline.reid.network import load_network
    from sightline.reid.training.recipe import read_recipe
    from sightline.reid.training.run_folder import RunFolder
    from sightline.reid.training.training import Trainer

    settings = read_recipe(recipe)
    if threads:
        torch.set_num_threads(threads)
    place = choose_device(device)
    crops = _crops(settings, data, tracks, out, threads)
    trainer = Trainer(settings, crops, RunFolder(out), place, resume=resume, start=start)
    errors.print(f"{len(crops)} crops, {len(crops.clips)} people; {trainer.describe()}")
    with _progress(settings) as advance:
        trainer.run(advance, lambda row: errors.print(_line(row)))
    network, metrics = load_network(trainer.folder.best)
    path = out / "reid.onnx"
    notes = {
        "licence": settings.licence,
        "training_data": settings.training_data,
        "recipe": recipe.name,
        "seed": settings.seed,
        "scores": metrics,
    }
    notes |= trainer.calibrate(network.to(place))
    difference = export_network(network.cpu(), path, notes)
    errors.print(f"{path}: within {difference:.1e} of PyTorch; {_line(metrics)}")


def _line(row: Mapping[str, Any]) -> str:
    losses = ", ".join(f"{name} {value:.3f}" for name, value in row["losses"].items())
    return (
        f"epoch {row['epoch']}: rank-1 {row['rank1']:.3f}, mAP {row['mAP']:.3f}; {losses}; "
        f"{row['seconds']:.0f} s"
    )


@contextmanager
def _progress(recipe: Recipe) -> Iterator[Callable[[int, int, float], None] | None]:
    """A bar that counts batches on a terminal; None where stderr is none."""
    from rich.progress import Progress

    from sightline.cli.running import errors

    if not sys.stderr.isatty():
        yield None
        return
    plan = recipe.optimisation
    with Progress(console=errors, transient=True) as progress:
        task = progress.add_task("training", total=plan.epochs * plan.steps)

        def advance(epoch: int, step: int, loss: float) -> None:
            done = epoch * plan.steps + step + 1
            progress.update(task, completed=done, description=f"epoch {epoch + 1}, loss {loss:.2f}")

        yield advance


def _crops(recipe: Recipe, data: Path, tracks: Path, out: Path, threads: int) -> CropSet:
    """The run's crops; those that were cut before are taken as they are."""
    from sightline.cli.running import errors
    from sightline.formats.mot import read_mot
    from sightline.learning.seeds import generator
    from sightline.reid import Embedder
    from sightline.reid.training.crop_set import CropSet
    from sightline.reid.training.gathering import Gatherer, photographed_people
    from sightline.video import open_source

    cut = out / "crops.npz"
    if cut.is_file():
        return CropSet.load(cut)
    gatherer = Gatherer(
        recipe.network.height,
        recipe.network.width,
        recipe.mining,
        [
            (Embedder(data / teacher.model, threads=threads), teacher.weight)
            for teacher in recipe.teachers
        ],
        recipe.least_crops,
    )
    for clip in recipe.clips:
        rows = read_mot(tracks / clip.tracks)
        count = gatherer.add_clip(open_source(data / clip.video), rows)
        errors.print(f"{clip.video}: {count} crops")
    for photographs in recipe.photographs:
        pictures = photographed_people(data / photographs.images, data / photographs.annotations)
        errors.print(f"{photographs.annotations}: {gatherer.add_photographs(pictures)} crops")
    if recipe.made_people:
        gatherer.add_made_people(recipe.made_people, generator(recipe.validation_seed))
    crops = gatherer.finish()
    out.mkdir(parents=True, exist_ok=True)
    crops.save(cut)
    return crops
