"""What lists of results are narrowed by: a stretch of time, and the streams that are granted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import pydantic
from fastapi import Depends, Query

from sightline.errors import InputError
from sightline.service.access.principals import Principal
from sightline.service.errors import unknown_stream
from sightline.service.settings import Identifier

__all__ = ["BetweenQuery", "Span", "StreamsQuery", "granted_streams"]

_MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time.

    Args:
        begin: UNIX seconds of its first moment; None for no beginning.
        end: UNIX seconds of the moment behind it; None for no end.
    """

    begin: float | None
    end: float | None


def _span(
    begin: Annotated[
        pydantic.AwareDatetime | None,
        Query(description="Not before this time (RFC 3339).", examples=["2026-05-01T00:00:00Z"]),
    ] = None,
    end: Annotated[
        pydantic.AwareDatetime | None,
        Query(description="Before this time (RFC 3339).", examples=["2026-05-02T00:00:00Z"]),
    ] = None,
) -> Span:
    if begin is not None and end is not None and end <= begin:
        raise InputError("end is a time after begin")
    return Span(
        None if begin is None else begin.timestamp(), None if end is None else end.timestamp()
    )


BetweenQuery = Annotated[Span, Depends(_span)]
"""An argument of a handler: `begin` and `end` of the query."""

StreamsQuery = Annotated[
    list[Identifier] | None,
    Query(alias="stream", max_length=_MOST_NAMES, description="Of these streams; all if left out."),
]
"""An argument of a handler, to be narrowed by `granted_streams`."""


def granted_streams(principal: Principal, wanted: Sequence[str] | None) -> Sequence[str] | None:
    """The streams that a list is about; None for all.

    Raises:
        UnknownError: One of the wanted ones is not granted.
    """
    if wanted is None:
        return principal.streams
    hidden = next((name for name in wanted if not principal.sees(name)), None)
    if hidden is not None:
        raise unknown_stream(hidden)
    return wanted
