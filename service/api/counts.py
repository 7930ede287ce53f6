"""Counts of events in stretches of time, as JSON or CSV."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import StreamingResponse

from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.filters import BetweenQuery, StreamsQuery, granted_streams
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.counts import BUCKETS, Bucket, CountAnswer, csv_lines
from sightline.service.rules.events import Direction, EventKind
from sightline.service.settings import Identifier
from sightline.service.store.counts import list_counts
from sightline.service.store.pages import LARGEST_PAGE

router = APIRouter(tags=["counts"])

_CSV = "text/csv"
_CSV_EXAMPLE = ",".join(CountAnswer.model_fields) + (
    "\r\n2026-05-01T12:00:00.000Z,2026-05-01T13:00:00.000Z,entrance,door,line_cross,in,12\r\n"
)


@router.get(
    "/v1/counts",
    responses={200: {"content": {_CSV: {"example": _CSV_EXAMPLE}}}},
    response_model=Listing[CountAnswer],
)
def get_counts(
    principal: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    bucket: Annotated[
        Bucket, Query(description="Length of a stretch; days begin at midnight UTC.")
    ] = "1h",
    rules: Annotated[
        list[Identifier] | None,
        Query(alias="rule", max_length=500, description="Of these zones and lines."),
    ] = None,
    kinds: Annotated[
        list[EventKind] | None,
        Query(alias="kind", max_length=20, description="Of these kinds; all if left out."),
    ] = None,
    directions: Annotated[
        list[Direction] | None,
        Query(alias="direction", max_length=10, description="Of these directions."),
    ] = None,
    accept: Annotated[
        str, Header(max_length=1000, description="`text/csv` for all rows as a table.")
    ] = "*/*",
) -> Listing[CountAnswer] | Response:
    """List counts, the earliest first; what never happened is left out.

    `begin` and `end` mean whole minutes that begin between them. As CSV (`Accept: text/csv`) all
    rows come at once, and `limit` and `cursor` mean nothing.
    """
    filters: dict[str, Any] = {
        "bucket": BUCKETS[bucket],
        "streams": granted_streams(principal, streams),
        "rules": rules,
        "kinds": kinds,
        "directions": directions,
        "begin": between.begin,
        "end": between.end,
    }
    if _wants_csv(accept):
        return StreamingResponse(
            _csv(context, filters),
            media_type=f"{_CSV}; charset=utf-8; header=present",
            headers={"Content-Disposition": 'attachment; filename="counts.csv"'},
        )
    with context.database.reading() as session:
        page = list_counts(session, **filters, cursor=paging.cursor, limit=paging.limit)
    items = [CountAnswer.of(count, BUCKETS[bucket]) for count in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


def _csv(context: Context, filters: dict[str, Any]) -> Iterator[str]:
    """A header, then page after page, each of a moment of its own: a download holds no lock."""
    yield ",".join(CountAnswer.model_fields) + "\r\n"
    cursor: str | None = None
    while True:
        with context.database.reading() as session:
            page = list_counts(session, **filters, cursor=cursor, limit=LARGEST_PAGE)
        yield csv_lines(page.items, filters["bucket"])
        cursor = page.next_cursor
        if cursor is None:
            return


def _wants_csv(accept: str) -> bool:
    """Whether CSV is liked better than JSON (RFC 9110, 12.5.1)."""
    weights = {"application/json": 0.0, _CSV: 0.0}
    for part in accept.lower().split(","):
        kind, _, parameters = part.strip().partition(";")
        match = re.search(r"\bq\s*=\s*([01](?:\.\d{0,3})?)", parameters)
        weight = float(match[1]) if match else 1.0
        if kind.strip() in weights:
            weights[kind.strip()] = weight
    return weights[_CSV] > weights["application/json"]
