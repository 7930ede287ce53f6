"""How often each thing happened, in equal stretches of time."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sightline.errors import InputError
from sightline.service.rules.events import Event

__all__ = ["Count", "Counts"]

Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened in one stretch of time.

    Args:
        start: Beginning of the stretch in seconds of stream time; a multiple of its length.
        rule: Identifier of the zone or line.
        kind: What happened.
        direction: Which way; empty where there is none.
        count: How often.
    """

    start: float
    rule: str
    kind: str
    direction: str
    count: int


class Counts:
    """Events of one stream, counted by rule, kind and direction.

    An event counts where it happened, also if that became certain in a later stretch.

    Args:
        bucket: Length of a stretch in seconds.
        keep: Stretches that are kept; older ones remain in the totals alone.

    Raises:
        InputError: The length or the number is not above 0.

    Example:
        >>> counts = Counts(bucket=60)
        >>> counts.add(Event("door", "line_cross", "gate", 61.0, 61.5, 7, direction="in"))
        >>> counts.rows()
        [Count(start=60.0, rule='gate', kind='line_cross', direction='in', count=1)]
    """

    def __init__(self, bucket: float = 60.0, keep: int = 1440) -> None:
        if not 0 < bucket < math.inf or keep < 1:
            raise InputError(
                f"counts need a stretch above 0 s and at least one of them; got {bucket} s, {keep}"
            )
        self.bucket = float(bucket)
        self.keep = keep
        self._buckets: dict[int, Counter[Key]] = {}
        self._totals: Counter[Key] = Counter()
        self._oldest = -math.inf

    def add(self, *events: Event) -> None:
        """Count events."""
        for event in events:
            key = (event.rule, event.kind, event.direction or "")
            self._totals[key] += 1
            number = math.floor(event.time / self.bucket)
            if number < self._oldest:
                continue
            self._buckets.setdefault(number, Counter())[key] += 1
            while len(self._buckets) > self.keep:
                first = min(self._buckets)
                del self._buckets[first]
                self._oldest = first + 1

    def rows(self) -> list[Count]:
        """The counts of all kept stretches that are not 0, by time, rule, kind and direction."""
        return [
            Count(number * self.bucket, *key, count)
            for number in sorted(self._buckets)
            for key, count in _ordered(self._buckets[number].items())
        ]

    def totals(self) -> dict[Key, int]:
        """Counts of all time by (rule, kind, direction)."""
        return dict(_ordered(self._totals.items()))


def _ordered(counts: Iterable[tuple[Key, int]]) -> list[tuple[Key, int]]:
    return sorted(counts)
