"""Times as the interface writes and takes them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import pydantic
from fastapi import Query

from sightline.errors import InputError

__all__ = ["Begin", "End", "Time", "seconds_of"]

_EXAMPLE = "2026-03-01T12:00:00.000Z"

Time = Annotated[
    str, pydantic.Field(json_schema_extra={"format": "date-time"}, examples=[_EXAMPLE])
]
"""A time of an answer: RFC 3339, UTC, to the millisecond (`steady.rfc3339`)."""

Begin = Annotated[
    pydantic.AwareDatetime | None,
    Query(description="Not before this time (RFC 3339).", examples=[_EXAMPLE]),
]
End = Annotated[
    pydantic.AwareDatetime | None,
    Query(description="Before this time (RFC 3339).", examples=[_EXAMPLE]),
]


def seconds_of(time: datetime | None) -> float | None:
    """UNIX seconds of a time that came with a request.

    Raises:
        InputError: It is before 1970 or far in the future, which no database has to take.
    """
    if time is None:
        return None
    seconds = time.timestamp()
    if not 0 <= seconds < 2**33:
        raise InputError(f"times lie between 1970 and 2242; got {time.isoformat()}")
    return seconds
