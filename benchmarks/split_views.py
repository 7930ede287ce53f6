"""Two cameras cut out of one clip: what the service would store of each, and of the whole.

The left and the right part of the picture with a gap between them are two cameras whose people
walk from one to the other; whoever is followed in the whole picture tells who is who.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sightline.detector import Detector
from sightline.formats.mot import MotRows
from sightline.reid import Embedder
from sightline.reid.choices import embedder_name
from sightline.reid.exemplars import choose_exemplars
from sightline.service.config import Tracker as TrackerConfig
from sightline.service.engine.messages import TrackRecord
from sightline.service.engine.tracking import Identification, StreamTracking
from sightline.service.rules import Scene
from sightline.structures import Frame
from sightline.video import open_source

__all__ = [
    "LEFT",
    "RIGHT",
    "WHOLE",
    "Watched",
    "Watching",
    "view_span",
    "watch",
    "watch_perfectly",
]

LEFT, RIGHT, WHOLE = "left", "right", "whole"


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What a camera's stream leaves behind.

    Args:
        records: Its tracks as the service stores them, the last record of each.
        rows: All boxes, in pixels of the whole clip and frames from 1.
        size: Width and height of the whole clip.
        rate: Frames a second.
    """

    records: list[TrackRecord]
    rows: MotRows
    size: tuple[int, int]
    rate: float


@dataclass(frozen=True, slots=True)
class Watching:
    """How clips are watched.

    Args:
        model: Detector.
        size: Height and width of the network's input for the whole picture; None is its own.
        reid: Embedder.
        high_score: Detections from here up are matched first.
        birth_score: Detections from here up begin tracks.
    """

    model: str
    size: int | None = None
    reid: str = "sightline-reid"
    high_score: float | None = None
    birth_score: float | None = None

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the tracker that differ from the preset's."""
        given = {"high_score": self.high_score, "birth_score": self.birth_score}
        return {name: value for name, value in given.items() if value is not None}


def view_span(view: str, width: int, gap: float) -> tuple[int, int]:
    """First and last column, half-open, of a view of a picture.

    Args:
        view: `LEFT`, `RIGHT` or `WHOLE`.
        width: Width of the picture.
        gap: Share of the width between left and right that no camera sees.
    """
    inner = round(width * (1 - gap) / 2)
    spans = {LEFT: (0, inner), RIGHT: (width - inner, width), WHOLE: (0, width)}
    return spans[view]


def watch(clip: Path, view: str, gap: float, how: Watching, cache: Path | None = None) -> Watched:
    """Track one view of a clip as the service does.

    Args:
        clip: Video file.
        view: `LEFT`, `RIGHT` or `WHOLE`.
        gap: As in `view_span`.
        how: Networks and parameters.
        cache: Folder in which results are kept, or None.
    """
    width = "" if view == WHOLE else f"-{gap:g}"
    scores = f"{how.high_score}-{how.birth_score}"
    network = f"{Path(how.model).stem}-{how.size or 0}-{Path(how.reid).stem}-{scores}"
    name = f"{clip.stem}-{view}{width}-{network}"
    return _kept(cache, name, lambda: _watch(clip, view, gap, how))


def watch_perfectly(
    clip: Path, view: str, gap: float, truth: MotRows, reid: str, cache: Path | None = None
) -> Watched:
    """What `watch` gives where detector and tracker make no mistake: the ground truth's boxes.

    A track is somebody's stay in the view, as long as the middle of the box is in it.
    """
    return _kept(
        cache,
        f"{clip.stem}-{view}-{gap:g}-truth",
        lambda: _watch_perfectly(clip, view, gap, truth, reid),
    )


def _watch_perfectly(clip: Path, view: str, gap: float, truth: MotRows, reid: str) -> Watched:
    source = open_source(str(clip))
    first, last = view_span(view, source.width, gap)
    stays = _stays(truth, first, last, source.rate)
    looks: dict[int, list[npt.NDArray[np.float32]]] = {}
    by_frame: dict[int, list[tuple[int, int]]] = {}
    for number, rows in stays.items():
        for row in rows[:: max(1, round(_LOOK_SECONDS * source.rate))]:
            by_frame.setdefault(int(truth.frames[row]) - 1, []).append((number, row))
    embedder = Embedder(reid, "cpu", threads=1)
    for frame in _cut(source, first, last):
        for number, row in by_frame.get(frame.index, ()):
            box = _seen_box(truth, row, first, last)[None].astype(np.float32)
            looks.setdefault(number, []).append(embedder.embed(frame, box)[0])
    name = embedder_name(reid)
    records = []
    sides = np.array([last - first, source.height] * 2)
    for number, rows in stays.items():
        times = (truth.frames[rows] - 1) / source.rate
        boxes = np.array([_seen_box(truth, row, first, last) for row in rows]) / sides
        path = np.column_stack([times - times[0], boxes]).astype(np.float32)
        vectors = np.array(looks[number])
        chosen = vectors[choose_exemplars(vectors, np.linalg.norm(vectors, axis=1))]
        records.append(
            TrackRecord(
                *(view, number, "person", float(times[0]), float(times[-1]), True, path),
                chosen.astype(np.float16) if len(chosen) else None,
                name,
            )
        )
    rows = np.concatenate(list(stays.values()))
    numbers = np.repeat(list(stays), [len(own) for own in stays.values()])
    shown = truth[rows]
    tracks = MotRows(
        *(shown.frames, numbers, shown.ltwh),
        *(shown.confidences, shown.classes, shown.visibilities),
    )
    return Watched(records, tracks, (source.width, source.height), source.rate)


def _kept(cache: Path | None, name: str, make: Callable[[], Watched]) -> Watched:
    """What a folder keeps under a name, made where it does not."""
    if cache is None:
        return make()
    file = cache / f"{name}.pickle"
    if file.is_file():
        known: Watched = pickle.loads(file.read_bytes())
        return known
    result = make()
    cache.mkdir(parents=True, exist_ok=True)
    file.write_bytes(pickle.dumps(result))
    return result


_LOOK_SECONDS = 0.4


def _stays(truth: MotRows, first: int, last: int, rate: float) -> dict[int, npt.NDArray[np.int64]]:
    """Rows of each stay in a view, by a number of its own."""
    middle = truth.ltwh[:, 0] - 1 + truth.ltwh[:, 2] / 2
    inside = (middle >= first) & (middle < last)
    stays: dict[int, npt.NDArray[np.int64]] = {}
    for identity in np.unique(truth.ids).tolist():
        rows = np.flatnonzero(inside & (truth.ids == identity))
        rows = rows[np.argsort(truth.frames[rows], kind="stable")]
        breaks = np.flatnonzero(np.diff(truth.frames[rows]) > rate) + 1
        for part in np.split(rows, breaks):
            if len(part):
                stays[len(stays) + 1] = part
    return stays


def _seen_box(truth: MotRows, row: int, first: int, last: int) -> npt.NDArray[np.float64]:
    """x1 y1 x2 y2 in pixels of the view."""
    left, top, width, height = truth.ltwh[row] - np.array([1, 1, 0, 0])
    ends = np.clip([left, left + width], first, last) - first
    return np.array([ends[0], top, ends[1], top + height])


def _watch(clip: Path, view: str, gap: float, how: Watching) -> Watched:
    detector = Detector(
        how.model, "cpu", confidence=0.1, classes=["person"], size=how.size, threads=1
    )
    embedder = Embedder(how.reid, "cpu", threads=1)
    tracking = StreamTracking(
        view,
        Scene(),
        Identification(
            TrackerConfig(reid=how.reid, parameters=how.parameters),
            detector.class_names,
            embedder,
            embedder_name(how.reid),
        ),
    )
    source = open_source(str(clip))
    first, last = view_span(view, source.width, gap)
    records: dict[int, TrackRecord] = {}
    boxes = [np.empty((0, 6))]
    for frame in _cut(source, first, last):
        outcome = tracking.update(frame, detector.detect([frame])[0])
        records |= {record.number: record for record in outcome.records}
        tracks = outcome.tracks
        corners = tracks.boxes + np.array([first, 0, first, 0])
        number = np.full(len(tracks), frame.index + 1)
        boxes.append(np.column_stack([number, tracks.ids, corners]))
    records |= {record.number: record for record in tracking.finish().records}
    size = (source.width, source.height)
    return Watched(list(records.values()), _as_rows(np.concatenate(boxes)), size, source.rate)


def _cut(source: object, first: int, last: int) -> Iterator[Frame]:
    for frame in source:  # type: ignore[attr-defined]
        image = np.ascontiguousarray(frame.image[:, first:last])
        yield Frame(image, frame.index, frame.time, frame.time, frame.source)


def _as_rows(values: npt.NDArray[np.float64]) -> MotRows:
    frames, ids = values[:, :2].astype(np.int64).T
    ltwh = np.column_stack([values[:, 2:4] + 1, values[:, 4:] - values[:, 2:4]])
    ones = np.ones(len(values))
    return MotRows(frames, ids, ltwh, ones, ones.astype(np.int64), ones)
