"""How many were there, for how long, where they stood and which way they went."""

from __future__ import annotations

import math
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query

from sightline.errors import InputError
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.filters import BetweenQuery, Span, StreamsQuery, granted_streams
from sightline.service.api.schemas.counts import BUCKETS, Bucket
from sightline.service.api.schemas.presence import MovementAnswer, PresenceAnswer, PresenceRow
from sightline.service.movement import movement_of
from sightline.service.presence import presence_of
from sightline.service.steady import rfc3339
from sightline.service.store.paths import paths_between
from sightline.service.store.presence import stays_between

router = APIRouter(tags=["counts"])

_DAY = 86_400.0
_LONGEST = 31 * _DAY
_MOST_STRETCHES = 3000
_ClassesQuery = Annotated[
    list[Annotated[str, Query(max_length=200)]] | None,
    Query(alias="class", max_length=100, description="Of these classes; all if left out."),
]
_CellsQuery = Query(ge=4, le=256)


@router.get("/v1/presence", summary="Presence by time")
def get_presence(
    principal: Viewer,
    context: CurrentContext,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    classes: _ClassesQuery = None,
    bucket: Annotated[
        Bucket, Query(description="Length of a stretch; days begin at midnight UTC.")
    ] = "1h",
) -> PresenceAnswer:
    """How many were in each picture and zone, and for how long; the last day if nothing is said.

    `begin` and `end` are widened to whole stretches; 31 days at most. The picture as a whole is
    counted from stored tracks, zones from their events.
    """
    begin, end = _stretch(between, context)
    length = BUCKETS[bucket]
    first, behind = math.floor(begin / length) * length, math.ceil(end / length) * length
    count = (behind - first) // length
    if count > _MOST_STRETCHES:
        raise InputError(
            f"{count} stretches of {bucket} lie in that time, and an answer has at most "
            f"{_MOST_STRETCHES}; choose longer ones or a shorter time"
        )
    wanted = granted_streams(principal, streams)
    with context.database.reading() as session:
        stays = stays_between(session, first, behind, streams=wanted, classes=classes)
    found = presence_of(stays, first + length * np.arange(count + 1, dtype=np.float64))
    return PresenceAnswer(
        begin=rfc3339(first),
        end=rfc3339(behind),
        items=[PresenceRow.of(one, length) for one in found],
    )


@router.get("/v1/streams/{stream_id}/movement", summary="Heat map and flow")
def get_movement(
    stream_id: str,
    _: Viewer,
    context: CurrentContext,
    between: BetweenQuery,
    classes: _ClassesQuery = None,
    columns: Annotated[int, _CellsQuery] = 64,
    rows: Annotated[int, _CellsQuery] = 36,
) -> MovementAnswer:
    """Where people stood in a stream's picture and which way they went, from stored tracks.

    The last day if nothing is said; 31 days at most.
    """
    context.streams.view(stream_id)  # there is none: an answer of its own
    begin, end = _stretch(between, context)
    with context.database.reading() as session:
        paths = paths_between(session, stream_id, begin, end, classes=classes)
        movement = movement_of(paths, columns=columns, rows=rows)
    return MovementAnswer.of(stream_id, begin, end, movement)


def _stretch(between: Span, context: Context) -> tuple[float, float]:
    """The stretch that is asked for, or the day until now."""
    end = context.clock.now() if between.end is None else between.end
    begin = end - _DAY if between.begin is None else between.begin
    if not 0 < end - begin <= _LONGEST:
        raise InputError("begin lies before end, by at most 31 days")
    return begin, end
