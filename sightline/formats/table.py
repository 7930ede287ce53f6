"""The one table that every format is read into, and the facts of its video.

A `TrackTable` is columns whose rows are boxes, sorted by frame, beside the list of the frames
that were looked at: a frame without tracks is not a frame that nobody saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.structures import Tracks

__all__ = ["TrackTable", "VideoInfo", "times_at_rate"]


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file of tracks says of the video they were seen in.

    Args:
        source: Name of the source; empty where unknown.
        width: Width of the picture in pixels, 0 where unknown.
        height: Height of the picture in pixels, 0 where unknown.
        rate: Nominal frames per second, 0 where unknown.
        class_names: Name of each class index; empty where unknown.
    """

    source: str = ""
    width: int = 0
    height: int = 0
    rate: float = 0.0
    class_names: tuple[str, ...] = ()

    def class_name(self, index: int) -> str:
        """The name of a class, or `class N` where the video's facts do not name it."""
        known = 0 <= index < len(self.class_names)
        return self.class_names[index] if known else f"class {index}"

    def completed_by(self, other: VideoInfo | None) -> VideoInfo:
        """These facts, with those that are unknown taken from `other`."""
        if other is None:
            return self
        return VideoInfo(
            self.source or other.source,
            self.width or other.width,
            self.height or other.height,
            self.rate or other.rate,
            self.class_names or other.class_names,
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrackTable:
    """Tracks of one video, a row a box, sorted by frame.

    Args:
        info: The video's facts.
        frame_indices: (F,) int64 index from 0 of each frame that was looked at, ascending.
        frame_times: (F,) float64 stream time of those frames in seconds, NaN where unknown.
        frames: (R,) int64 frame index of each row, ascending.
        ids: (R,) int64; -1 in detections.
        boxes: (R, 4) float32 x1 y1 x2 y2 in pixels.
        scores: (R,) float32.
        classes: (R,) int32.
        predicted: (R,) bool, whether the box was predicted rather than detected.
    """

    info: VideoInfo
    frame_indices: npt.NDArray[np.int64]
    frame_times: npt.NDArray[np.float64]
    frames: npt.NDArray[np.int64]
    ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    classes: npt.NDArray[np.int32]
    predicted: npt.NDArray[np.bool_]

    @classmethod
    def from_columns(
        cls,
        info: VideoInfo,
        *,
        frame_indices: npt.ArrayLike,
        frame_times: npt.ArrayLike,
        frames: npt.ArrayLike,
        ids: npt.ArrayLike,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        classes: npt.ArrayLike,
        predicted: npt.ArrayLike | None = None,
    ) -> TrackTable:
        """Sort the rows by frame (the order within a frame is kept) and set the dtypes.

        Raises:
            InputError: The columns differ in length, a box is not four numbers, or a frame of a
                row is not among the frames that were looked at.
        """
        rows = np.asarray(frames, dtype=np.int64)
        coordinates = np.asarray(boxes, dtype=np.float32)
        missing = np.zeros(len(rows), np.bool_) if predicted is None else predicted
        columns: list[npt.NDArray[Any]] = [
            np.asarray(ids, dtype=np.int64),
            coordinates.reshape(-1, 4) if coordinates.size == 0 else coordinates,
            np.asarray(scores, dtype=np.float32),
            np.asarray(classes, dtype=np.int32),
            np.asarray(missing, dtype=np.bool_),
        ]
        if columns[1].shape[1:] != (4,) or any(len(column) != len(rows) for column in columns):
            shapes = [column.shape for column in columns]
            raise InputError(f"a track table has a row a box; got columns of shapes {shapes}")
        indices = np.asarray(frame_indices, dtype=np.int64)
        times = np.asarray(frame_times, dtype=np.float64)
        frame_order = np.argsort(indices, kind="stable")
        stray = ~np.isin(rows, indices)
        if stray.any():
            raise InputError(
                f"a row is of frame {rows[stray][0]}, which is not among the table's frames"
            )
        order = np.argsort(rows, kind="stable")
        return cls(
            info,
            indices[frame_order],
            times[frame_order],
            rows[order],
            *(column[order] for column in columns),
        )

    def __len__(self) -> int:
        return len(self.frames)

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """(R,) stream time of each row in seconds, NaN where unknown."""
        return self.frame_times[np.searchsorted(self.frame_indices, self.frames)]

    def by_frame(self) -> Iterator[tuple[int, float, Tracks]]:
        """Frame index, time and tracks of every frame that was looked at.

        Ages and hits are counted from the table itself; `Tracks.detections` is the row within
        the frame, or -1 where the box is predicted.
        """
        first_times: dict[int, float] = {}
        hits: dict[int, int] = {}
        starts = np.searchsorted(self.frames, self.frame_indices, side="left")
        stops = np.searchsorted(self.frames, self.frame_indices, side="right")
        for index, time, start, stop in zip(
            self.frame_indices.tolist(),
            self.frame_times.tolist(),
            starts.tolist(),
            stops.tolist(),
            strict=True,
        ):
            ids = self.ids[start:stop]
            predicted = self.predicted[start:stop]
            for identity, guessed in zip(ids.tolist(), predicted.tolist(), strict=True):
                first_times.setdefault(identity, time)
                hits[identity] = hits.get(identity, 0) + (not guessed)
            rows = np.arange(stop - start, dtype=np.int32)
            yield (
                index,
                time,
                Tracks(
                    ids=ids,
                    boxes=self.boxes[start:stop],
                    scores=self.scores[start:stop],
                    classes=self.classes[start:stop],
                    detections=np.where(predicted, np.int32(-1), rows),
                    ages=np.array([time - first_times[i] for i in ids.tolist()], np.float32),
                    hits=np.array([hits[i] for i in ids.tolist()], np.int32),
                    time=time,
                ),
            )


def times_at_rate(
    indices: Sequence[int] | npt.NDArray[np.int64], rate: float
) -> npt.NDArray[np.float64]:
    """Stream times of frames of a steady video, NaN where the rate is 0 (unknown)."""
    numbers = np.asarray(indices, dtype=np.float64)
    return numbers / rate if rate else np.full(len(numbers), np.nan)
