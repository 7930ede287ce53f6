"""The crops of a training: pictures, whose they are, and what the teachers say."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["MARGIN", "NOBODY", "CropSet"]

MARGIN = 1 / 16
"""Share of a box's side that a stored crop shows beyond each of its sides, for random shifts."""

NOBODY = -1
"""Identity of a crop of which nothing is known but how it looks."""


@dataclass(frozen=True, slots=True, eq=False)
class CropSet:
    """Crops, a row each.

    Args:
        pictures: (N, H, W, 3) uint8 BGR; the box and a margin of `MARGIN` around it.
        identities: (N,) int32 from 0, or `NOBODY`.
        times: (N,) float32 seconds in the clip.
        vectors: (N, D) float16 of the teachers, L2-normalised; D = 0 without teachers.
        clips: (P,) int32 clip of each identity.
        spans: (P, 2) float32 seconds from which and until which each identity is seen.

    Raises:
        InputError: The shapes do not fit together.
    """

    pictures: npt.NDArray[np.uint8]
    identities: npt.NDArray[np.int32]
    times: npt.NDArray[np.float32]
    vectors: npt.NDArray[np.float16]
    clips: npt.NDArray[np.int32]
    spans: npt.NDArray[np.float32]

    def __post_init__(self) -> None:
        rows = {len(self.pictures), len(self.identities), len(self.times), len(self.vectors)}
        known = int(self.identities.max(initial=NOBODY)) + 1
        if len(rows) != 1 or len(self.clips) != len(self.spans) or known > len(self.clips):
            raise InputError("the columns of a set of crops do not fit together")

    def __len__(self) -> int:
        return len(self.pictures)

    def different(self) -> npt.NDArray[np.bool_]:
        """(P, P) whether two identities are surely two people.

        They are where they come from different clips or are seen at the same time; two tracks of
        one clip that are not may be pieces of one person's path.
        """
        begins, ends = self.spans[:, 0], self.spans[:, 1]
        together = (begins[:, None] <= ends[None]) & (begins[None] <= ends[:, None])
        sure: npt.NDArray[np.bool_] = together | (self.clips[:, None] != self.clips[None])
        np.fill_diagonal(sure, val=False)
        return sure

    def save(self, path: Path) -> None:
        """Write the set, whole or not at all.

        Raises:
            InputError: It cannot be written.
        """
        part = path.with_name(path.name + ".part")
        try:
            with part.open("wb") as stream:
                np.savez(
                    stream, **{field.name: getattr(self, field.name) for field in fields(self)}
                )
            part.replace(path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise InputError(f"{path}: cannot be written: {error.strerror or error}") from error

    @classmethod
    def load(cls, path: Path) -> CropSet:
        """Read a set.

        Raises:
            InputError: It cannot be read or is no set of crops.
        """
        try:
            with np.load(path) as archive:
                columns: dict[str, Any] = {field.name: archive[field.name] for field in fields(cls)}
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            raise InputError(f"{path}: not a set of crops: {error}") from error
        return cls(**columns)
