"""Counts as the interface answers them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import pydantic
from pydantic import Field

from sightline.service.api.schemas.times import Time
from sightline.service.rules.events import Direction, EventKind
from sightline.service.steady import rfc3339
from sightline.service.store.counts import StoredCount

__all__ = ["BUCKETS", "Bucket", "CountAnswer", "csv_lines"]

Bucket = Literal["1m", "5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d"]
"""Lengths of a stretch; they begin at multiples of their length, days at midnight UTC."""

BUCKETS: Mapping[Bucket, int] = {
    "1m": 60,
    "5m": 300,
    "10m": 600,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "3h": 10_800,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}
"""Seconds of each."""


class CountAnswer(pydantic.BaseModel):
    """How often something happened in one stretch of time; what never happened is left out."""

    start: Time = Field(description="Beginning of the stretch.")
    end: Time = Field(description="Beginning of the next one.")
    stream: str = Field(examples=["entrance"])
    rule: str = Field(
        description="Zone or line; empty for what is about the stream as a whole.",
        examples=["door"],
    )
    kind: EventKind
    direction: Direction | None = Field(description="Which way; null where there is none.")
    count: int = Field(examples=[12])

    @classmethod
    def of(cls, count: StoredCount, seconds: int) -> CountAnswer:
        """The answer about a stored count of a stretch of some seconds."""
        return cls.model_validate(
            {
                "start": rfc3339(count.start),
                "end": rfc3339(count.start + seconds),
                "stream": count.stream,
                "rule": count.rule,
                "kind": count.kind,
                "direction": count.direction or None,
                "count": count.count,
            }
        )


def csv_lines(counts: Iterable[StoredCount], seconds: int) -> str:
    """Counts as lines of CSV, in the order of `CountAnswer`; no field needs quotes."""
    lines = (
        f"{rfc3339(one.start)},{rfc3339(one.start + seconds)},{one.stream},{one.rule},{one.kind},"
        f"{one.direction},{one.count}\r\n"
        for one in counts
    )
    return "".join(lines)
