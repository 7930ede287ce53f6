"""Batches of pictures with their labels.

Everything random in a picture follows from (seed, epoch, batch, place in the batch), so a batch is
the same in whichever process it is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.detector.training.augmentation import Augmentation, augment
from sightline.detector.training.cache import FileCache
from sightline.detector.training.examples import CLASSES, Example, Image, Labels
from sightline.detector.training.sampling import BatchPlan, Sampler
from sightline.errors import InputError

__all__ = ["Batch", "BatchMaker"]

_PICTURE = 2  # what a random stream is for; `sampling` has 0 and 1
_MOST_REPLACED = 20


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Pictures of one size with their labels.

    Args:
        images: (B, H, W, 3) uint8 BGR.
        labels: Labels of each, in pixels of the canvas.
        rows: (B,) index of each among the examples.
        damaged: Why pictures could not be read; others stand in their place.
    """

    images: Image
    labels: list[Labels]
    rows: npt.NDArray[np.intp]
    damaged: list[str]


class BatchMaker:
    """Makes the batches that a sampler plans.

    Args:
        examples: What there is to learn from.
        sampler: Plans over the same examples.
        cache: Their files.
        classes: Names of the classes, for the people that are pasted.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        sampler: Sampler,
        cache: FileCache,
        classes: Sequence[str] = CLASSES,
    ) -> None:
        self.examples = examples
        self.person = classes.index("person") if "person" in classes else None
        self.sampler = sampler
        self.cache = cache

    def make(self, plan: BatchPlan, augmentation: Augmentation, images: Image) -> Batch:
        """Make a batch.

        Args:
            plan: What it is made of.
            augmentation: How strong.
            images: (B, H, W, 3) uint8, written in place.

        Raises:
            InputError: Picture after picture cannot be read.
        """
        labels: list[Labels] = []
        rows = plan.rows.copy()
        damaged: list[str] = []
        for position in range(len(rows)):
            key = (self.sampler.seed, plan.epoch, _PICTURE, plan.number, position)
            random = np.random.default_rng(key)
            for _ in range(_MOST_REPLACED):
                try:
                    images[position], found = self._picture(
                        int(rows[position]), plan, augmentation, random
                    )
                except InputError as error:
                    damaged.append(str(error))
                    rows[position] = self._draw(plan, random)
                else:
                    labels.append(found)
                    break
            else:
                raise InputError(
                    f"{_MOST_REPLACED} pictures one after the other cannot be read; the last: "
                    f"{damaged[-1]}"
                )
        return Batch(images, labels, rows, damaged)

    def _picture(
        self, row: int, plan: BatchPlan, augmentation: Augmentation, random: np.random.Generator
    ) -> tuple[Image, Labels]:
        return augment(
            self.examples[row],
            lambda: self.examples[self._draw(plan, random)],
            lambda example, reduction: example.decode(self.cache.read(example.path), reduction),
            plan.height,
            plan.width,
            augmentation,
            random,
            self.person,
        )

    def _draw(self, plan: BatchPlan, random: np.random.Generator) -> int:
        """Any picture of the epoch, so that sets come up by their weights."""
        order = self.sampler.order(plan.epoch)
        return int(order[random.integers(len(order))])
