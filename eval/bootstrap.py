"""How sure a score is.

Percentile bootstrap (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993): videos are
drawn again with replacement and their counts summed; where there is one video, its blocks of
time. Counts are only added up, never matched again. A MOT17 video that was tracked from three
detectors is one video: its three results stand or fall together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.eval.counts import SCORE_FIELDS, SequenceCounts, scores_from_counts
from sightline.eval.dataset import sequence_key

__all__ = ["Difference", "compare", "intervals"]

RESAMPLES = 2000
BLOCKS = 20
_TAILS = (2.5, 97.5)
_SEED = 20260101

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a paired bootstrap says of one score of two trackers.

    Args:
        difference: First minus second.
        low: Lower end of its 95 % interval.
        high: Upper end.
        p_value: Two-sided: how often chance alone would turn the sign, at least 1/(resamples+1).
    """

    difference: float
    low: float
    high: float
    p_value: float

    @property
    def larger_than_chance(self) -> bool:
        """Whether the 95 % interval leaves out 0."""
        return self.low > 0 or self.high < 0


def intervals(
    sequences: Mapping[str, SequenceCounts], resamples: int = RESAMPLES
) -> dict[str, tuple[float, float]]:
    """95 % interval of each combined score.

    Args:
        sequences: Counts by sequence name.
        resamples: How many draws.

    Returns:
        (low, high) for each of SCORE_FIELDS.

    Raises:
        InputError: There are no sequences.
    """
    units = _units(sequences)
    drawn = scores_from_counts(_draws(len(units), resamples) @ units)
    return {name: _ends(drawn[name]) for name in SCORE_FIELDS}


def compare(
    first: Mapping[str, SequenceCounts],
    second: Mapping[str, SequenceCounts],
    resamples: int = RESAMPLES,
) -> dict[str, Difference]:
    """Whether two trackers differ by more than chance on the sequences that both have.

    Both are scored on the same draws, so that what makes a video hard cancels out.

    Raises:
        InputError: They have no sequence in common.
    """
    common = [name for name in first if name in second]
    sides = [_units({name: side[name] for name in common}) for side in (first, second)]
    draws = _draws(len(sides[0]), resamples)
    one, two = (scores_from_counts(draws @ units) for units in sides)
    whole_one, whole_two = (scores_from_counts(units.sum(axis=0)) for units in sides)
    found = {}
    for name in SCORE_FIELDS:
        differences = one[name] - two[name]
        below = np.count_nonzero(differences <= 0)
        above = np.count_nonzero(differences >= 0)
        p_value = min(1.0, 2 * (min(below, above) + 1) / (resamples + 1))
        low, high = _ends(differences)
        found[name] = Difference(float(whole_one[name] - whole_two[name]), low, high, p_value)
    return found


def _units(sequences: Mapping[str, SequenceCounts]) -> Floats:
    """(U, FIELDS) counts of what is drawn: videos, or blocks of time of the only one."""
    if not sequences:
        raise InputError("no sequences to draw from; evaluate at least one")
    videos: dict[str, list[str]] = {}
    for name in sequences:
        videos.setdefault(sequence_key(name), []).append(name)
    if len(videos) > 1:
        totals = [
            np.sum([sequences[name].total for name in names], axis=0) for names in videos.values()
        ]
        return np.stack(totals)
    count = max(1, min(BLOCKS, *(len(counts.by_frame) for counts in sequences.values())))
    blocks: Floats = np.sum([counts.blocks(count) for counts in sequences.values()], axis=0)
    return blocks


def _draws(units: int, resamples: int) -> Floats:
    """(R, U) how often each unit was drawn."""
    random = np.random.default_rng(_SEED)
    return random.multinomial(units, np.full(units, 1 / units), size=resamples).astype(np.float64)


def _ends(values: Floats) -> tuple[float, float]:
    low, high = np.percentile(values, _TAILS)
    return float(low), float(high)
