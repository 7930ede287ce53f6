"""Crops for a training, cut from clips with tracks and from photographs with boxes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.formats.mot import MotRows
from sightline.geometry import iou_matrix, ltwh_to_xyxy
from sightline.protocols import Source
from sightline.reid.crops import cut_crops
from sightline.reid.embedder import Embedder
from sightline.reid.tracklets import Mining, mine_sightings
from sightline.reid.training.augmentation import plain_view
from sightline.reid.training.composites import made_people
from sightline.reid.training.crop_set import MARGIN, NOBODY, CropSet
from sightline.structures import Frame

__all__ = ["Gatherer", "photographed_people"]


@dataclass(slots=True)
class Gatherer:
    """Collects crops and what the teachers say about them.

    Args:
        height: Height of the network's crops in pixels; stored ones show `MARGIN` more.
        width: Width of the network's crops in pixels.
        mining: Which boxes are taken.
        teachers: Networks and the weight of each in the joint similarity.
        least_crops: Crops from which a track is an identity.
    """

    height: int
    width: int
    mining: Mining
    teachers: Sequence[tuple[Embedder, float]] = ()
    least_crops: int = 4
    _pictures: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    _identities: list[int] = field(default_factory=list)
    _times: list[float] = field(default_factory=list)
    _vectors: list[npt.NDArray[np.float16]] = field(default_factory=list)
    _clips: list[int] = field(default_factory=list)
    _spans: list[tuple[float, float]] = field(default_factory=list)
    _clip_count: int = 0

    def add_clip(self, source: Source, rows: MotRows) -> int:
        """Take the crops of a video.

        Args:
            source: The video; read to its end.
            rows: Tracks or ground truth of it.

        Returns:
            How many crops were taken.

        Raises:
            SourceError: The video cannot be read.
            ModelError: A teacher failed.
        """
        rate = source.rate or 25.0
        found = mine_sightings(
            rows, self.mining, rate=rate, width=source.width, height=source.height
        )
        identities = self._identities_of(rows, found.ids, rate)
        wanted = dict(found.by_frame())
        before = len(self._identities)
        for frame in source:
            here = wanted.get(frame.index)
            if here is not None:
                names = [identities.get(id_, NOBODY) for id_ in found.ids[here].tolist()]
                self._add(frame, found.boxes[here], names)
        self._clip_count += 1
        return len(self._identities) - before

    def add_photographs(
        self, pictures: Iterable[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]
    ) -> int:
        """Take the crops of single pictures.

        Args:
            pictures: (H, W, 3) uint8 BGR and the (N, 4) boxes of people, x1 y1 x2 y2.

        Returns:
            How many crops were taken.

        Raises:
            ModelError: A teacher failed.
        """
        before = len(self._identities)
        for image, boxes in pictures:
            overlap = iou_matrix(boxes, boxes)
            np.fill_diagonal(overlap, 0)
            good = boxes[:, 3] - boxes[:, 1] >= self.mining.least_height
            good &= overlap.max(axis=1, initial=0) <= self.mining.most_overlap
            self._add(Frame(image), boxes[good], [NOBODY] * int(good.sum()))
        return len(self._identities) - before

    def add_made_people(self, count: int, random: np.random.Generator) -> None:
        """Put people together from crops of nobody known, and let the teachers describe them.

        Args:
            count: How many; they cost a pass of each teacher, and teach nothing without teachers.
            random: Where chance comes from.

        Raises:
            InputError: There is no crop without an identity to make them of.
            ModelError: A teacher failed.
        """
        names = np.array(self._identities, np.int32)
        if not (names == NOBODY).any():
            raise InputError(
                f"made_people is {count}, but every crop is of a known person; give photographs"
            )
        pictures = made_people(np.concatenate(self._pictures)[names == NOBODY], count, random)
        self._pictures.append(pictures)
        self._identities += [NOBODY] * count
        self._times += [0.0] * count
        described = [
            teacher.embed_crops(
                np.stack([plain_view(picture, *teacher.crop_size) for picture in pictures])
            )
            for teacher, _ in self.teachers
        ]
        self._vectors.append(self._joint(described, count))

    def finish(self) -> CropSet:
        """The crops that were taken.

        Raises:
            InputError: There are none.
        """
        if not self._pictures:
            raise InputError(
                "no box was taken for training: the tracks do not fit the videos, or mining asks "
                "for larger, surer or less covered boxes than there are"
            )
        return CropSet(
            pictures=np.concatenate(self._pictures),
            identities=np.array(self._identities, np.int32),
            times=np.array(self._times, np.float32),
            vectors=np.concatenate(self._vectors),
            clips=np.array(self._clips, np.int32),
            spans=np.array(self._spans, np.float32).reshape(-1, 2),
        )

    def _identities_of(
        self, rows: MotRows, ids: npt.NDArray[np.int64], rate: float
    ) -> dict[int, int]:
        """Number the tracks that have enough crops, and note when each is seen."""
        identities = {}
        for id_, count in zip(*(column.tolist() for column in np.unique(ids, return_counts=True)),
                              strict=True):  # fmt: skip
            if count >= self.least_crops:
                identities[id_] = len(self._clips)
                frames = rows.frames[rows.ids == id_] - 1
                self._clips.append(self._clip_count)
                self._spans.append((frames.min() / rate, frames.max() / rate))
        return identities

    def _add(self, frame: Frame, boxes: npt.NDArray[np.float32], names: Sequence[int]) -> None:
        sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * np.array([-1, -1, 1, 1]) * MARGIN
        stored = (round(self.height * (1 + 2 * MARGIN)), round(self.width * (1 + 2 * MARGIN)))
        pictures, usable = cut_crops(frame.image, boxes + sides.astype(np.float32), *stored)
        described = [teacher.embed(frame, boxes[usable]) for teacher, _ in self.teachers]
        self._pictures.append(pictures)
        self._vectors.append(self._joint(described, len(pictures)))
        self._identities += [
            name for name, good in zip(names, usable.tolist(), strict=True) if good
        ]
        self._times += [frame.time] * len(pictures)

    def _joint(
        self, described: Sequence[npt.NDArray[np.float32]], count: int
    ) -> npt.NDArray[np.float16]:
        """The teachers' vectors side by side, so that products weigh the teachers."""
        parts = [
            vectors * np.float32(weight**0.5)
            for vectors, (_, weight) in zip(described, self.teachers, strict=True)
        ]
        joint = np.concatenate([np.zeros((count, 0), np.float32), *parts], axis=1)
        total = sum(weight for _, weight in self.teachers) ** 0.5
        shared: npt.NDArray[np.float16] = (joint / max(total, 1e-12)).astype(np.float16)
        return shared


def photographed_people(
    images: Path, annotations: Path
) -> Iterator[tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]]:
    """Pictures of a COCO data set and the boxes of people in them; crowd regions are left out.

    Args:
        images: Folder of the pictures.
        annotations: The JSON file.

    Raises:
        InputError: The file is no COCO JSON with a category `person`, or a picture is missing.
    """
    try:
        content = json.loads(annotations.read_text(encoding="utf-8"))
        person = next(c["id"] for c in content["categories"] if c["name"] == "person")
        names = {image["id"]: image["file_name"] for image in content["images"]}
        boxes: dict[int, list[list[float]]] = {}
        for annotation in content["annotations"]:
            if annotation["category_id"] == person and not annotation.get("iscrowd", 0):
                boxes.setdefault(annotation["image_id"], []).append(annotation["bbox"])
    except (OSError, ValueError, KeyError, TypeError, StopIteration) as error:
        raise InputError(
            f"{annotations}: not COCO JSON with a category person: {error!r}"
        ) from error
    for image_id, found in boxes.items():
        path = images / names[image_id]
        picture = cv2.imread(str(path))
        if picture is None:
            raise InputError(f"{path}: cannot be read as a picture")
        yield np.asarray(picture, np.uint8), ltwh_to_xyxy(np.array(found, np.float32))
