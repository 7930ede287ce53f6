"""`sightline export`: a trained network as one ONNX file, compared with PyTorch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from sightline.detector.network import Network
    from sightline.detector.training.recipe import Recipe

__all__ = ["export"]

_PICTURES = 3
_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def export(
    trained: Annotated[
        Path, typer.Argument(help="Folder of a training, or its best.pt.", show_default=False)
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write; NAME.onnx beside best.pt if not given.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option(
            help="Folder of pictures on which the file is compared with PyTorch; the training's "
            "own samples if not given."
        ),
    ] = None,
    calibrate: Annotated[
        Path | None,
        typer.Option(
            help="Labelled pictures, best held out: each class's scores are shifted so that those "
            "of sure detections begin where trackers expect them."
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            min=32,
            help="Side of the square whose pixels it takes where nothing else is asked; the "
            "recipe's validation.size if not given.",
        ),
    ] = None,
    training_data: Annotated[
        str, typer.Option(help="What it was trained on, for the file's metadata.")
    ] = "unknown",
) -> None:
    """Write a trained network as one ONNX file that needs nothing beside it, and check it.

    Example:  sightline export runs/people --pictures pictures/street
    """
    import hashlib

    import sightline
    from sightline.detector.export import compare, export
    from sightline.detector.exported import describe
    from sightline.detector.network import Network
    from sightline.detector.training.run_folder import load_network
    from sightline.errors import ModelError

    network, recipe, facts = load_network(trained)
    if not isinstance(network, Network):
        raise ModelError(
            f"{trained}: head {recipe.head} is for teaching and has no ONNX form; train with "
            "`head: yolo` to export"
        )
    folder = trained if trained.is_dir() else trained.parent
    path = out or folder / f"{recipe.name}.onnx"
    samples = _samples(pictures or folder)
    metadata = describe(
        network.class_names,
        size=size or recipe.validation.size,
        scale=network.scale,
        backbone=network.backbone_name,
        version=sightline.__version__,
        recipe_sha256=hashlib.sha256(recipe.model_dump_json().encode()).hexdigest(),
        training_data=training_data,
        licence=recipe.licence,
        average_precision=facts["scores"],
    )
    if calibrate is not None:
        _calibrate(network, calibrate, recipe)
    typer.echo(f"exporting {recipe.name} ({len(network.class_names)} classes) …")
    part = path.with_name(path.name + ".part")
    try:
        export(network, part, metadata)
        side = recipe.validation.size
        sizes = [(side, side), (side // 64 * 32, side // 32 * 32 + 64)]
        for found in compare(network, part, samples, sizes):
            typer.echo(
                f"{found.height}x{found.width}, {found.batch} at once: {found.rows} boxes differ "
                f"from PyTorch's by {found.box_difference:.1e} px and {found.score_difference:.1e} "
                "of the score at most"
            )
            if not found.good:
                raise ModelError(
                    f"{path}: not written: ONNX Runtime's boxes differ from PyTorch's by more than "
                    "0.5 px or 0.001 of the score"
                )
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")


def _calibrate(network: Network, data: Path, recipe: Recipe) -> None:
    import torch

    from sightline.cli.scoring import sure_thresholds
    from sightline.detector.training.calibration import SURE, shift_scores
    from sightline.detector.training.datasets import read_data
    from sightline.detector.training.validation import detect_examples

    examples = read_data(data, network.class_names, recipe.skip_classes)
    found = detect_examples(network, examples, recipe.validation.size, torch.device("cpu"))
    thresholds = sure_thresholds(network.class_names, examples, found)
    shift_scores(network, thresholds)
    figures = ", ".join(f"{name} {value:.2f}" for name, value in thresholds.items())
    typer.echo(f"sure from, on {len(examples)} pictures, now at {SURE}: {figures}")


def _samples(folder: Path) -> Sequence[npt.NDArray[np.uint8]]:
    """Some pictures of a folder."""
    import cv2
    import numpy as np

    from sightline.errors import InputError

    files = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    found = [path for path in files if path.suffix.lower() in _SUFFIXES][:_PICTURES]
    images = [cv2.imread(str(path)) for path in found]
    readable = [np.asarray(image, np.uint8) for image in images if image is not None]
    if not readable:
        raise InputError(
            f"{folder}: holds no picture to compare the export on; name a folder by --pictures"
        )
    return readable
