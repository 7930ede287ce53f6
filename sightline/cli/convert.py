"""`sightline convert`: tracks from one file format into another."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["convert", "parse_picture_size"]


def convert(
    tracks: Annotated[
        Path,
        typer.Argument(help="File of tracks, detections or ground truth.", show_default=False),
    ],
    out: Annotated[
        Path,
        typer.Argument(
            help="File to write: .txt, .jsonl, .csv, .coco.json, .cvat.xml or .parquet.",
            show_default=False,
        ),
    ],
    read_as: Annotated[
        str | None,
        typer.Option("--from", help="Format of the first file, if its suffix does not tell."),
    ] = None,
    write_as: Annotated[
        str | None,
        typer.Option("--to", help="Format of the second file, if its suffix does not tell."),
    ] = None,
    rate: Annotated[
        float, typer.Option(min=0, help="Frames per second, where the file does not name it.")
    ] = 0.0,
    size: Annotated[
        str, typer.Option(help="Size of the picture, as 1920x1080, where the file has none.")
    ] = "",
    classes: Annotated[
        str, typer.Option(help="Names of the classes from 0, where the file has none: person,car.")
    ] = "",
) -> None:
    """Convert tracks between MOT text, JSON lines, CSV, COCO, CVAT and Parquet.

    Example:  sightline convert out/street.txt street.cvat.xml --rate 25 --size 1920x1080
    """
    from sightline.errors import InputError
    from sightline.formats import VideoInfo, read_tracks, write_tracks

    width, height = parse_picture_size(size)
    names = tuple(name.strip() for name in classes.split(",") if name.strip())
    table = read_tracks(tracks, read_as, info=VideoInfo("", width, height, rate, names))
    try:
        write_tracks(table, out, write_as)
    except OSError as error:
        raise InputError(f"{out}: cannot be written: {error.strerror or error}") from error
    typer.echo(f"{out}: {len(table)} boxes in {len(table.frame_indices)} frames")


def parse_picture_size(text: str) -> tuple[int, int]:
    """Width and height of `1920x1080`; 0, 0 of nothing.

    Raises:
        InputError: The text is neither.
    """
    from sightline.errors import InputError

    if not text:
        return 0, 0
    match = re.fullmatch(r"(\d+)x(\d+)", text)
    if match is None:
        raise InputError(f"--size {text}: a size is WIDTHxHEIGHT in pixels, such as 1920x1080")
    return int(match[1]), int(match[2])
