"""The tracker that callers hold: checks what comes in, calls the step, wraps the result."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import ConfigError, InputError, StateError
from sightline.structures import Detections, Tracks
from sightline.tracker.demand import urgencies
from sightline.tracker.parameters import applied_parameters, check_parameters, pack_parameters
from sightline.tracker.presets import read_preset
from sightline.tracker.snapshot import Snapshot, read_snapshot, write_snapshot
from sightline.tracker.stages import stage_table
from sightline.tracker.state import REPORT, STREAM, TRACK
from sightline.tracker.step import step

__all__ = ["Embeddings", "Statistics", "Tracker"]

Embeddings = dict[int, npt.NDArray[np.float32]]
"""(K, D) exemplars by track id."""

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
        applied = applied_parameters(self.parameters)
        self._packed = pack_parameters(applied)
        self._stages = stage_table(applied)
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
        self._appearance = np.empty((0, 3, 0), np.float32)
        self._gallery = np.empty((0, 0, 0), np.float32)
        self._owners = np.zeros(0, np.int64)

    def reserve(self, last: int) -> None:
        """Never give the ids up to `last`, until the next reset: another tracker gave them."""
        self._stream["last_id"] = np.maximum(self._stream["last_id"], last)

    @property
    def ids(self) -> npt.NDArray[np.int64]:
        """(T,) ids of the tracks that are remembered, lost and unconfirmed ones too."""
        known: npt.NDArray[np.int64] = self._tracks["id"][: int(self._stream["count"][0])].copy()
        return known

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
        time = self._next_time(time)
        motion = self._usable_motion(camera_motion)
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

    def wanted_embeddings(
        self,
        detections: Detections,
        *,
        time: float | None = None,
        camera_motion: npt.NDArray[np.float64] | None = None,
    ) -> npt.NDArray[np.int64]:
        """Which detections of the next update need an embedding; asking changes nothing.

        A person who is alone in sight and whose looks are fresh needs none. Those who are new,
        may be mistaken for somebody else, or have just parted from somebody come first.

        Args:
            detections: What will be given to `update`.
            time: As for `update`.
            camera_motion: As for `update`.

        Returns:
            (K,) rows of the detections, the most urgent first.

        Raises:
            InputError: As `update`.
        """
        time = self._next_time(time)
        motion = self._usable_motion(camera_motion)
        urgency = urgencies(
            self._tracks, self._stream, self._packed,
            detections.boxes.astype(np.float64), detections.scores.astype(np.float64),
            time, motion,
        )  # fmt: skip
        return np.argsort(-urgency, kind="stable")[: np.count_nonzero(urgency)]

    @property
    def embedding_size(self) -> int:
        """Length of the embeddings that are remembered; 0 before the first."""
        return int(self._appearance.shape[2])

    def exemplars(self, ids: Iterable[int] | None = None) -> Embeddings:
        """What tracks look like: a few embeddings of each that differ from one another.

        Args:
            ids: Tracks that are remembered (lost ones too) or ended with the last update; None
                for all of these.

        Returns:
            (K, D) float32 copies by id, D of length 1 each, K at most `gallery_size`; ids without
            an embedding, and unknown ones, are left out.
        """
        count = int(self._stream["count"][0])
        known = {
            int(track["id"]): self._gallery[track["slot"], : track["exemplars"]]
            for track in self._tracks[:count]
            if track["slot"] >= 0 and track["exemplars"] > 0
        }
        for slot in np.flatnonzero(self._owners < 0):
            own = self._gallery[slot]
            known[-int(self._owners[slot])] = own[own.any(axis=1)]
        wanted = known if ids is None else ids
        return {int(track): known[track].copy() for track in wanted if track in known}

    def finished(self) -> list[int]:
        """Tracks with exemplars that ended with the last update: the last chance to keep them."""
        return sorted(-int(owner) for owner in self._owners[self._owners < 0])

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
    def load(cls, data: bytes, *, embedding_size: int | None = None) -> Tracker:
        """A tracker that continues where `save` was called.

        Args:
            data: From `save`.
            embedding_size: Length of the embeddings that will come; None if unknown.

        Raises:
            StateError: The bytes are damaged, were saved by another version of the format, or
                remember embeddings of another length.
        """
        snapshot = read_snapshot(data)
        saved_size = snapshot.appearance.shape[2]
        if embedding_size and saved_size and embedding_size != saved_size:
            raise StateError(
                f"the saved tracker state remembers embeddings of {saved_size} numbers, but the "
                f"re-ID network makes {embedding_size}: use the network it was saved with, or "
                "start the tracker afresh"
            )
        tracker = cls("sightline", class_groups=snapshot.class_groups, **snapshot.parameters)
        tracker.preset = snapshot.preset
        tracker._time = snapshot.time
        tracker._stream = snapshot.stream
        tracker._tracks = snapshot.tracks
        tracker._appearance = snapshot.appearance
        tracker._gallery = snapshot.gallery
        tracker._owners = snapshot.owners
        return tracker

    def _next_time(self, time: float | None) -> float:
        if time is None:
            return self._time + self._frame_seconds if self._time > -math.inf else 0.0
        if not self._time <= time < math.inf:
            raise InputError(
                f"stream time is finite and never goes backwards; got {time} after {self._time}; "
                "call reset() where a new stream begins"
            )
        return time

    def _usable_motion(
        self, camera_motion: npt.NDArray[np.float64] | None
    ) -> npt.NDArray[np.float64]:
        if camera_motion is None:
            return _NO_MOTION
        checked = _checked_motion(camera_motion)
        return checked if self._uses_motion else _NO_MOTION

    def _checked_embeddings(self, embeddings: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """The embeddings, with stores for them; the first ones set the length for all."""
        length = embeddings.shape[1]
        known = self._appearance.shape[2]
        if known == 0 and length > 0:
            slots = len(self._tracks)
            self._appearance = np.zeros((slots, 3, length), np.float32)
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
        if len(self._owners) > 0:
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
