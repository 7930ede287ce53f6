"""Tracks as JSON lines: the video's facts first, then a line a frame. Loses nothing.

    {"format": "sightline-tracks", "version": 1, "source": "street", "width": 1280, …}
    {"frame": 0, "time": 0.0, "tracks": [{"id": 1, "box": [x1, y1, x2, y2], "score": 0.9, …}]}

Numbers are the shortest text that gives the same float32 again.
"""

from __future__ import annotations

import json
import math
from array import array
from pathlib import Path
from typing import Any

import numpy as np

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo
from sightline.structures import Tracks

__all__ = ["JsonLinesSink", "read_json_lines"]

_FORMAT = "sightline-tracks"
_VERSION = 1


class JsonLinesSink(FileSink):
    """Writes a line as soon as its frame is done."""

    def _begin(self) -> None:
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "source": self.info.source,
            "width": self.info.width,
            "height": self.info.height,
            "rate": self.info.rate,
            "class_names": self.info.class_names,
        }
        self._file.write(f"{json.dumps(header)}\n".encode())
        self._names: dict[int, str] = {}

    def _add(self, index: int, time: float, tracks: Tracks) -> None:
        boxes = tracks.boxes.astype(np.str_).tolist()
        rows = [
            f'{{"id": {identity}, "box": [{", ".join(box)}], "score": {score}, "class": {number}, '
            f'"class_name": {self._class_name(number)}, "predicted": {_json(detection < 0)}}}'
            for identity, box, score, number, detection in zip(
                tracks.ids.tolist(),
                boxes,
                tracks.scores.astype(np.str_).tolist(),
                tracks.classes.tolist(),
                tracks.detections.tolist(),
                strict=True,
            )
        ]
        stamp = "null" if math.isnan(time) else repr(float(time))
        line = f'{{"frame": {index}, "time": {stamp}, "tracks": [{", ".join(rows)}]}}\n'
        self._file.write(line.encode())

    def _finish(self) -> None:
        pass

    def _class_name(self, number: int) -> str:
        if number not in self._names:
            self._names[number] = json.dumps(self.info.class_name(number))
        return self._names[number]


def read_json_lines(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Read what `JsonLinesSink` wrote.

    Args:
        path: The file.
        info: Facts that the file's first line does not name.

    Raises:
        InputError: The file is missing or a line is not what the format says (names the line).
    """
    facts = VideoInfo()
    indices, times = array("q"), array("d")
    columns = {name: array(code) for name, code in _COLUMNS.items()}
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                record = json.loads(line)
                if number == 1:
                    facts = _facts(record)
                    continue
                indices.append(record["frame"])
                times.append(math.nan if record["time"] is None else record["time"])
                for track in record["tracks"]:
                    _append(columns, record["frame"], track)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}:{number}: not Sightline's JSON lines ({type(error).__name__}: {error}); "
            "see docs/formats.md"
        ) from error
    return TrackTable.from_columns(
        facts.completed_by(info),
        frame_indices=indices,
        frame_times=times,
        frames=columns["frame"],
        ids=columns["id"],
        boxes=np.asarray(columns["box"]).reshape(-1, 4),
        scores=columns["score"],
        classes=columns["class"],
        predicted=columns["predicted"],
    )


_COLUMNS = {"frame": "q", "id": "q", "box": "f", "score": "f", "class": "q", "predicted": "b"}


def _append(columns: dict[str, array[Any]], frame: int, track: dict[str, Any]) -> None:
    x1, y1, x2, y2 = track["box"]
    columns["frame"].append(frame)
    columns["id"].append(track["id"])
    columns["box"].extend((x1, y1, x2, y2))
    columns["score"].append(track["score"])
    columns["class"].append(track["class"])
    columns["predicted"].append(track["predicted"])


def _facts(header: dict[str, Any]) -> VideoInfo:
    if header.get("format") != _FORMAT or header.get("version") != _VERSION:
        raise ValueError(f"the first line names format {_FORMAT}, version {_VERSION}")
    return VideoInfo(
        str(header["source"]),
        int(header["width"]),
        int(header["height"]),
        float(header["rate"]),
        tuple(header["class_names"]),
    )


def _json(value: bool) -> str:
    return "true" if value else "false"
