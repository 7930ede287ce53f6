"""Finished tracks as one table, and the timeline of the frames that they were made from.

The steps of this package take a `TrackTable` and a `Timeline` and return a new table; they never
change the arrays that came in.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Tracks
from sightline.tracker.offline.looks import Looks

__all__ = ["Timeline", "TrackTable"]

Rows = slice | npt.NDArray[np.bool_] | npt.NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class TrackTable:
    """Tracks of a whole recording, a row a box; rows that belong to a track share its id.

    Args:
        frames: (R,) int64 frame index, from 0; a track has at most one row a frame.
        times: (R,) float64 stream time in seconds, growing with the frame index.
        ids: (R,) int64.
        boxes: (R, 4) float64, x1 y1 x2 y2 in pixels, at least 0 wide and high.
        scores: (R,) float64.
        classes: (R,) int32.
        observed: (R,) bool, False where the box is a prediction and not a detection; all True
            if None.
        looks: What the tracks look like, by id, or None.

    Raises:
        InputError: The columns do not fit together, a number is not finite, a box has a negative
            side, or a track has two rows in one frame.

    Example:
        >>> table = TrackTable([0, 1], [0.0, 0.5], [7, 7], [[0, 0, 2, 4], [1, 0, 3, 4]],
        ...                    [0.9, 0.8], [0, 0])
        >>> len(table), table.observed.tolist()
        (2, [True, True])
    """

    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float64]
    scores: npt.NDArray[np.float64]
    classes: npt.NDArray[np.int32]
    observed: npt.NDArray[np.bool_]
    looks: Looks | None = None

    def __init__(
        self,
        frames: npt.ArrayLike,
        times: npt.ArrayLike,
        ids: npt.ArrayLike,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        classes: npt.ArrayLike,
        observed: npt.ArrayLike | None = None,
        looks: Looks | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "frames", np.asarray(frames, np.int64))
        put(self, "times", np.asarray(times, np.float64))
        put(self, "ids", np.asarray(ids, np.int64))
        put(self, "boxes", np.asarray(boxes, np.float64).reshape(-1, 4))
        put(self, "scores", np.asarray(scores, np.float64))
        put(self, "classes", np.asarray(classes, np.int32))
        seen = np.ones(len(self.frames)) if observed is None else observed
        put(self, "observed", np.asarray(seen, np.bool_))
        put(self, "looks", looks)
        self._check()

    @classmethod
    def empty(cls) -> TrackTable:
        """No rows."""
        return cls([], [], [], np.empty((0, 4)), [], [])

    @classmethod
    def collect(
        cls, results: Iterable[tuple[int, Tracks]], looks: Looks | None = None
    ) -> TrackTable:
        """The table of a tracker's results.

        Args:
            results: Frame index and the tracks of that frame.
            looks: What the tracks look like, or None.
        """
        pairs = [(index, tracks) for index, tracks in results if len(tracks)]
        if not pairs:
            return cls.empty()
        sizes = [len(tracks) for _, tracks in pairs]
        return cls(
            np.repeat([index for index, _ in pairs], sizes),
            np.repeat([tracks.time for _, tracks in pairs], sizes),
            np.concatenate([tracks.ids for _, tracks in pairs]),
            np.concatenate([tracks.boxes for _, tracks in pairs]),
            np.concatenate([tracks.scores for _, tracks in pairs]),
            np.concatenate([tracks.classes for _, tracks in pairs]),
            np.concatenate([tracks.detections >= 0 for _, tracks in pairs]),
            looks,
        )

    def results(self, timeline: Timeline) -> Iterator[tuple[int, Tracks]]:
        """What a tracker would have returned: the reverse of `collect`.

        Args:
            timeline: Every frame of the recording; those without tracks are yielded too.

        Returns:
            Frame index and the tracks of that frame, by ascending id. `Tracks.detections` is 0
            where the box is observed (the row in the detector's list is not kept) and -1 where
            it is not; hits and ages count the table's own rows.
        """
        table = self.by_track()
        starts = table.track_starts()
        lengths = np.diff(starts)
        ages = table.times - np.repeat(table.times[starts[:-1]], lengths)
        hits = np.arange(1, len(table) + 1) - np.repeat(starts[:-1], lengths)
        order = np.lexsort((table.ids, table.frames))
        bounds = np.searchsorted(table.frames[order], timeline.frames, "left")
        ends = np.searchsorted(table.frames[order], timeline.frames, "right")
        for frame, time, start, end in zip(
            timeline.frames.tolist(), timeline.times.tolist(), bounds, ends, strict=True
        ):
            rows = order[start:end]
            yield (
                frame,
                Tracks(
                    ids=table.ids[rows],
                    boxes=table.boxes[rows].astype(np.float32),
                    scores=table.scores[rows].astype(np.float32),
                    classes=table.classes[rows],
                    detections=np.where(table.observed[rows], 0, -1).astype(np.int32),
                    ages=ages[rows].astype(np.float32),
                    hits=hits[rows].astype(np.int32),
                    time=time,
                ),
            )

    @classmethod
    def concatenate(cls, parts: Sequence[TrackTable]) -> TrackTable:
        """The rows of all parts, in order, and all of their looks."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.frames for part in parts]),
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.ids for part in parts]),
            np.concatenate([part.boxes for part in parts]),
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.classes for part in parts]),
            np.concatenate([part.observed for part in parts]),
            Looks.merged([part.looks for part in parts if part.looks is not None]),
        )

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: Rows) -> TrackTable:
        """The rows that a slice, a mask or an index array names."""
        return TrackTable(
            self.frames[rows],
            self.times[rows],
            self.ids[rows],
            self.boxes[rows],
            self.scores[rows],
            self.classes[rows],
            self.observed[rows],
            self.looks,
        )

    def by_track(self) -> TrackTable:
        """The rows ordered by id and then by frame."""
        return self[np.lexsort((self.frames, self.ids))]

    def by_frame(self) -> TrackTable:
        """The rows ordered by frame and then by id."""
        return self[np.lexsort((self.ids, self.frames))]

    def track_starts(self) -> npt.NDArray[np.int64]:
        """(K + 1,) first row of each of the K tracks of a table in the order of `by_track`.

        The last entry is the number of rows, so track k is rows starts[k] to starts[k + 1].
        """
        changes = np.flatnonzero(np.diff(self.ids)) + 1
        ends = [len(self)] if len(self) else []
        return np.concatenate([[0], changes, ends]).astype(np.int64)

    def _check(self) -> None:
        rows = len(self.frames)
        for field in fields(self):
            column = getattr(self, field.name)
            if field.name != "looks" and len(column) != rows:
                raise InputError(
                    f"a track table has {rows} frames but {len(column)} {field.name}; "
                    "give every column a row a box"
                )
        numbers = np.column_stack([self.times, self.boxes, self.scores])
        bad = ~np.isfinite(numbers).all(axis=1)
        bad |= (self.boxes[:, 2:] < self.boxes[:, :2]).any(axis=1)
        if bad.any():
            row = int(np.argmax(bad))
            raise InputError(
                f"row {row} of a track table (frame {self.frames[row]}, id {self.ids[row]}): time, "
                f"box and score must be finite and x2 >= x1, y2 >= y1; got {numbers[row]}"
            )
        order = np.lexsort((self.frames, self.ids))
        frames, times, ids = self.frames[order], self.times[order], self.ids[order]
        same = np.diff(ids) == 0
        if (same & (np.diff(frames) == 0)).any():
            row = int(np.argmax(same & (np.diff(frames) == 0)))
            raise InputError(f"track {ids[row]} has two rows in frame {frames[row]}; expected one")
        if (same & (np.diff(times) <= 0)).any():
            row = int(np.argmax(same & (np.diff(times) <= 0)))
            raise InputError(
                f"track {ids[row]}: time does not grow from frame {frames[row]} ({times[row]} s) "
                f"to frame {frames[row + 1]} ({times[row + 1]} s)"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Timeline:
    """The frames of a recording: which there are, when they were and how the camera moved.

    Args:
        frames: (F,) int64 index of every frame that was tracked, increasing.
        times: (F,) float64 stream time in seconds, increasing.
        camera_motion: (F, 2, 3) float64 affine that maps pixels of the timeline's previous
            frame to this one, or None for a camera that stands still. The first is not used.

    Raises:
        InputError: The columns do not fit together, do not increase or are not finite.
    """

    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    camera_motion: npt.NDArray[np.float64] | None = None

    def __init__(
        self,
        frames: npt.ArrayLike,
        times: npt.ArrayLike,
        camera_motion: npt.ArrayLike | None = None,
    ) -> None:
        put = object.__setattr__
        put(self, "frames", np.asarray(frames, np.int64))
        put(self, "times", np.asarray(times, np.float64))
        motion = None if camera_motion is None else np.asarray(camera_motion, np.float64)
        put(self, "camera_motion", motion)
        if self.frames.shape != self.times.shape or self.frames.ndim != 1:
            raise InputError(
                f"a timeline has a time a frame; got {self.frames.shape} frames and "
                f"{self.times.shape} times"
            )
        increasing = (np.diff(self.frames) > 0).all() and (np.diff(self.times) > 0).all()
        if not (increasing and np.isfinite(self.times).all()):
            raise InputError("the frames and times of a timeline are finite and increase")
        if motion is not None and (
            motion.shape != (len(self.frames), 2, 3) or not np.isfinite(motion).all()
        ):
            raise InputError(
                f"camera_motion is ({len(self.frames)}, 2, 3) and finite, an affine a frame; "
                f"got shape {motion.shape}"
            )
        if motion is not None and (np.abs(np.linalg.det(motion[:, :, :2])) < 1e-6).any():
            raise InputError("camera_motion squeezes a frame to a line; expected affines with area")

    @classmethod
    def of(cls, table: TrackTable) -> Timeline:
        """Every frame index from a table's first to its last, the camera standing still.

        Times between the table's own frames are interpolated.
        """
        if not len(table):
            return cls([], [])
        known, rows = np.unique(table.frames, return_index=True)
        frames = np.arange(known[0], known[-1] + 1)
        return cls(frames, np.interp(frames, known, table.times[rows]))

    def positions(self, table: TrackTable) -> npt.NDArray[np.int64]:
        """(R,) place of each row's frame in the timeline.

        Raises:
            InputError: A row's frame is not in the timeline.
        """
        places = np.searchsorted(self.frames, table.frames).astype(np.int64)
        inside = places < len(self.frames)
        inside[inside] = self.frames[places[inside]] == table.frames[inside]
        if not inside.all():
            missing = table.frames[int(np.argmin(inside))]
            raise InputError(f"frame {missing} has tracks but is not in the timeline; add it")
        return places
