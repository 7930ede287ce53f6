"""Identities across cameras: which tracks are one person's."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.filters import BetweenQuery, StreamsQuery, granted_streams
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.identities import IdentityAnswer
from sightline.service.errors import UnknownError
from sightline.service.store.identities import list_identities, members_of

router = APIRouter(tags=["identities"])


@router.get("/v1/identities")
def get_identities(
    principal: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
    streams: StreamsQuery = None,
) -> Listing[IdentityAnswer]:
    """List who was joined across cameras, the newest number first.

    `stream`, `begin` and `end` select those with a track there and then; all their tracks that
    are granted are shown.
    """
    wanted = granted_streams(principal, streams)
    with context.database.reading() as session:
        page = list_identities(
            session,
            streams=wanted,
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
        members = members_of(session, page.items, principal.streams)
    items = [IdentityAnswer.of(members[number]) for number in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


@router.get("/v1/identities/{identity}", summary="An identity")
def get_identity(
    principal: Viewer,
    context: CurrentContext,
    identity: Annotated[int, Path(ge=1, le=2**63 - 1, examples=[214])],
) -> IdentityAnswer:
    """Who was joined under a number, as far as its tracks are still kept and granted."""
    with context.database.reading() as session:
        members = members_of(session, [identity], principal.streams).get(identity)
    if not members:
        raise UnknownError(f"there is no identity {identity}; GET /v1/identities lists them")
    return IdentityAnswer.of(members)
