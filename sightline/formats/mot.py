"""MOTChallenge text: detections, tracks and ground truth, one comma-separated row a box.

    frame, id, left, top, width, height, confidence, class, visibility      (ground truth)
    frame, id, left, top, width, height, confidence, -1, -1, -1             (tracks)
    frame, -1, left, top, width, height, confidence                         (detections)

The text counts frames, left and top from 1; Sightline counts from 0. This module alone knows
that: `MotRows` holds the file's own numbers, the functions that make or take `Detections` and
`Tracks` convert. Format: Milan et al., "MOT16: A Benchmark for Multi-Object Tracking", 2016.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Detections, Tracks

__all__ = [
    "MotRows",
    "SequenceInfo",
    "format_detections",
    "format_tracks",
    "parse_mot",
    "parse_sequence_info",
    "read_affines",
    "read_mot",
    "read_sequence_info",
    "row_lines",
    "rows_to_detections",
]

_COLUMNS = 10
_REQUIRED = 6
_DEFAULTS: npt.NDArray[np.float64] = np.array([0, -1, 0, 0, 0, 0, 1, -1, -1, -1], dtype=float)


@dataclass(frozen=True, slots=True, eq=False)
class MotRows:
    """A MOT text as columns, with the numbers that stand in the file, in the file's order.

    Args:
        frames: (R,) int64 frame number, from 1.
        ids: (R,) int64, -1 in detections.
        ltwh: (R, 4) float64 left top width height; left and top count from 1.
        confidences: (R,) float64; in ground truth 0 marks a row to leave out; 1 if missing.
        classes: (R,) int64; -1 if missing.
        visibilities: (R,) float64; in ground truth the visible share; -1 if missing.
    """

    frames: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    ltwh: npt.NDArray[np.float64]
    confidences: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int64]
    visibilities: npt.NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: slice | npt.NDArray[Any]) -> MotRows:
        """The rows that a slice, a mask or an index array names."""
        return MotRows(
            self.frames[rows],
            self.ids[rows],
            self.ltwh[rows],
            self.confidences[rows],
            self.classes[rows],
            self.visibilities[rows],
        )


@dataclass(frozen=True, slots=True)
class SequenceInfo:
    """What `seqinfo.ini` says of a sequence.

    Args:
        name: Name of the sequence.
        length: Number of frames.
        rate: Frames per second.
        width: Width in pixels.
        height: Height in pixels.
        image_folder: Folder of the pictures, relative to the sequence.
        image_suffix: Suffix of the pictures.
    """

    name: str
    length: int
    rate: float
    width: int
    height: int
    image_folder: str = "img1"
    image_suffix: str = ".jpg"


def read_mot(source: Path | IO[bytes]) -> MotRows:
    """Read a MOT text; blank lines, CRLF and trailing commas are accepted.

    Args:
        source: A file or an open binary stream; an empty one gives no rows.

    Raises:
        InputError: The file is missing, or a row is not numbers, or not finite ones (names the
            line).
    """
    name = str(source) if isinstance(source, Path) else getattr(source, "name", "the text")
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
    except OSError as error:
        raise InputError(f"{name}: cannot be read: {error.strerror}") from error
    return parse_mot(data, name)


def parse_mot(data: bytes, name: str = "the text") -> MotRows:
    """The rows of a MOT text that is in memory.

    Args:
        data: The text; nothing but white space gives no rows.
        name: What errors call it.

    Raises:
        InputError: A row is not numbers, or not finite ones (names the line).
    """
    # Imported here: tracking writes MOT text and reads none, and saves these 27 MB.
    import pyarrow as pa
    import pyarrow.csv

    first = data.lstrip().partition(b"\n")[0]
    if not first:
        return _rows(np.empty((0, _COLUMNS)))
    columns = first.count(b",") + 1
    if columns < _REQUIRED:
        raise InputError(
            f"{name}: a MOT row has at least {_REQUIRED} columns (frame, id, left, top, width, "
            f"height); this file has {columns}"
        )
    names = [str(number) for number in range(columns)]
    try:
        table = pyarrow.csv.read_csv(
            pa.BufferReader(data),
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, column_names=names, block_size=len(data) + 1
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.float64()),
                include_columns=names[:_COLUMNS],
                null_values=[""],
            ),
        )
    except pa.ArrowInvalid as error:
        blanked = re.sub(rb"(?m)^[ \t]+(?=\r?$)", b"", data)
        if blanked != data:
            return parse_mot(blanked, name)
        raise InputError(_first_bad_line(data, name, columns) or f"{name}: {error}") from error
    values = np.empty((_COLUMNS, table.num_rows))
    values[:] = _DEFAULTS[:, None]
    bad = np.zeros(table.num_rows, np.bool_)
    for number, column in enumerate(table.columns):
        read = column.to_numpy()
        if column.null_count and number >= _REQUIRED:
            given = column.is_valid().to_numpy(zero_copy_only=False)
            values[number, given] = read[given]
        else:
            values[number] = read
        bad |= ~np.isfinite(values[number])
    if bad.any():
        line = int(row_lines(data)[np.argmax(bad)])
        raise InputError(
            f"{name}:{line}: a value is missing or not finite "
            f"({_line_text(data, line)}); a MOT row holds finite numbers"
        )
    if (values[:2] % 1).any():
        line = int(row_lines(data)[np.argmax((values[:2] % 1).any(axis=0))])
        raise InputError(
            f"{name}:{line}: the frame or the id is not a whole number ({_line_text(data, line)})"
        )
    return _rows(values.T)


def row_lines(data: bytes) -> npt.NDArray[np.int64]:
    """The line in the text, from 1, of each row that `parse_mot` gives."""
    return np.array(
        [number for number, line in enumerate(data.splitlines(), 1) if line.strip()],
        dtype=np.int64,
    )


def read_sequence_info(path: Path) -> SequenceInfo:
    """Read a `seqinfo.ini`.

    Raises:
        InputError: The file is missing or lacks a field.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_sequence_info(data, str(path), path.parent.name)


def parse_sequence_info(data: bytes, name: str, sequence: str) -> SequenceInfo:
    """The fields of a `seqinfo.ini` that is in memory.

    Args:
        data: The text.
        name: What errors call it.
        sequence: Name of the sequence where the text has none.

    Raises:
        InputError: The text is not a seqinfo.ini.
    """
    parser = configparser.ConfigParser()
    try:
        parser.read_string(data.decode("utf-8-sig"))
        section = parser["Sequence"]
        return SequenceInfo(
            name=section.get("name", sequence),
            length=section.getint("seqLength", 0),
            rate=section.getfloat("frameRate", 0.0),
            width=section.getint("imWidth", 0),
            height=section.getint("imHeight", 0),
            image_folder=section.get("imDir", "img1"),
            image_suffix=section.get("imExt", ".jpg"),
        )
    except (configparser.Error, KeyError, ValueError) as error:
        raise InputError(f"{name}: not a seqinfo.ini: {error}") from error


def rows_to_detections(rows: MotRows) -> dict[int, Detections]:
    """Detections of each frame that has any, by frame index from 0.

    Confidences outside [0, 1] (margins of old detectors) are clipped; class -1 becomes 0.
    Within a frame the order of the file is kept.
    """
    order = np.argsort(rows.frames, kind="stable")
    frames = rows.frames[order]
    boxes = rows.ltwh[order]
    boxes[:, :2] -= 1
    boxes[:, 2:] += boxes[:, :2]
    scores = np.clip(rows.confidences[order], 0, 1)
    classes = np.maximum(rows.classes[order], 0)
    starts = np.flatnonzero(np.diff(frames, prepend=-1))
    stops = np.append(starts[1:], len(frames))
    return {
        int(frames[start]) - 1: Detections(
            boxes[start:stop], scores[start:stop], classes[start:stop]
        )
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
    }


def format_tracks(index: int, tracks: Tracks) -> str:
    """MOT text of one frame's tracks, a line each.

    Args:
        index: Frame index from 0.
        tracks: The tracks of that frame.
    """
    lines = []
    for identity, (x1, y1, x2, y2), score in zip(
        tracks.ids.tolist(), tracks.boxes.tolist(), tracks.scores.tolist(), strict=True
    ):
        lines.append(
            f"{index + 1},{identity},{x1 + 1:.2f},{y1 + 1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},"
            f"{score:.4f},-1,-1,-1\n"
        )
    return "".join(lines)


def format_detections(index: int, detections: Detections) -> str:
    """MOT text of one frame's detections, a line each; id and class are -1.

    Args:
        index: Frame index from 0.
        detections: The detections of that frame.
    """
    return "".join(
        f"{index + 1},-1,{x1 + 1:.2f},{y1 + 1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{score:.4f}\n"
        for (x1, y1, x2, y2), score in zip(
            detections.boxes.tolist(), detections.scores.tolist(), strict=True
        )
    )


def read_affines(path: Path) -> Mapping[int, npt.NDArray[np.float64]]:
    """Camera motion of a sequence: `index a11 a12 tx a21 a22 ty`, separated by white space.

    Returns:
        By frame index from 0, the (2, 3) affine that maps the previous frame's pixels to
        this frame's.

    Raises:
        InputError: The file is missing or a row does not hold seven finite numbers.
    """
    try:
        table = np.loadtxt(path, ndmin=2)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise InputError(f"{path}: not a camera-motion file: {error}") from error
    if table.shape[1] != 7 or not np.isfinite(table).all():
        raise InputError(f"{path}: a row holds an index and six finite numbers of an affine")
    return {int(row[0]): row[1:].reshape(2, 3) for row in table}


def _first_bad_line(data: bytes, name: str, columns: int) -> str:
    for number, line in enumerate(data.splitlines(), 1):
        if not line.strip():
            continue
        values = line.split(b",")
        if len(values) != columns:
            return (
                f"{name}:{number}: {len(values)} columns where the first row has {columns} "
                f"({_line_text(data, number)})"
            )
        for value in values:
            try:
                float(value.strip() or b"0")
            except ValueError:
                return (
                    f"{name}:{number}: {value.decode(errors='replace')!r} is not a number "
                    f"({_line_text(data, number)})"
                )
    return ""


def _line_text(data: bytes, number: int) -> str:
    text = data.splitlines()[number - 1].decode(errors="replace").strip()
    return text if len(text) <= 60 else text[:57] + "…"


def _rows(values: npt.NDArray[np.float64]) -> MotRows:
    return MotRows(
        frames=values[:, 0].astype(np.int64),
        ids=values[:, 1].astype(np.int64),
        ltwh=np.ascontiguousarray(values[:, 2:6]),
        confidences=values[:, 6].copy(),
        classes=values[:, 7].astype(np.int64),
        visibilities=values[:, 8].copy(),
    )
