"""Pictures and clips of events where they are kept, and of tracks out of them."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response

from sightline.service.access.principals import Principal
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.events import KEPT, EventId, granted_event
from sightline.service.api.schemas.events import KeptPicture
from sightline.service.api.tracks import TrackId
from sightline.service.errors import UnknownError
from sightline.service.recordings.portraits import box_at, cut_portrait
from sightline.service.store.events import list_events
from sightline.service.store.tracks import get_track, parse_track_id, track_path

router = APIRouter(tags=["events"])

_MOST_EVENTS = 20


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
    return _file(event_id, "snapshot", "image/jpeg", principal, context)


@router.get(
    "/v1/events/{event_id}/strip.jpg",
    summary="Strip of an event",
    response_class=FileResponse,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def read_event_strip(event_id: EventId, principal: Viewer, context: CurrentContext) -> FileResponse:
    """Some small pictures of its clip side by side, the earliest left, around where it happened."""
    return _file(event_id, "strip", "image/jpeg", principal, context)


@router.get(
    "/v1/events/{event_id}/clip.mp4",
    summary="Clip of an event",
    response_class=FileResponse,
    responses={200: {"content": {"video/mp4": {}}}},
)
def read_event_clip(event_id: EventId, principal: Viewer, context: CurrentContext) -> FileResponse:
    """What the camera saw around the event; answers byte ranges."""
    return _file(event_id, "clip", "video/mp4", principal, context)


@router.get(
    "/v1/tracks/{track_id}/picture.jpg",
    summary="Picture of a track",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def read_track_picture(track_id: TrackId, principal: Viewer, context: CurrentContext) -> Response:
    """Whom it is of: cut out of the latest picture of its events; people blurred where set."""
    portrait = _portrait(track_id, principal, context)
    if portrait is None:
        raise UnknownError(
            f"there is no picture of track {track_id!r}: none was kept of its events "
            "(storage.event_pictures), or it is too old"
        )
    return Response(portrait, media_type="image/jpeg")


def _portrait(track_id: str, principal: Principal, context: Context) -> bytes | None:
    stream, number = parse_track_id(track_id)
    if not principal.sees(stream):
        return None
    with context.database.reading() as session:
        track = get_track(session, stream, number)
        path = track_path(session, stream, number)
        page = list_events(session, track=(stream, number), limit=_MOST_EVENTS)
    if track is None or path is None:
        return None
    for stored in page.items:
        picture = context.event_pictures.find(stored, "jpg")
        box = box_at(path, stored.event.decided - track.started_at)
        if picture is not None and box is not None:
            portrait = cut_portrait(picture, box)
            if portrait is not None:
                return portrait
    return None


def _file(
    event_id: str, kind: KeptPicture, media_type: str, principal: Principal, context: Context
) -> FileResponse:
    stored = granted_event(event_id, principal, context)
    path = context.event_pictures.find(stored, KEPT[kind])
    if path is None:
        wanted = context.config.storage.event_pictures
        on = wanted.snapshots if kind == "snapshot" else wanted.clips
        reason = "it is too old, or could not be made" if on else "storage.event_pictures is off"
        raise UnknownError(f"nothing of that kind is kept of the event: {reason}")
    return FileResponse(path, media_type=media_type)
