"""Boxes of a track that show one person well, for training, scoring and exemplars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
import pydantic

from sightline.formats.mot import MotRows
from sightline.geometry import clip_boxes, iou_matrix, ltwh_to_xyxy

__all__ = ["Mining", "Sightings", "mine_sightings"]

Share = Annotated[float, pydantic.Field(ge=0, le=1)]


class Mining(pydantic.BaseModel):
    """Which boxes of tracks are taken."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    least_score: Share = pydantic.Field(
        default=0.5, description="Least score; in ground truth, 0 marks boxes to leave out."
    )
    person_class: int | None = pydantic.Field(
        default=None, description="Class number of people (MOT17: 1); None where there is none."
    )
    least_height: Annotated[float, pydantic.Field(ge=2)] = pydantic.Field(
        default=40, description="Least height of a box in pixels."
    )
    most_overlap: Share = pydantic.Field(
        default=0.3, description="Largest IoU with another box of the frame."
    )
    least_inside: Share = pydantic.Field(
        default=0.9, description="Least share of the box inside the picture."
    )
    spacing: Annotated[float, pydantic.Field(ge=0)] = pydantic.Field(
        default=0.15, description="Least seconds between two boxes of a track."
    )


@dataclass(frozen=True, slots=True, eq=False)
class Sightings:
    """Boxes of tracks, in the order of frames.

    Args:
        frames: (N,) int64 frame index from 0.
        times: (N,) float64 seconds.
        ids: (N,) int64.
        boxes: (N, 4) float32 x1 y1 x2 y2 in pixels.
    """

    frames: npt.NDArray[np.int64]
    times: npt.NDArray[np.float64]
    ids: npt.NDArray[np.int64]
    boxes: npt.NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, rows: npt.NDArray[Any]) -> Sightings:
        """The rows that a mask or an index array names."""
        return Sightings(self.frames[rows], self.times[rows], self.ids[rows], self.boxes[rows])

    def by_frame(self) -> Iterator[tuple[int, slice]]:
        """Each frame's index and its rows."""
        frames, starts = np.unique(self.frames, return_index=True)
        stops = np.append(starts, len(self))[1:]
        for frame, start, stop in zip(
            frames.tolist(), starts.tolist(), stops.tolist(), strict=True
        ):
            yield frame, slice(start, stop)


def mine_sightings(
    rows: MotRows, mining: Mining, *, rate: float, width: int, height: int
) -> Sightings:
    """The boxes of a MOT text that show one person well.

    Every box counts for overlap, whatever its class or score.

    Args:
        rows: Tracks or ground truth.
        mining: Which boxes are taken.
        rate: Frames per second.
        width: Width of the picture in pixels.
        height: Height of the picture in pixels.
    """
    rows = rows[np.argsort(rows.frames, kind="stable")]
    corners = rows.ltwh.copy()
    corners[:, :2] -= 1
    boxes = ltwh_to_xyxy(corners)
    good = rows.confidences >= mining.least_score
    good &= rows.ltwh[:, 3] >= mining.least_height
    if mining.person_class is not None:
        good &= rows.classes == mining.person_class
    good &= _inside(boxes, width, height) >= mining.least_inside
    everything = Sightings(
        frames=rows.frames - 1,
        times=(rows.frames - 1) / rate,
        ids=rows.ids,
        boxes=boxes.astype(np.float32),
    )
    good &= _largest_overlaps(everything) <= mining.most_overlap
    chosen = everything[good]
    return chosen[_spaced(chosen, mining.spacing)]


def _inside(boxes: npt.NDArray[np.float64], width: int, height: int) -> npt.NDArray[np.float64]:
    """(N,) share of each box that lies inside the picture."""
    cut = clip_boxes(boxes, width, height)
    whole = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    share: npt.NDArray[np.float64] = np.prod(cut[:, 2:] - cut[:, :2], axis=1) / np.maximum(
        whole, 1e-9
    )
    return share


def _largest_overlaps(sightings: Sightings) -> npt.NDArray[np.float32]:
    """(N,) largest IoU of each box with another one of its frame."""
    largest = np.zeros(len(sightings), np.float32)
    for _, here in sightings.by_frame():
        overlap = iou_matrix(sightings.boxes[here], sightings.boxes[here])
        np.fill_diagonal(overlap, 0)
        largest[here] = overlap.max(axis=1)
    return largest


def _spaced(sightings: Sightings, spacing: float) -> npt.NDArray[np.bool_]:
    """(N,) whether each box comes long enough after the last one taken of its track."""
    taken = np.zeros(len(sightings), np.bool_)
    last: dict[int, float] = {}
    tolerance = 1e-6
    for row, (id_, time) in enumerate(
        zip(sightings.ids.tolist(), sightings.times.tolist(), strict=True)
    ):
        if time - last.get(id_, -np.inf) >= spacing - tolerance:
            taken[row] = True
            last[id_] = time
    return taken
