"""Events: what happened, the latest first."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from sightline.service.access.principals import Principal
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.filters import BetweenQuery, StreamsQuery, granted_streams
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.events import EventAnswer, KeptPicture
from sightline.service.errors import UnknownError
from sightline.service.recordings.files import Ending
from sightline.service.rules.events import EventKind
from sightline.service.settings import Identifier
from sightline.service.store.events import StoredEvent, get_event, list_events
from sightline.service.store.tracks import parse_track_id

__all__ = ["KEPT", "EventId", "granted_event", "router"]

router = APIRouter(tags=["events"])

EventId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Identifier of the event.")]

KEPT: dict[KeptPicture, Ending] = {"snapshot": "jpg", "strip": "strip.jpg", "clip": "mp4"}
"""What may be kept of an event, and the ending of its file."""


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
    identity: Annotated[
        int | None,
        Query(ge=1, le=2**63 - 1, description="Of the tracks of this identity across cameras."),
    ] = None,
) -> Listing[EventAnswer]:
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
            identity=identity,
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    items = [_answer(context, stored) for stored in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


@router.get("/v1/events/{event_id}", summary="An event", response_model_exclude_unset=True)
def read_event(event_id: EventId, principal: Viewer, context: CurrentContext) -> EventAnswer:
    """One event, and which pictures are kept of it."""
    return _answer(context, granted_event(event_id, principal, context))


def granted_event(event_id: str, principal: Principal, context: Context) -> StoredEvent:
    """An event.

    Raises:
        UnknownError: It is not there, or its stream is not granted.
    """
    with context.database.reading() as session:
        stored = get_event(session, event_id)
    if stored is None or not principal.sees(stored.event.stream):
        raise UnknownError(f"there is no event {event_id!r}; GET /v1/events lists those there are")
    return stored


def _answer(context: Context, stored: StoredEvent) -> EventAnswer:
    find = context.event_pictures.find
    kept = [name for name, ending in KEPT.items() if find(stored, ending) is not None]
    return EventAnswer.with_pictures(stored, kept)
