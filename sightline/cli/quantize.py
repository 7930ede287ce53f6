"""`sightline quantize`: an export in INT8, and what that costs and gains."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.errors import InputError

if TYPE_CHECKING:
    from sightline.detector import Detector
    from sightline.detector.training.examples import Example
    from sightline.structures import Frame

__all__ = ["quantize"]

_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
_CANDIDATES = 2000
_TIMED = 40


def quantize(
    model: Annotated[
        Path, typer.Argument(help="An ONNX file of `sightline export`.", show_default=False)
    ],
    data: Annotated[
        Path,
        typer.Option(
            help="Pictures like those that it will see: a folder, or a COCO JSON file.",
            show_default=False,
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write; NAME-int8.onnx if not given.")
    ] = None,
    pictures: Annotated[
        int, typer.Option(min=1, help="Pictures to take, unlike each other.")
    ] = 128,
    calibration: Annotated[
        str, typer.Option(help="Range of activations: minmax, percentile or entropy.")
    ] = "percentile",
    score: Annotated[
        Path | None,
        typer.Option(help="Labelled pictures (COCO JSON or MOT folders) to score both files on."),
    ] = None,
) -> None:
    """Write an export in INT8; print the time and, with --score, the AP50 of both.

    Example:  sightline quantize people.onnx --data pictures/train --score pictures/test.json
    """
    from typing import get_args

    from sightline.detector import Detector
    from sightline.detector.quantization import Calibration, quantize
    from sightline.detector.training.datasets import read_data

    if calibration not in get_args(Calibration):
        raise InputError(
            f"calibration {calibration!r}: expected one of {', '.join(get_args(Calibration))}"
        )
    path = out or model.with_name(f"{model.stem}-int8.onnx")
    frames = _varied(_files(data), pictures)
    typer.echo(f"calibrating on {len(frames)} pictures …")
    quantize(model, path, frames, calibration)  # type: ignore[arg-type]
    both = [Detector(file, "cpu", confidence=0.01, threads=1) for file in (model, path)]
    before, after = _milliseconds(both, frames[:_TIMED])
    rows = [
        ("size, MB", *(f"{file.stat().st_size / 1e6:.2f}" for file in (model, path))),
        ("CPU ms a picture, one thread", f"{before:.2f}", f"{after:.2f}"),
    ]
    if score is not None:
        examples = read_data(score, both[0].class_names)
        rows += _score_rows(both, examples)
    for name, *values in (("", "float32", "int8"), *rows):
        typer.echo(f"{name:32}{values[0]:>10}{values[1]:>10}")
    typer.echo(f"{path}: {before / after:.2f} times as fast")


def _score_rows(
    detectors: Sequence[Detector], examples: Sequence[Example]
) -> list[tuple[str, ...]]:
    from sightline.cli.scoring import score_examples
    from sightline.structures import Frame

    scores = []
    for detector in detectors:
        found = [detector.detect([Frame(example.load())])[0] for example in examples]
        scores.append(score_examples(detector.class_names, examples, found))
    return [
        (f"{name}, percent", *(f"{100 * each[name]:.1f}" for each in scores)) for name in scores[0]
    ]


def _files(data: Path) -> list[Path]:
    from sightline.detector.training.datasets import read_data

    if data.is_file():
        return [example.path for example in read_data(data)]
    found = [path for path in sorted(data.rglob("*")) if path.suffix.lower() in _SUFFIXES]
    if not found:
        raise InputError(f"{data}: no pictures in it")
    return found


def _varied(files: Sequence[Path], count: int) -> list[Frame]:
    """Pictures that are unlike each other."""
    import cv2
    import numpy as np

    from sightline.detector.training.variety import farthest_points, thumbnail
    from sightline.structures import Frame

    step = -(-len(files) // _CANDIDATES)
    read = ((path, cv2.imread(str(path))) for path in files[::step])
    kept = [(path, thumbnail(np.asarray(image))) for path, image in read if image is not None]
    if not kept:
        raise InputError(f"{files[0].parent}: none of its pictures can be read")
    rows = farthest_points(np.stack([vector for _, vector in kept]), count, 0.0)
    return [Frame(np.asarray(cv2.imread(str(kept[row][0])), np.uint8)) for row in sorted(rows)]


def _milliseconds(detectors: Sequence[Detector], frames: Sequence[Frame]) -> list[float]:
    """Median CPU time of each detector for one picture; they take turns."""
    import statistics

    spent: list[list[float]] = [[] for _ in detectors]
    for frame in (frames[0], *frames):  # the first of a size prepares its buffers
        for detector, times in zip(detectors, spent, strict=True):
            detector.detect([frame])
            began = time.process_time()
            detector.detect([frame])
            times.append(time.process_time() - began)
    return [statistics.median(times) * 1e3 for times in spent]
