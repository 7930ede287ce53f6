"""The formats by name: which suffix a file has, who writes it, who reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo

__all__ = ["FORMATS", "format_of", "open_sink", "read_tracks", "write_tracks"]

FORMATS = {
    "mot": ".txt",
    "jsonl": ".jsonl",
    "csv": ".csv",
    "coco": ".coco.json",
    "cvat": ".cvat.xml",
    "parquet": ".parquet",
}
"""Suffix of each format's files, which follows the name of the source."""

# What files of others are usually called.
_OTHER_SUFFIXES = {".json": "coco", ".xml": "cvat"}


def open_sink(
    format: str,  # noqa: A002 - the command line's word
    path: Path,
    *,
    source: str = "",
    width: int = 0,
    height: int = 0,
    rate: float = 0.0,
    class_names: Sequence[str] = (),
) -> FileSink:
    """Open a file of tracks for writing.

    Args:
        format: A name of `FORMATS`.
        path: The file; it appears, or replaces the one that is there, when the sink closes.
        source: Name of the source.
        width: Width of the picture in pixels; 0 takes it from the first frame.
        height: Height of the picture in pixels; 0 takes it from the first frame.
        rate: Nominal frames per second, 0 where unknown.
        class_names: Name of each class index.

    Raises:
        InputError: There is no such format.
        OSError: The file cannot be written.
    """
    info = VideoInfo(source, width, height, rate, tuple(class_names))
    match format:
        case "mot":
            from sightline.formats.mot_tracks import MotSink

            return MotSink(path, info)
        case "jsonl":
            from sightline.formats.jsonl import JsonLinesSink

            return JsonLinesSink(path, info)
        case "csv":
            from sightline.formats.csv_table import CsvSink

            return CsvSink(path, info)
        case "coco":
            from sightline.formats.coco import CocoSink

            return CocoSink(path, info)
        case "cvat":
            from sightline.formats.cvat import CvatSink

            return CvatSink(path, info)
        case "parquet":
            from sightline.formats.parquet import ParquetSink

            return ParquetSink(path, info)
    raise _unknown(format)


def read_tracks(
    path: Path,
    format: str | None = None,  # noqa: A002 - the command line's word
    *,
    info: VideoInfo | None = None,
) -> TrackTable:
    """Read a file of tracks.

    Args:
        path: The file.
        format: A name of `FORMATS`; None goes by the file's suffix.
        info: The video's facts where the file does not name them.

    Raises:
        InputError: The format is unknown, or the file is missing or not of that format.
    """
    name = format_of(path) if format is None else format
    match name:
        case "mot":
            from sightline.formats.mot_tracks import read_mot_tracks

            return read_mot_tracks(path, info)
        case "jsonl":
            from sightline.formats.jsonl import read_json_lines

            return read_json_lines(path, info)
        case "csv":
            from sightline.formats.csv_table import read_csv

            return read_csv(path, info)
        case "coco":
            from sightline.formats.coco import read_coco

            return read_coco(path, info)
        case "cvat":
            from sightline.formats.cvat import read_cvat

            return read_cvat(path, info)
        case "parquet":
            from sightline.formats.parquet import read_parquet

            return read_parquet(path, info)
    raise _unknown(name)


def write_tracks(
    table: TrackTable,
    path: Path,
    format: str | None = None,  # noqa: A002 - the command line's word
) -> None:
    """Write a table as a file of tracks.

    Args:
        table: The tracks.
        path: The file; replaced if it exists.
        format: A name of `FORMATS`; None goes by the file's suffix.

    Raises:
        InputError: The format is unknown, or cannot hold the table.
        OSError: The file cannot be written.
    """
    info = table.info
    with open_sink(
        format_of(path) if format is None else format,
        path,
        source=info.source,
        width=info.width,
        height=info.height,
        rate=info.rate,
        class_names=info.class_names,
    ) as sink:
        for index, time, tracks in table.by_frame():
            sink.write_tracks(index, time, tracks)


def format_of(path: Path) -> str:
    """The format that a file's suffix names.

    Raises:
        InputError: The suffix is of no format.

    Example:
        >>> format_of(Path("street.cvat.xml"))
        'cvat'
    """
    for name, suffix in FORMATS.items():
        if path.name.endswith(suffix):
            return name
    if path.suffix in _OTHER_SUFFIXES:
        return _OTHER_SUFFIXES[path.suffix]
    raise InputError(
        f"{path}: the suffix names no format; use {', '.join(FORMATS.values())}, or name the format"
    )


def _unknown(name: str) -> InputError:
    return InputError(f"unknown format {name!r}; choose from {', '.join(FORMATS)}")
