"""Streams: defined, changed, started, stopped, tried."""

from __future__ import annotations

import threading
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends, Request, Response

from sightline.service.access.principals import Principal
from sightline.service.api.audit import note
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Operator, OperatorEverywhere, Viewer, requires
from sightline.service.api.pagination import Listing, PageQuery, slice_page
from sightline.service.api.schemas.streams import StreamAnswer, StreamChanges, StreamRequest
from sightline.service.cameras.probe import probe
from sightline.service.config import Stream
from sightline.service.errors import TooManyError
from sightline.service.live.privacy import blur_people
from sightline.service.live.rendering import encode_jpeg

__all__ = ["router"]

router = APIRouter(tags=["streams"])

# Each is a process that decodes.
_probes = threading.BoundedSemaphore(2)
_PROBE_RETRY_SECONDS = 5.0


@router.get("/v1/streams", summary="List streams")
def list_streams(
    principal: Viewer, context: CurrentContext, paging: PageQuery
) -> Listing[StreamAnswer]:
    """The streams that the key may see, by identifier, with their state."""
    views = [view for view in context.streams.views() if principal.sees(view.stream.id)]
    page, following = slice_page(views, lambda view: view.stream.id, paging)
    return Listing(items=[StreamAnswer.of(view) for view in page], next_cursor=following)


@router.post("/v1/streams", status_code=201, summary="Make a stream")
def create_stream(
    body: StreamRequest,
    _: OperatorEverywhere,
    request: Request,
    response: Response,
    context: CurrentContext,
) -> StreamAnswer:
    """Add a stream and start it; its address has to be allowed (`security.allowed_networks`)."""
    context.access.check_source(body.url)
    view = context.streams.create(body)
    note(request, target=body.id, url=StreamAnswer.of(view).url)
    response.headers["Location"] = f"/v1/streams/{body.id}"
    return StreamAnswer.of(view)


@router.post(
    "/v1/streams/probe",
    summary="Try a stream",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "Its first picture."}},
)
def probe_stream(
    body: StreamRequest,
    _: Annotated[Principal, Depends(requires("operator", everywhere=True, changes=False))],
    context: CurrentContext,
) -> Response:
    """Connect to a stream that is not made yet; its first picture, or why there is none.

    Masks are black; with `privacy.blur` the whole picture is blurred, since nobody was looked for.
    """
    return _first_picture(body, context)


@router.get("/v1/streams/{stream_id}", summary="One stream")
def read_stream(stream_id: str, _: Viewer, context: CurrentContext) -> StreamAnswer:
    """One stream with its state, rates and last error."""
    return StreamAnswer.of(context.streams.view(stream_id))


@router.patch("/v1/streams/{stream_id}", summary="Change a stream")
def change_stream(
    stream_id: str, body: StreamChanges, _: Operator, request: Request, context: CurrentContext
) -> StreamAnswer:
    """Change fields of a stream; it reconnects only where what it reads has changed."""
    changes = _merged(stream_id, body, context)
    if body.url is not None:
        context.access.check_source(body.url)
    view = context.streams.update(stream_id, changes)
    note(request, fields=sorted(changes))
    return StreamAnswer.of(view)


@router.post(
    "/v1/streams/{stream_id}/probe",
    summary="Try changes of a stream",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "Its first picture."}},
)
def probe_changes(
    stream_id: str,
    body: StreamChanges,
    _: Annotated[Principal, Depends(requires("operator", changes=False))],
    context: CurrentContext,
) -> Response:
    """Connect to a stream as it would be with changes; its first picture, or why there is none.

    Nothing changes. What is left out is taken from the stream, its password too unless `url` is
    given; masks and blur are as with a stream that is not made yet.
    """
    stream = context.streams.changed(stream_id, _merged(stream_id, body, context))
    return _first_picture(stream, context)


@router.delete("/v1/streams/{stream_id}", status_code=204, summary="Delete a stream")
def delete_stream(stream_id: str, _: Operator, context: CurrentContext) -> None:
    """Stop a stream and forget its definition; its events, tracks and counts stay."""
    context.streams.delete(stream_id)


@router.post("/v1/streams/{stream_id}/start", summary="Start a stream")
def start_stream(stream_id: str, _: Operator, context: CurrentContext) -> StreamAnswer:
    """Let a stream run, also after restarts; one that failed is tried again at once."""
    context.streams.start(stream_id)
    return StreamAnswer.of(context.streams.view(stream_id))


@router.post("/v1/streams/{stream_id}/stop", summary="Stop a stream")
def stop_stream(stream_id: str, _: Operator, context: CurrentContext) -> StreamAnswer:
    """Let a stream rest, also after restarts, until it is started."""
    context.streams.stop(stream_id)
    return StreamAnswer.of(context.streams.view(stream_id))


def _merged(stream_id: str, body: StreamChanges, context: Context) -> dict[str, Any]:
    """Changes with their objects filled up from the stream (RFC 7396)."""
    stream = context.streams.view(stream_id).stream
    changes = body.values()
    for name in ("privacy", "reconnect", "rules"):
        if isinstance(changes.get(name), dict):
            changes[name] = {**getattr(stream, name).model_dump(mode="json"), **changes[name]}
    return changes


def _first_picture(stream: Stream, context: Context) -> Response:
    guard = context.access.check_source(stream.url)
    if not _probes.acquire(blocking=False):
        raise TooManyError("two streams are being tried already", _PROBE_RETRY_SECONDS)
    try:
        image = probe(stream, guard)
    finally:
        _probes.release()
    if stream.privacy.blur != "off":
        height, width = image.shape[:2]
        blur_people(image, np.array([[0, 0, width, height]], np.float32), "people")
    return Response(encode_jpeg(image), media_type="image/jpeg")
