"""Alerts: who is told of events, and how that went.

A key that is limited to streams sees and changes those alerts alone that name streams of its own
and no other; an alert that names none tells of all streams.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from sightline.service.access.principals import Principal
from sightline.service.alerts.book import AlertView
from sightline.service.api.audit import note
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Operator
from sightline.service.api.pagination import Listing, PageQuery, slice_page
from sightline.service.api.schemas.alerts import (
    AlertAnswer,
    AlertBody,
    AlertChanges,
    DeliveryAnswer,
)
from sightline.service.errors import ForbiddenError, UnknownError
from sightline.service.store.deliveries import DeliveryState, list_deliveries, pending_counts

router = APIRouter(tags=["alerts"])

AlertId = Annotated[str, Path(max_length=64, examples=["night-watch"])]


@router.get("/v1/alerts")
def get_alerts(
    principal: Operator, context: CurrentContext, paging: PageQuery
) -> Listing[AlertAnswer]:
    """List alerts by identifier, those of the configuration file among them."""
    views = [view for view in context.alerts.book.views() if _concerns(principal, view)]
    page, following = slice_page(views, lambda view: view.alert.id, paging)
    return Listing(items=_answers(context, page), next_cursor=following)


@router.post("/v1/alerts", status_code=201)
def create_alert(
    request: Request,
    response: Response,
    principal: Operator,
    context: CurrentContext,
    body: AlertBody,
) -> AlertAnswer:
    """Add an alert; it serves at once."""
    _check_streams(principal, body.streams)
    view = context.alerts.book.create(body)
    note(request, target=view.alert.id, streams=list(view.alert.streams))
    response.headers["Location"] = f"/v1/alerts/{view.alert.id}"
    return AlertAnswer.of(view, 0)


@router.patch("/v1/alerts/{alert_id}")
def change_alert(
    request: Request,
    principal: Operator,
    context: CurrentContext,
    alert_id: AlertId,
    body: AlertChanges,
) -> AlertAnswer:
    """Change fields of an alert; secrets that are not given stay."""
    _visible(principal, context, alert_id)
    changes = body.model_dump(exclude_unset=True)
    if "streams" in changes:
        _check_streams(principal, changes["streams"] or ())
    view = context.alerts.book.update(alert_id, changes)
    note(request, fields=sorted(changes))
    return _answers(context, [view])[0]


@router.delete("/v1/alerts/{alert_id}", status_code=204)
def delete_alert(principal: Operator, context: CurrentContext, alert_id: AlertId) -> None:
    """Forget an alert and its deliveries."""
    _visible(principal, context, alert_id)
    context.alerts.book.delete(alert_id)


@router.post("/v1/alerts/{alert_id}/test")
def send_test_alert(
    principal: Operator, context: CurrentContext, alert_id: AlertId
) -> DeliveryAnswer:
    """Send a test message, once, and say how it went.

    It takes up to ten seconds where the target does not answer.
    """
    _visible(principal, context, alert_id)
    return DeliveryAnswer.of(context.alerts.test(alert_id))


@router.get("/v1/alerts/{alert_id}/deliveries")
def get_deliveries(
    principal: Operator,
    context: CurrentContext,
    paging: PageQuery,
    alert_id: AlertId,
    state: Annotated[
        DeliveryState | None,
        Query(description="Of this state: `dead` are the dead letters; all if left out."),
    ] = None,
) -> Listing[DeliveryAnswer]:
    """List the messages of an alert, the newest first."""
    _visible(principal, context, alert_id)
    # An empty stream is that of a test.
    streams = None if principal.streams is None else (*principal.streams, "")
    with context.database.reading() as session:
        page = list_deliveries(
            session,
            alert_id,
            state=state,
            streams=streams,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    items = [DeliveryAnswer.of(delivery) for delivery in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


def _answers(context: Context, views: Sequence[AlertView]) -> list[AlertAnswer]:
    with context.database.reading() as session:
        waiting = pending_counts(session)
    return [AlertAnswer.of(view, waiting.get(view.alert.id, 0)) for view in views]


def _concerns(principal: Principal, view: AlertView) -> bool:
    streams = view.alert.streams
    return principal.streams is None or (bool(streams) and all(map(principal.sees, streams)))


def _visible(principal: Principal, context: Context, alert_id: str) -> AlertView:
    """The alert.

    Raises:
        UnknownError: There is none, or it tells of streams that are not granted.
    """
    view = context.alerts.book.view(alert_id)
    if not _concerns(principal, view):
        raise UnknownError(f"there is no alert {alert_id!r}; GET /v1/alerts lists those there are")
    return view


def _check_streams(principal: Principal, streams: Sequence[str]) -> None:
    """Whether an alert may tell of these streams.

    Raises:
        ForbiddenError: The key is limited, and not to all of these.
    """
    if principal.streams is None:
        return
    if not streams or not all(map(principal.sees, streams)):
        raise ForbiddenError(
            "the key is limited to some streams: the alert has to name streams of these alone"
        )
