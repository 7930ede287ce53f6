"""The tracker that callers hold: checks what comes in, calls the compiled step, wraps the result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Detections, Tracks
from sightline.tracker.parameters import check_parameters, pack_parameters
from sightline.tracker.presets import read_preset
from sightline.tracker.stages import stage_table
from sightline.tracker.state import REPORT, STREAM, TRACK
from sightline.tracker.step import step

__all__ = ["Statistics", "Tracker"]

_FIRST_CAPACITY = 64
_NO_MOTION = np.empty((0, 3))


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
    """Gives detections identities over time.

    Args:
        preset: Name of a preset or path of a YAML file.
        overrides: Parameters (`sightline.tracker.parameters.PARAMETERS`) that replace the
            preset's.

    Raises:
        ConfigError: The preset or a parameter is unknown, or a value is outside its range.

    Example:
        >>> tracker = Tracker("sort", confirm_hits=1)
        >>> seen = Detections([[0, 0, 10, 20]], [0.9], [0])
        >>> [tracker.update(seen).ids.tolist() for _ in range(3)]
        [[1], [1], [1]]
    """

    def __init__(self, preset: str | Path = "sightline", **overrides: Any) -> None:
        self.preset = preset
        self.parameters = check_parameters({**read_preset(preset), **overrides})
        self._packed = pack_parameters(self.parameters)
        self._stages = stage_table(self.parameters)
        self._frame_seconds = float(self.parameters["frame_seconds"])
        self._max_tracks = int(self.parameters["max_tracks"])
        self._stream = np.zeros(1, STREAM)
        self._tracks = np.zeros(0, TRACK)
        self.reset()
        _warm_up(self)

    def reset(self) -> None:
        """Forget everything; ids start from 1 again."""
        self._time = -math.inf
        self._stream = np.zeros(1, STREAM)
        self._tracks = np.zeros(min(_FIRST_CAPACITY, self._max_tracks), TRACK)

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
            The confirmed tracks that were seen, by ascending id.

        Raises:
            InputError: Time goes backwards or is not finite, or the affine cannot be used. The
                tracker is as it was before the call.
        """
        if time is None:
            time = self._time + self._frame_seconds if self._time > -math.inf else 0.0
        elif not self._time <= time < math.inf:
            raise InputError(
                f"stream time is finite and never goes backwards; got {time} after {self._time}"
            )
        motion = _NO_MOTION if camera_motion is None else _checked_motion(camera_motion)
        boxes = detections.boxes
        scores = detections.scores
        classes = detections.classes
        if not (boxes.flags.carray and scores.flags.carray and classes.flags.carray):
            boxes, scores, classes = boxes.copy(), scores.copy(), classes.copy()
        rows = len(boxes)
        stream = self._stream
        if stream["count"][0] + rows > len(self._tracks):
            self._grow(rows)
        out = np.empty(rows, REPORT)
        count = step(
            self._tracks, stream, self._packed, self._stages,
            boxes, scores, classes, time, motion, out,
        )  # fmt: skip
        self._time = time
        out = out[:count]
        return Tracks(
            out["id"], out["box"], out["score"], out["label"], out["detection"], out["age"],
            out["hits"], time,
        )  # fmt: skip

    def _grow(self, rows: int) -> None:
        count = int(self._stream["count"][0])
        wanted = min(max(2 * len(self._tracks), count + rows), self._max_tracks)
        larger = np.zeros(wanted, TRACK)
        larger[:count] = self._tracks[:count]
        self._tracks = larger


def _checked_motion(motion: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    affine = np.array(motion, dtype=np.float64)
    if affine.shape != (2, 3) or not np.isfinite(affine).all():
        raise InputError(f"camera motion is a finite (2, 3) affine; got {motion!r}")
    return affine


def _warm_up(tracker: Tracker) -> None:
    """Have the step loaded, or compiled once, before the first frame."""
    tracker.update(Detections.empty())
    tracker.reset()
