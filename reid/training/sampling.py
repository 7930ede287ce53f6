"""Batches: P people with K crops each, and crops of anybody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.reid.training.crop_set import NOBODY, CropSet

__all__ = ["Batches", "Split", "split_identities"]

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Split:
    """Which crops train and which choose the best checkpoint.

    Args:
        training: (N,) rows of a `CropSet` that train.
        queries: Rows of held-out people: the first third of each in time.
        gallery: Rows of held-out people: the last third.
    """

    training: Rows
    queries: Rows
    gallery: Rows


def split_identities(crops: CropSet, share: float, random: np.random.Generator) -> Split:
    """Hold some people out, of every clip alike.

    Args:
        crops: The crops.
        share: Share of the people to hold out.
        random: Where chance comes from.

    Raises:
        InputError: There are fewer than three people.
    """
    people = len(crops.clips)
    if people < 3:
        raise InputError(
            f"{people} people with enough crops; at least 3 are needed to train and to choose"
        )
    shuffled = random.permutation(people)
    by_clip = shuffled[np.argsort(crops.clips[shuffled], kind="stable")]
    count = max(round(share * people), 1)
    held = by_clip[np.linspace(0, people - 1, count).round().astype(int)]
    queries: list[int] = []
    gallery: list[int] = []
    for person in held.tolist():
        rows = np.flatnonzero(crops.identities == person)
        rows = rows[np.argsort(crops.times[rows], kind="stable")]
        third = max(len(rows) // 3, 1)
        queries += rows[:third].tolist()
        gallery += rows[-third:].tolist()
    training = np.flatnonzero(~np.isin(crops.identities, held))
    return Split(training, np.array(queries, np.int64), np.array(gallery, np.int64))


class Batches:
    """Draws batches of rows.

    Args:
        crops: The crops.
        training: Rows that may be drawn.
        people: People in a batch (P).
        views: Crops of each (K).
        others: Further crops of anybody.

    Raises:
        InputError: There are fewer than two people to draw from.
    """

    def __init__(
        self, crops: CropSet, training: Rows, people: int, views: int, others: int
    ) -> None:
        names = crops.identities[training]
        self._by_person = [
            training[names == person] for person in np.unique(names[names != NOBODY]).tolist()
        ]
        if len(self._by_person) < 2:
            raise InputError("training needs crops of at least two people")
        self._all = training
        self._people = min(people, len(self._by_person))
        self._views = views
        self._others = others

    def draw(self, random: np.random.Generator) -> Rows:
        """Rows of a batch: first P × K, person by person, then the others."""
        chosen = random.choice(len(self._by_person), self._people, replace=False)
        rows = []
        for person in chosen.tolist():
            own = self._by_person[person]
            rows.append(random.choice(own, self._views, replace=len(own) < self._views))
        rows.append(random.choice(self._all, min(self._others, len(self._all)), replace=False))
        return np.concatenate(rows)
