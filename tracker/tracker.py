"""The tracker that callers hold: checks what comes in, calls the step, wraps the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigError, InputError
from sightline.structures import Detections, Tracks
from sightline.tracker.parameters import check_parameters, pack_parameters
from sightline.tracker.presets import read_preset
from sightline.tracker.snapshot import Snapshot, read_snapshot, write_snapshot
from sightline.tracker.stages import stage_table
from sightline.tracker.state import REPORT, STREAM, TRACK
from sightline.tracker.step import step

__all__ = ["Statistics", "Tracker"]

_FIRST_CAPACITY = 64
_LABELS = 4096
"""Labels that a table of groups covers; larger ones are groups of their own."""
_NO_MOTION = np.empty((0, 3))
_NO_EMBEDDINGS = np.empty((0, 0), np.float32)


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a tracker did since it was made or reset.

    Args:
        updates: Calls of `update` that succeeded.
        tracks: Tracks that are remembered now, lost ones too.
        births: Tracks that were started.
        deaths: Tracks that ended.
        dropped_rows: Detections left out because their numbers could not be used.
        refused_births: Tracks not started because `max_tracks` was reached.
    """

    updates: int
    tracks: int
    births: int
    deaths: int
    dropped_rows: int
    refused_births: int


class Tracker:
    """Gives detections identities over time; one tracker a camera.

    Args:
        preset: Name of a preset or path of a YAML file.
        class_groups: For `class_mode="grouped"`: groups of classes that may turn into each other
            (car and truck, say); a class in no group matches only itself.
        overrides: Parameters (`sightline.tracker.PARAMETERS`) that replace the preset's.

    Raises:
        ConfigError: The preset or a parameter is unknown, or a value is outside its range.

    Example:
        >>> tracker = Tracker("sort", confirm_hits=1)
        >>> seen = Detections([[0, 0, 10, 20]], [0.9], [0])
        >>> [tracker.update(seen).ids.tolist() for _ in range(3)]
        [[1], [1], [1]]
    """

    def __init__(
        self,
        preset: str | Path = "sightline",
        *,
        class_groups: Sequence[Sequence[int]] = (),
        **overrides: Any,
    ) -> None:
        self.preset = preset
        self.class_groups = tuple(tuple(int(label) for label in group) for group in class_groups)
        self.parameters = check_parameters({**read_preset(preset), **overrides})
        self._packed = pack_parameters(self.parameters)
        self._stages = stage_table(self.parameters)
        self._groups = _group_table(str(self.parameters["class_mode"]), self.class_groups)
        self._frame_seconds = float(self.parameters["frame_seconds"])
        self._uses_motion = self.parameters["camera_motion"] > 0  # type: ignore[operator]
        self._max_tracks = int(self.parameters["max_tracks"])
        self.reset()
        # The first call loads the compiled step, or compiles it once for this machine.
        self.update(Detections.empty())
        self.reset()

    def reset(self) -> None:
        """Forget everything; ids start from 1 again."""
        self._time = -math.inf
        self._stream = np.zeros(1, STREAM)
        self._tracks = np.zeros(min(_FIRST_CAPACITY, self._max_tracks), TRACK)
        self._appearance = _NO_EMBEDDINGS
        self._gallery = np.empty((0, 0, 0), np.float32)
        self._owners = np.zeros(0, np.int64)

    @property
    def statistics(self) -> Statistics:
        """Counters since the start or the last reset."""
        row = self._stream[0]
        return Statistics(
            updates=int(row["updates"]),
            tracks=int(row["count"]),
            births=int(row["births"]),
            deaths=int(row["deaths"]),
            dropped_rows=int(row["dropped_rows"]),
            refused_births=int(row["refused_births"]),
        )

    def update(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> Tracks:
        """Take one frame's detections and say which track each belongs to.

        Args:
            detections: What was seen, in any order; the arrays are left as they are. Rows that
                are not finite, have no area or a score outside [0, 1] are dropped and counted.
            time: Stream time in seconds; None means one nominal frame after the last update.
            camera_motion: (2, 3) affine from the previous update's pixels to this one's.

        Returns:
            The confirmed tracks by ascending id: those seen now, and those whose predicted box
            is reported for `coast_patience` seconds (their `detections` is -1).

        Raises:
            InputError: Time goes backwards or is not finite, the affine cannot be used, there
                are more detections than `max_tracks`, or the embeddings' length changed. The
                tracker is then as it was before the call.
        """
        if time is None:
            time = self._time + self._frame_seconds if self._time > -math.inf else 0.0
        elif not self._time <= time < math.inf:
            raise InputError(
                f"stream time is finite and never goes backwards; got {time} after {self._time}; "
                "call reset() where a new stream begins"
            )
        motion = _NO_MOTION
        if camera_motion is not None:
            checked = _checked_motion(camera_motion)
            motion = checked if self._uses_motion else _NO_MOTION
        boxes, scores, labels = detections.boxes, detections.scores, detections.classes
        if not (boxes.flags.carray and scores.flags.carray and labels.flags.carray):
            boxes, scores, labels = boxes.copy(), scores.copy(), labels.copy()
        rows = len(boxes)
        stream = self._stream
        count = int(stream["count"][0])
        if detections.embeddings is None:
            embeddings = _NO_EMBEDDINGS
        else:
            embeddings = self._checked_embeddings(detections.embeddings)
        if count + rows > len(self._tracks):
            self._grow(count, rows)
        out = np.empty(count + rows, REPORT)
        reported = step(
            self._tracks, stream, self._appearance, self._gallery, self._owners,
            self._packed, self._stages, self._groups,
            boxes, scores, labels, embeddings, time, motion, out,
        )  # fmt: skip
        self._time = time
        out = out[:reported]
        return Tracks(
            out["id"], out["box"], out["score"], out["label"], out["detection"], out["age"],
            out["hits"], time,
        )  # fmt: skip

    def save(self) -> bytes:
        """The whole state, from which `load` continues bit for bit."""
        return write_snapshot(
            Snapshot(
                preset=str(self.preset),
                class_groups=self.class_groups,
                parameters=self.parameters,
                time=self._time,
                stream=self._stream,
                tracks=self._tracks,
                appearance=self._appearance,
                gallery=self._gallery,
                owners=self._owners,
            )
        )

    @classmethod
    def load(cls, data: bytes) -> Tracker:
        """A tracker that continues where `save` was called.

        Raises:
            StateError: The bytes are damaged, or were saved by another version of the format.
        """
        snapshot = read_snapshot(data)
        tracker = cls("sightline", class_groups=snapshot.class_groups, **snapshot.parameters)
        tracker.preset = snapshot.preset
        tracker._time = snapshot.time
        tracker._stream = snapshot.stream
        tracker._tracks = snapshot.tracks
        tracker._appearance = snapshot.appearance
        tracker._gallery = snapshot.gallery
        tracker._owners = snapshot.owners
        return tracker

    def _checked_embeddings(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The embeddings, with stores for them; the first ones set the length for all."""
        length = embeddings.shape[1]
        known = self._appearance.shape[1]
        if known == 0 and length > 0:
            slots = len(self._tracks)
            self._appearance = np.zeros((slots, length), np.float32)
            gallery = int(self.parameters["gallery_size"])
            self._gallery = np.zeros((slots, gallery, length), np.float32)
            self._owners = np.zeros(slots, np.int64)
            self._tracks["slot"] = -1
        elif length != known:
            raise InputError(
                f"embeddings keep their length until reset(); got {length} after {known}"
            )
        return embeddings if embeddings.flags.carray else embeddings.copy()

    def _grow(self, count: int, rows: int) -> None:
        """Make room for as many births as there are detections."""
        if rows > self._max_tracks:
            raise InputError(
                f"{rows} detections in one update, but max_tracks is {self._max_tracks}; raise "
                "the detector's score threshold, or max_tracks"
            )
        wanted = min(max(2 * len(self._tracks), count + rows), self._max_tracks)
        self._tracks = _extended(self._tracks, wanted)
        if self._appearance.shape[1] > 0:
            self._appearance = _extended(self._appearance, wanted)
            self._gallery = _extended(self._gallery, wanted)
            self._owners = _extended(self._owners, wanted)


def _extended(array: npt.NDArray[Any], rows: int) -> npt.NDArray[Any]:
    larger = np.zeros((rows, *array.shape[1:]), array.dtype)
    larger[: len(array)] = array
    return larger


def _checked_motion(motion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    affine = np.array(motion, dtype=np.float64)
    if affine.shape != (2, 3) or not np.isfinite(affine).all():
        raise InputError(f"camera motion is a (2, 3) affine of finite numbers; got {motion!r}")
    if abs(affine[0, 0] * affine[1, 1] - affine[0, 1] * affine[1, 0]) < 1e-6:
        raise InputError(f"camera motion that flattens the picture cannot be used; got {motion!r}")
    return affine


def _group_table(mode: str, groups: Sequence[Sequence[int]]) -> npt.NDArray[np.int64]:
    """(L,) group of each label; empty where every class may match every other."""
    if mode == "off":
        return np.empty(0, np.int64)
    table = np.arange(_LABELS)
    if mode == "grouped":
        for group in groups:
            for label in group:
                if not 0 <= label < _LABELS:
                    raise ConfigError(f"class_groups hold labels from 0 to 4095; got {label}")
                table[label] = min(group)
    return table
