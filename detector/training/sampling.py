"""Which pictures an epoch shows, in which order and at which size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.detector.training.examples import Example
from sightline.errors import ConfigError, InputError

__all__ = ["BatchPlan", "Sampler"]

_ORDER, _SIZE = 0, 1  # what a random stream is for


@dataclass(frozen=True, slots=True, eq=False)
class BatchPlan:
    """What one batch is made of.

    Args:
        epoch: From 0.
        number: Number of the batch in its epoch, from 0.
        rows: (B,) index of each picture among the examples.
        height: Height of the canvas.
        width: Width of the canvas.
    """

    epoch: int
    number: int
    rows: npt.NDArray[np.intp]
    height: int
    width: int


class Sampler:
    """Plans epochs; the same arguments give the same plan everywhere.

    In an epoch every picture of a set with weight w is shown w times; the fractional part of w is
    the share of the set's pictures that is shown once more, drawn anew each epoch. A last batch
    that would be smaller than the others is left out, unless it is the only one.

    Args:
        examples: What there is to learn from.
        batch: Pictures a batch.
        sizes: (height, width) of the canvas, multiples of 32; one is drawn for each batch.
        seed: Seed of everything that is drawn.
        set_weights: Weight of each set by name; 1 for sets that are not named.

    Raises:
        InputError: There are no examples.
        ConfigError: A weight is negative or of a set that does not exist, all are 0, or a size is
            no multiple of 32.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        batch: int,
        sizes: Sequence[tuple[int, int]],
        seed: int = 0,
        set_weights: Mapping[str, float] | None = None,
    ) -> None:
        if not examples:
            raise InputError("there are no pictures to learn from")
        for height, width in sizes:
            if height < 32 or width < 32 or height % 32 or width % 32:
                raise ConfigError(
                    f"size {height}×{width}: expected multiples of 32, height first, at least 32"
                )
        if batch < 1 or not sizes:
            raise ConfigError(f"expected a batch of 1 or more and a size; got {batch}, {sizes}")
        self.batch = batch
        self.sizes = tuple(sizes)
        self.seed = seed
        self._rows_of, self._weight_of = _weighted_sets(examples, set_weights or {})
        self._cached: tuple[int, npt.NDArray[np.intp]] = (-1, np.empty(0, np.intp))

    def order(self, epoch: int) -> npt.NDArray[np.intp]:
        """(P,) index of every picture that an epoch shows, in its order."""
        if self._cached[0] != epoch:
            random = np.random.default_rng((self.seed, epoch, _ORDER))
            parts = []
            for name, rows in self._rows_of.items():
                whole, fraction = divmod(self._weight_of[name], 1)
                more = round(fraction * len(rows))
                parts += [np.tile(rows, int(whole)), random.choice(rows, more, replace=False)]
            order = random.permutation(np.concatenate(parts))
            self._cached = (epoch, order)
        return self._cached[1]

    def batches(self, epoch: int) -> int:
        """Number of batches of an epoch."""
        return max(len(self.order(epoch)) // self.batch, 1)

    def plan(self, epoch: int, number: int) -> BatchPlan:
        """What a batch of an epoch is made of."""
        rows = self.order(epoch)[number * self.batch : (number + 1) * self.batch]
        random = np.random.default_rng((self.seed, epoch, _SIZE, number))
        height, width = self.sizes[int(random.integers(len(self.sizes)))]
        return BatchPlan(epoch, number, rows, height, width)


def _weighted_sets(
    examples: Sequence[Example], weights: Mapping[str, float]
) -> tuple[dict[str, npt.NDArray[np.intp]], dict[str, float]]:
    """Rows and weight of each set."""
    rows: dict[str, list[int]] = {}
    for row, example in enumerate(examples):
        rows.setdefault(example.set_name, []).append(row)
    for name, weight in weights.items():
        if name not in rows:
            raise ConfigError(f"set weights: no set {name!r}; the data has {', '.join(rows)}")
        if not 0 <= weight < np.inf:
            raise ConfigError(f"set weights: {name}: expected 0 or more; got {weight}")
    weight_of = {name: float(weights.get(name, 1.0)) for name in rows}
    if not sum(round(weight * len(rows[name])) for name, weight in weight_of.items()):
        raise ConfigError("set weights: they leave no picture to learn from")
    return {name: np.array(there, np.intp) for name, there in rows.items()}, weight_of
