"""Pictures and clips of events, where they are kept."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from sightline.service.access.principals import Principal
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.errors import UnknownError
from sightline.service.recordings.files import Ending
from sightline.service.store.events import get_event

router = APIRouter(tags=["events"])

EventId = Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$", description="Identifier of the event.")]


@router.get(
    "/v1/events/{event_id}/snapshot.jpg",
    summary="Picture of an event",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def read_event_snapshot(
    event_id: EventId, principal: Viewer, context: CurrentContext
) -> FileResponse:
    """The frame that the event was decided on, with boxes; people blurred where that is set."""
    return _file(event_id, "jpg", "image/jpeg", principal, context)


@router.get(
    "/v1/events/{event_id}/clip.mp4",
    summary="Clip of an event",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}},
)
def read_event_clip(event_id: EventId, principal: Viewer, context: CurrentContext) -> FileResponse:
    """What the camera saw around the event; answers byte ranges."""
    return _file(event_id, "mp4", "video/mp4", principal, context)


def _file(
    event_id: str, ending: Ending, media_type: str, principal: Principal, context: Context
) -> FileResponse:
    with context.database.reading() as session:
        stored = get_event(session, event_id)
    if stored is None or not principal.sees(stored.event.stream):
        raise UnknownError(f"there is no event {event_id!r}; GET /v1/events lists those there are")
    path = context.event_pictures.find(stored, ending)
    if path is None:
        wanted = context.config.storage.event_pictures
        on = wanted.snapshots if ending == "jpg" else wanted.clips
        reason = "it is too old, or could not be made" if on else "storage.event_pictures is off"
        raise UnknownError(f"nothing of that kind is kept of the event: {reason}")
    return FileResponse(path, media_type=media_type)
