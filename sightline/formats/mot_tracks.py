"""Tracks as MOTChallenge text: `frame,id,left,top,width,height,score,-1,-1,-1`.

The text knows neither times, classes of results, nor frames without tracks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sightline.formats.mot import format_tracks, read_mot, read_sequence_info
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo, times_at_rate
from sightline.geometry import ltwh_to_xyxy
from sightline.structures import Tracks

__all__ = ["MOT_CLASS_NAMES", "MotSink", "read_mot_tracks"]

MOT_CLASS_NAMES = (
    "unknown",
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non-motorised vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on ground",
    "occluder full",
    "reflection",
    "crowd",
)
"""Names of the class numbers in MOT16, MOT17 and MOT20 ground truth."""


class MotSink(FileSink):
    """Writes a row as soon as its frame is done."""

    def _begin(self) -> None:
        pass

    def _add(self, index: int, time: float, tracks: Tracks) -> None:  # noqa: ARG002 - not in MOT
        self._file.write(format_tracks(index, tracks).encode())

    def _finish(self) -> None:
        pass


def read_mot_tracks(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Tracks, detections or ground truth of a MOT text.

    Size, rate and name come from a `seqinfo.ini` beside the file or in the folder above
    (`SEQ/gt/gt.txt`), where there is one. A result's class (-1) becomes 0; ground truth keeps
    its class numbers.

    Args:
        path: The text.
        info: Facts that the sequence's own do not name; times need the rate.

    Raises:
        InputError: The file is missing or not MOT text.
    """
    rows = read_mot(path)
    facts = _sequence_facts(path)
    if (rows.classes > 0).any():
        facts = VideoInfo(facts.source, facts.width, facts.height, facts.rate, MOT_CLASS_NAMES)
    facts = facts.completed_by(info)
    indices = np.unique(rows.frames) - 1
    boxes = rows.ltwh.copy()
    boxes[:, :2] -= 1
    return TrackTable.from_columns(
        facts,
        frame_indices=indices,
        frame_times=times_at_rate(indices, facts.rate),
        frames=rows.frames - 1,
        ids=rows.ids,
        boxes=ltwh_to_xyxy(boxes),
        scores=rows.confidences,
        classes=np.maximum(rows.classes, 0),
    )


def _sequence_facts(path: Path) -> VideoInfo:
    for folder in (path.parent, path.parent.parent):
        candidate = folder / "seqinfo.ini"
        if candidate.is_file():
            sequence = read_sequence_info(candidate)
            return VideoInfo(sequence.name, sequence.width, sequence.height, sequence.rate)
    return VideoInfo(source=path.stem)
