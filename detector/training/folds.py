"""Splits of the examples that never part pictures of one group."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence

from sightline.detector.training.examples import Example
from sightline.errors import InputError

__all__ = ["folds"]


def folds(
    examples: Sequence[Example], count: int, seed: int = 0
) -> Iterator[tuple[list[Example], list[Example]]]:
    """(training, held out) of each of k folds; every example is held out once.

    Groups go to folds whole, the largest first, each to the fold that has the fewest pictures of
    its set, and then the fewest pictures; ties are broken by a hash of the group's name and the
    seed, so the split depends on neither the order of the examples nor the Python process.

    Args:
        examples: What to split.
        count: Number of folds, at least 2.
        seed: Another seed gives another split.

    Raises:
        InputError: There are fewer groups than folds.
    """
    sizes = Counter(example.group for example in examples)
    if count < 2 or len(sizes) < count:
        raise InputError(
            f"{count} folds of {len(examples)} pictures in {len(sizes)} groups: expected at least "
            "2 folds and as many groups; give images of COCO JSON their 'clip', so that pictures "
            "that do not belong together are not taken for one clip"
        )
    set_of = {example.group: example.set_name for example in examples}
    order = sorted(sizes, key=lambda group: (-sizes[group], _hash(group, seed), group))
    fold_of: dict[str, int] = {}
    totals = [0] * count
    of_set: Counter[tuple[str, int]] = Counter()
    for group in order:
        name = set_of[group]
        fold = min(range(count), key=lambda k: (of_set[name, k], totals[k], k))
        fold_of[group] = fold
        totals[fold] += sizes[group]
        of_set[name, fold] += sizes[group]
    for fold in range(count):
        yield (
            [example for example in examples if fold_of[example.group] != fold],
            [example for example in examples if fold_of[example.group] == fold],
        )


def _hash(group: str, seed: int) -> int:
    return zlib.crc32(f"{seed}:{group}".encode())
