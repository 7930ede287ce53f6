"""A track as seen from outside its camera: when and where it came and went, and how it looked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError

__all__ = ["Key", "Place", "Sighting", "feet"]

Key: TypeAlias = tuple[str, int]
"""Camera and number of a track: what names a sighting."""

Place: TypeAlias = tuple[float, float]
"""x and y in 0…1 of the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class Sighting:
    """One track of one camera.

    Args:
        camera: Name of the camera.
        number: Number of the track, unique in its camera.
        begin: When it was first seen, in seconds of a clock that all cameras share.
        end: When it was last seen.
        entry: Where its feet were first seen.
        exit: Where they were last seen.
        class_name: Class; tracks of two classes are never one object.
        over: Whether the track has ended; one that has not may still be anywhere.
        vectors: (K, D) appearance vectors, L2-normalised, or None where nothing is known of its
            looks.
        network: What made the vectors; those of two networks are never compared.

    Raises:
        InputError: It ends before it begins, or the vectors are not (K, D) with K ≥ 1.
    """

    camera: str
    number: int
    begin: float
    end: float
    entry: Place
    exit: Place
    class_name: str = "person"
    over: bool = True
    vectors: npt.NDArray[np.floating[Any]] | None = None
    network: str = ""

    def __post_init__(self) -> None:
        if not self.begin <= self.end:
            raise InputError(
                f"{self.camera}:{self.number}: a track begins before it ends; got {self.begin} … "
                f"{self.end} s"
            )
        if self.vectors is not None and (self.vectors.ndim != 2 or 0 in self.vectors.shape):
            raise InputError(
                f"{self.camera}:{self.number}: appearance vectors are (K, D) with at least one "
                f"row; got shape {self.vectors.shape}"
            )

    @property
    def key(self) -> Key:
        """Camera and number."""
        return self.camera, self.number


def feet(box: npt.NDArray[np.floating[Any]]) -> Place:
    """The bottom centre, inside the picture, of a box x1 y1 x2 y2 in 0…1.

    Example:
        >>> feet(np.array([0.2, 0.1, 0.4, 1.2]))
        (0.3, 1.0)
    """
    x, y = (float(box[0]) + float(box[2])) / 2, float(box[3])
    return round(min(max(x, 0.0), 1.0), 6), min(max(y, 0.0), 1.0)
