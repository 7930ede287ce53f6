"""`sightline explain`: pictures of what happens inside a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["explain"]


def explain(
    image: Annotated[Path, typer.Argument(help="A picture.", show_default=False)],
    model: Annotated[
        Path, typer.Option(help="Folder of a training, or its best.pt.", show_default=True)
    ] = Path("runs/detector"),
    out: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("out"),
    size: Annotated[
        int | None,
        typer.Option(
            min=64,
            help="Side of a square that has as many pixels as the input; the training's if not "
            "given.",
        ),
    ] = None,
    confidence: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Cells with a better score fire.")
    ] = 0.3,
) -> None:
    """Show what a trained network sees: heat maps, first filters, and the cells of each box.

    Example:  sightline explain street.jpg --model runs/people --out inside
    """
    import importlib.util

    from sightline.errors import ConfigError, InputError, ModelError
    from sightline.video.pictures import read_picture

    needed = ["torch", "torchvision", "matplotlib"]
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"explain needs {', '.join(missing)}: pip install 'sightline[train,eval]' "
            "(docs/explain.md)"
        )
    if model.suffix == ".onnx":
        raise ModelError(
            f"{model}: an ONNX file keeps only what detecting needs; explain takes the PyTorch "
            "weights that it was exported from, best.pt in the folder of the training"
        )
    from sightline.detector.explain import explain as draw
    from sightline.detector.network.inspection import look_inside
    from sightline.detector.training.run_folder import load_network

    picture = read_picture(image)
    if picture is None:
        reason = "damaged or no picture" if image.is_file() else "no such file"
        raise InputError(f"{image}: {reason}; explain takes one JPEG, PNG or other picture")
    network, recipe, _ = load_network(model)
    inside = look_inside(network, picture, size or recipe.validation.size, confidence)
    cells = sum(len(found.points) for found in inside.found)
    typer.echo(f"{len(inside.found)} boxes from {cells} of {inside.cells} cells")
    for path in draw(inside, picture, network.class_names, out, image.stem):
        typer.echo(str(path))
