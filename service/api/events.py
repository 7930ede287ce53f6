"""Events: what happened, the latest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.filters import BetweenQuery, StreamsQuery, granted_streams
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.events import EventDescription
from sightline.service.rules.events import EventKind
from sightline.service.settings import Identifier
from sightline.service.store.events import list_events
from sightline.service.store.tracks import parse_track_id

router = APIRouter(tags=["events"])


@router.get("/v1/events", response_model_exclude_unset=True)
def get_events(
    principal: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    kinds: Annotated[
        list[EventKind] | None,
        Query(alias="kind", max_length=20, description="Of these kinds; all if left out."),
    ] = None,
    rules: Annotated[
        list[Identifier] | None,
        Query(alias="rule", max_length=500, description="Of these zones and lines."),
    ] = None,
    classes: Annotated[
        list[Annotated[str, Query(max_length=200)]] | None,
        Query(alias="class", max_length=100, description="Of tracks of these classes."),
    ] = None,
    track: Annotated[
        str | None,
        Query(max_length=100, description="Of this track.", examples=["entrance:17"]),
    ] = None,
) -> Listing[EventDescription]:
    """List events, the latest first.

    `begin` and `end` mean the time at which it happened.
    """
    wanted = granted_streams(principal, streams)
    with context.database.reading() as session:
        page = list_events(
            session,
            streams=wanted,
            kinds=kinds,
            rules=rules,
            classes=classes,
            track=None if track is None else parse_track_id(track),
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    items = [EventDescription.of(stored) for stored in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)
