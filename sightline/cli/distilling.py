"""What `sightline train --teacher` does first: other networks label clips and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from sightline.errors import ConfigError, InputError

__all__ = ["label_unlabelled"]


def label_unlabelled(
    teachers: Sequence[str],
    unlabelled: Sequence[str],
    out: Path,
    *,
    classes: Sequence[str],
    frames: int,
    bands: Sequence[str],
) -> Path:
    """Have teachers label clips and folders of pictures.

    Done already, it only checks: labels that are there are kept, new sources are added.

    Args:
        teachers: `FILE[@SIZE]=CLASS[,CLASS]` each: a network, and the classes it is trusted with.
        unlabelled: Video files and folders of pictures.
        out: Folder of the pictures and their `instances.json`.
        classes: The classes that are trained.
        frames: At most so many frames of each clip.
        bands: `CLASS=POSITIVE,IGNORE[,CERTAIN]` each: what fused scores mean.

    Returns:
        The label file, to train on.

    Raises:
        InputError: A teacher or band is not written so, or the output cannot be written.
        ConfigError: There are teachers without sources, or sources without teachers.
        ModelError: A teacher cannot be loaded.
        SourceError: A clip or folder cannot be read.
        Exit: With 130 after Ctrl-C; the labels made until then are kept.
    """
    from sightline.detector.training.examples import CLASSES
    from sightline.detector.training.label_file import CATEGORIES
    from sightline.detector.training.pseudo_labels import Bands, Material, label
    from sightline.detector.training.teachers import Committee, Teacher
    from sightline.video import open_source

    if not teachers or not unlabelled:
        raise ConfigError(
            "--teacher and --unlabelled go together: who labels, and what is labelled"
        )
    members = []
    for text in teachers:
        spec, names = _pair(text, "--teacher", "net.onnx@640=person,car")
        members.append(Teacher(spec, names.split(",")))
    meaning = {}
    for text in bands:
        name, numbers = _pair(text, "--bands", "person=0.25,0.1,0.5")
        try:
            meaning[name] = Bands(*(float(number) for number in numbers.split(",")))
        except (TypeError, ValueError) as error:
            raise InputError(
                f"--bands: expected CLASS=POSITIVE,IGNORE[,CERTAIN], got {text!r}"
            ) from error
    known = [name for name in classes if any(name in member.class_names for member in members)]
    materials = [
        Material(Path(path).stem, partial(open_source, path), limit=frames) for path in unlabelled
    ]
    categories = CATEGORIES
    if not set(classes) <= set(CLASSES):
        categories = tuple({"id": k, "name": name} for k, name in enumerate(classes, start=1))
    counts = label(materials, Committee(members, known), out, categories, meaning)
    for warning in counts.warnings:
        typer.echo(warning, err=True)
    if counts.interrupted:
        typer.echo("interrupted; the same command goes on with what is labelled already")
        raise typer.Exit(130)
    objects = ", ".join(f"{count} {name}" for name, count in counts.objects.most_common())
    typer.echo(
        f"teachers labelled {counts.images} pictures ({counts.there} were labelled already): "
        f"{objects or 'no object'}; {counts.ignored} places left out as unsure"
    )
    return out / "instances.json"


def _pair(text: str, option: str, example: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        raise InputError(f"{option}: expected something like {example}, got {text!r}")
    return name, value
