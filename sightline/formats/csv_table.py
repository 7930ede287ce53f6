"""Tracks as CSV: a row a box under a line of column names, for spreadsheets.

    frame,time,id,x1,y1,x2,y2,score,class,class_name,predicted

Numbers are the shortest text that gives the same float32 again. Frames count from 0; those
without tracks have no row, and the video's facts are not in it.
"""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo
from sightline.structures import Tracks

__all__ = ["CsvSink", "read_csv"]

_COLUMNS = (
    *("frame", "time", "id", "x1", "y1", "x2", "y2", "score", "class", "class_name", "predicted"),
)
_NEEDED = ("frame", "id", "x1", "y1", "x2", "y2")
# What a spreadsheet would take for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class CsvSink(FileSink):
    """Writes a row as soon as its frame is done."""

    def _begin(self) -> None:
        self._write([_COLUMNS])

    def _add(self, index: int, time: float, tracks: Tracks) -> None:
        stamp = "" if math.isnan(time) else repr(float(time))
        self._write(
            [
                (index, stamp, identity, *box, score, label, self._name(label), int(detection < 0))
                for identity, box, score, label, detection in zip(
                    tracks.ids.tolist(),
                    tracks.boxes.astype(np.str_).tolist(),
                    tracks.scores.astype(np.str_).tolist(),
                    tracks.classes.tolist(),
                    tracks.detections.tolist(),
                    strict=True,
                )
            ]
        )

    def _finish(self) -> None:
        pass

    def _name(self, label: int) -> str:
        name = self.info.class_name(label)
        return f"'{name}" if name.startswith(_FORMULA) else name

    def _write(self, rows: list[tuple[object, ...]]) -> None:
        text = io.StringIO(newline="")
        csv.writer(text, lineterminator="\n").writerows(rows)
        self._file.write(text.getvalue().encode())


def read_csv(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Tracks of a CSV table.

    Tables of others need the columns frame, id, x1, y1, x2 and y2; time, score, class and
    predicted are taken where they are there.

    Args:
        path: The file.
        info: The video's facts, which the file does not name.

    Raises:
        InputError: The file is missing, lacks a column, or holds what is no number (names the
            line).
    """
    number = 1
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.DictReader(lines)
            _check_columns(path, list(reader.fieldnames or ()))
            rows = []
            for row in reader:
                number = reader.line_num
                rows.append(_parse(row))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, csv.Error) as error:
        raise InputError(f"{path}:{number}: not a row of tracks ({error})") from error
    frames = [int(row[0]) for row in rows]
    times = dict(zip(frames, (row[1] for row in rows), strict=True))
    return TrackTable.from_columns(
        VideoInfo(source=path.stem).completed_by(info),
        frame_indices=sorted(times),
        frame_times=[times[frame] for frame in sorted(times)],
        frames=frames,
        ids=[int(row[2]) for row in rows],
        boxes=np.array([row[3:7] for row in rows], np.float32).reshape(-1, 4),
        scores=[row[7] for row in rows],
        classes=[int(row[8]) for row in rows],
        predicted=[bool(row[9]) for row in rows],
    )


def _check_columns(path: Path, found: list[str]) -> None:
    missing = [name for name in _NEEDED if name not in found]
    if missing:
        raise InputError(
            f"{path}: no column {', '.join(missing)} in its first line; a table of tracks has "
            f"{', '.join(_NEEDED)} (for MOTChallenge rows, name the format mot)"
        )


def _parse(row: dict[str, str]) -> tuple[float, ...]:
    return (
        int(row["frame"]),
        float(row.get("time") or math.nan),
        int(row["id"]),
        *(float(row[name]) for name in ("x1", "y1", "x2", "y2")),
        float(row.get("score") or 1),
        int(row.get("class") or 0),
        int(row.get("predicted") or 0),
    )
