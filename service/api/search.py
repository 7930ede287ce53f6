"""Search by appearance."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from sightline.errors import InputError
from sightline.service.access.principals import Principal
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import requires
from sightline.service.api.filters import BetweenQuery, StreamsQuery, granted_streams
from sightline.service.api.schemas.search import SearchAnswer, SearchRequest, search_body
from sightline.service.errors import UnknownError, UnsupportedError
from sightline.service.search.search import Box, Filters
from sightline.service.settings import describe_problem
from sightline.service.store.tracks import parse_track_id

router = APIRouter(tags=["search"])


@router.post("/v1/search", summary="Search by appearance", openapi_extra=search_body())
async def search_tracks(
    request: Request,
    principal: Annotated[Principal, Depends(requires("viewer", changes=False))],
    context: CurrentContext,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    classes: Annotated[
        list[Annotated[str, Query(max_length=200)]] | None,
        Query(alias="class", max_length=100, description="Of tracks of these classes."),
    ] = None,
    box: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Where the person is in the picture: x1,y1,x2,y2 in 0…1; the largest "
            "person is taken if left out.",
            examples=["0.1,0.2,0.4,0.9"],
        ),
    ] = None,
    limit: Annotated[int, Query(ge=1, le=500, description="Most tracks of the answer.")] = 20,
) -> SearchAnswer:
    """Send a picture (JPEG, PNG, WebP), or the name of a track as JSON: the tracks most alike.

    `begin` and `end` bound when the tracks were seen.
    """
    filters = Filters(
        granted_streams(principal, streams), classes, between.begin, between.end, limit
    )
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    body = await request.body()
    if kind == "application/json":
        stream, number = _track(body, principal)
        return SearchAnswer.of(
            await run_in_threadpool(context.search.by_track, stream, number, filters)
        )
    if not (kind.startswith("image/") or kind in ("", "application/octet-stream")):
        raise UnsupportedError(f"the body is {kind}; expected a picture, or a track as JSON")
    place = None if box is None else _box(box)
    return SearchAnswer.of(await run_in_threadpool(context.search.by_picture, body, place, filters))


def _track(body: bytes, principal: Principal) -> tuple[str, int]:
    try:
        asked = SearchRequest.model_validate_json(body)
    except pydantic.ValidationError as error:
        raise InputError(f"body: {describe_problem(error, SearchRequest)}") from None
    stream, number = parse_track_id(asked.track)
    if not principal.sees(stream):
        raise UnknownError(f"there is no track '{stream}:{number}'")
    return stream, number


def _box(text: str) -> Box:
    try:
        x1, y1, x2, y2 = map(float, text.split(","))
    except ValueError:
        raise InputError("box is x1,y1,x2,y2 in 0…1 of the picture") from None
    if not (0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1):
        raise InputError("box is x1,y1,x2,y2 in 0…1 of the picture, x1 < x2 and y1 < y2")
    return x1, y1, x2, y2
