"""Tracks as "CVAT for video 1.1" XML, for correction by hand in CVAT.

CVAT wants boxes grouped by track, which are known only at the end: rows wait in a file without a
name and are sorted when the sink closes, so memory grows by 8 bytes a box. Every box is a
keyframe, so that CVAT interpolates nothing; a gap in a track begins with a box that is
`outside`, so that the track visibly ends there; a predicted box is `occluded`. A CVAT track has
one label: the class that the track had most often.
Format: CVAT's documentation, "XML annotation format", version 1.1.
"""

from __future__ import annotations

import re
import tempfile
import xml.etree.ElementTree as ET
from array import array
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.formats.sink import FileSink
from sightline.formats.table import TrackTable, VideoInfo, times_at_rate
from sightline.structures import Tracks

__all__ = ["CvatSink", "read_cvat"]

_ROW = np.dtype(
    [
        ("id", np.int64),
        ("frame", np.int64),
        ("box", np.float32, 4),
        ("score", np.float32),
        ("class", np.int32),
        ("predicted", np.bool_),
    ]
)
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class CvatSink(FileSink):
    """Collects rows outside memory and writes them by track at the end."""

    def __init__(self, path: Path, info: VideoInfo) -> None:
        super().__init__(path, info)
        self._rows = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 - closed in _release
        self._row_count = 0
        self._highest_class = -1
        self._frames = array("q")

    def _begin(self) -> None:
        pass

    def _add(self, index: int, time: float, tracks: Tracks) -> None:  # noqa: ARG002 - not in CVAT
        if (tracks.ids < 1).any():
            raise InputError(
                f"{self.path}: CVAT's video format holds tracks; frame {index} has a box with "
                f"the id {tracks.ids.min()}; write detections as mot, jsonl, coco or parquet"
            )
        self._frames.append(index)
        if not len(tracks):
            return
        rows = np.empty(len(tracks), _ROW)
        rows["id"] = tracks.ids
        rows["frame"] = index
        rows["box"] = tracks.boxes
        rows["score"] = tracks.scores
        rows["class"] = tracks.classes
        rows["predicted"] = tracks.detections < 0
        self._rows.write(rows.tobytes())
        self._row_count += len(tracks)
        self._highest_class = max(self._highest_class, int(tracks.classes.max()))

    def _finish(self) -> None:
        frames = np.asarray(self._frames, dtype=np.int64)
        self._write(_preamble(self.info, frames, self._highest_class + 1))
        if self._row_count:
            self._rows.flush()
            rows = np.memmap(self._rows, dtype=_ROW, mode="r", shape=(self._row_count,))
            # Rows came in the order of frames, and a stable sort keeps it.
            order = np.argsort(rows["id"], kind="stable")
            starts = np.flatnonzero(np.diff(rows["id"][order], prepend=0))
            for group in np.split(order, starts[1:]):
                self._write(_track(rows[group], frames, self.info))
        self._write("</annotations>\n")

    def _release(self) -> None:
        self._rows.close()
        super()._release()

    def _write(self, text: str) -> None:
        self._file.write(_NOT_XML.sub("\ufffd", text).encode())


def read_cvat(path: Path, info: VideoInfo | None = None) -> TrackTable:
    """Tracks of a "CVAT for video 1.1" file; boxes that are `outside` are left out.

    Only boxes that stand in the file are read: CVAT's export lists every frame, so nothing is
    interpolated. Frames run from the task's first to its last by its step; times are
    frame / rate, since the format has none. A score defaults to 1.

    Args:
        path: The file.
        info: Facts that the file does not name.

    Raises:
        InputError: The file is missing or not that XML.
    """
    reading = _Reading()
    try:
        with path.open("rb") as file:
            # S314: the expat of every supported Python bounds entity expansion itself.
            for event, element in ET.iterparse(file, events=("start", "end")):  # noqa: S314
                reading.take(event, element)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ET.ParseError, KeyError, ValueError) as error:
        raise InputError(
            f"{path}: not CVAT for video 1.1 XML ({type(error).__name__}: {error})"
        ) from error
    if reading.root != "annotations" or reading.images:
        raise InputError(
            f"{path}: not CVAT for video 1.1 XML (it holds "
            f"{'images' if reading.images else reading.root}); export the task as 'CVAT for video'"
        )
    return reading.table(info, path)


class _Reading:
    """The state of reading one file, element by element."""

    def __init__(self) -> None:
        self.root = ""
        self.images = False
        self._labels: list[str] = []
        self._meta: dict[str, str] = {}
        self._rows: list[tuple[int, int, tuple[float, ...], float, int, bool]] = []
        self._track: tuple[int, int] | None = None
        self._open: list[str] = []

    def take(self, event: str, element: ET.Element) -> None:
        tag = element.tag
        if event == "start":
            self.root = self.root or tag
            self._open.append(tag)
            self.images |= tag == "image"
            if tag == "track":
                self._track = (int(element.attrib["id"]), self._class(element.attrib["label"]))
            return
        self._open.pop()
        if tag == "name" and self._open[-1:] == ["label"]:
            self._class(element.text or "")
        elif "meta" in self._open and self._open[-1] in ("meta", "task", "original_size"):
            self._meta[tag] = element.text or ""
        elif tag == "box" and self._track is not None and element.attrib["outside"] != "1":
            self._rows.append(self._row(element))
        if tag in ("box", "track"):
            element.clear()

    def table(self, info: VideoInfo | None, path: Path) -> TrackTable:
        meta = self._meta
        facts = VideoInfo(
            meta.get("source") or path.name.removesuffix(".cvat.xml"),
            int(meta.get("width") or 0),
            int(meta.get("height") or 0),
            float(meta.get("frame_rate") or 0),
            tuple(self._labels),
        ).completed_by(info)
        frames = np.array([row[1] for row in self._rows], dtype=np.int64)
        step = int(meta.get("frame_filter", "").removeprefix("step=") or 1)
        start = int(meta.get("start_frame") or 0)
        stop = int(meta.get("stop_frame") or -1)
        indices = np.union1d(np.arange(start, stop + 1, step), frames)
        return TrackTable.from_columns(
            facts,
            frame_indices=indices,
            frame_times=times_at_rate(indices, facts.rate),
            frames=frames,
            ids=[row[0] for row in self._rows],
            boxes=[row[2] for row in self._rows],
            scores=[row[3] for row in self._rows],
            classes=[row[4] for row in self._rows],
            predicted=[row[5] for row in self._rows],
        )

    def _class(self, label: str) -> int:
        if label not in self._labels:
            self._labels.append(label)
        return self._labels.index(label)

    def _row(self, box: ET.Element) -> tuple[int, int, tuple[float, ...], float, int, bool]:
        assert self._track is not None
        identity, number = self._track
        score = 1.0
        for attribute in box.iter("attribute"):
            if attribute.attrib["name"] == "score":
                score = float(attribute.text or 1)
        return (
            identity,
            int(box.attrib["frame"]),
            tuple(float(box.attrib[side]) for side in ("xtl", "ytl", "xbr", "ybr")),
            score,
            number,
            box.attrib["occluded"] == "1",
        )


def _preamble(info: VideoInfo, frames: npt.NDArray[np.int64], class_count: int) -> str:
    first, last = (int(frames[0]), int(frames[-1])) if len(frames) else (0, -1)
    steps = np.unique(np.diff(frames))
    step = int(steps[0]) if len(steps) == 1 else 1
    labels = "".join(
        f"        <label><name>{escape(info.class_name(number))}</name><type>rectangle</type>"
        "<attributes><attribute><name>score</name><mutable>True</mutable>"
        "<input_type>text</input_type><default_value></default_value><values></values>"
        "</attribute></attributes></label>\n"
        for number in range(max(len(info.class_names), class_count))
    )
    return f"""<?xml version="1.0" encoding="utf-8"?>
<annotations>
  <version>1.1</version>
  <meta>
    <task>
      <name>{escape(info.source)}</name>
      <size>{len(range(first, last + 1, step))}</size>
      <mode>interpolation</mode>
      <overlap>0</overlap>
      <start_frame>{first}</start_frame>
      <stop_frame>{last}</stop_frame>
      <frame_filter>{f"step={step}" if step > 1 else ""}</frame_filter>
      <frame_rate>{info.rate!r}</frame_rate>
      <labels>
{labels}      </labels>
      <original_size>
        <width>{info.width}</width>
        <height>{info.height}</height>
      </original_size>
    </task>
    <source>{escape(info.source)}</source>
  </meta>
"""


def _track(rows: npt.NDArray[Any], frames: npt.NDArray[np.int64], info: VideoInfo) -> str:
    """One track's element; `frames` are those that were looked at."""
    label = info.class_name(int(np.bincount(rows["class"]).argmax()))
    places = np.searchsorted(frames, rows["frame"])
    ends = np.append(np.diff(places) > 1, places[-1] + 1 < len(frames))
    lines = [f'  <track id="{rows["id"][0]}" label={quoteattr(label)} source="auto">\n']
    for frame, box, score, predicted, place, ended in zip(
        rows["frame"].tolist(),
        rows["box"].tolist(),
        rows["score"].tolist(),
        rows["predicted"].tolist(),
        places.tolist(),
        ends.tolist(),
        strict=True,
    ):
        lines.append(_box(frame, box, score, outside=False, occluded=predicted))
        if ended:
            after = int(frames[place + 1])
            lines.append(_box(after, box, score, outside=True, occluded=False))
    lines.append("  </track>\n")
    return "".join(lines)


def _box(frame: int, box: list[float], score: float, *, outside: bool, occluded: bool) -> str:
    x1, y1, x2, y2 = box
    return (
        f'    <box frame="{frame}" outside="{outside:d}" occluded="{occluded:d}" keyframe="1" '
        f'xtl="{x1:.2f}" ytl="{y1:.2f}" xbr="{x2:.2f}" ybr="{y2:.2f}" z_order="0">'
        f'<attribute name="score">{score:.4f}</attribute></box>\n'
    )
