"""What happens now: topics by WebSocket or server-sent events, pictures, tracks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Annotated

import pydantic
from fastapi import APIRouter, Header, Query, Response, WebSocket
from fastapi.responses import StreamingResponse
from pydantic import Field
from starlette.types import Send

from sightline.service.access.principals import Principal
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer
from sightline.service.api.live_socket import LiveSocket
from sightline.service.errors import UnavailableError, unknown_stream
from sightline.service.live.messages import Message, describe_frame
from sightline.service.live.pictures import Picture, Viewing
from sightline.service.live.subscription import Subscription
from sightline.service.live.topics import check_event_id, check_topics, missed_events, stream_of
from sightline.service.steady import rfc3339

__all__ = ["TrackNow", "TracksNow", "router"]

_CHECK_SECONDS = 5.0
_SNAPSHOT_SECONDS = 5.0
_BOUNDARY = "sightline-picture"

router = APIRouter(tags=["live"])

Topics = Annotated[
    str,
    Query(
        max_length=50_000,
        description="Topics, separated by commas: events, states, tracks:ID.",
        examples=["events,states,tracks:entrance"],
    ),
]
Since = Annotated[
    str | None,
    Query(description="Id of the last event that is known; those behind it come first."),
]
Raw = Annotated[bool, Query(description="Whether boxes and ids are left out of the picture.")]
Width = Annotated[
    int | None,
    Query(
        ge=16,
        le=8192,
        description="Pixels that the picture may be wide: it is scaled down to the next of 320, "
        "480, 640, 960, 1280, 1920 that is not less.",
    ),
]


class _LiveResponse(StreamingResponse):
    """Ends what it streams as soon as the client is gone, and not when memory is tidied."""

    def __init__(self, content: AsyncGenerator[str] | AsyncGenerator[bytes], media_type: str):
        super().__init__(content, media_type=media_type)
        self._content = content

    async def stream_response(self, send: Send) -> None:
        async with aclosing(self._content):
            await super().stream_response(send)


class TrackNow(pydantic.BaseModel):
    """One track in the last frame."""

    id: str = Field(description="STREAM:NUMBER, never used again.", examples=["entrance:17"])
    class_name: str = Field(examples=["person"])
    box: tuple[float, float, float, float] = Field(
        description="x1 y1 x2 y2 in 0…1 of the picture.", examples=[[0.412, 0.2, 0.468, 0.531]]
    )
    score: float = Field(examples=[0.87])
    seen: bool = Field(description="False where the box is predicted.", examples=[True])
    seconds: float = Field(description="Since its first detection.", examples=[4.2])


class TracksNow(pydantic.BaseModel):
    """Who is where in the last frame that was looked at."""

    stream: str = Field(examples=["entrance"])
    sequence: int = Field(description="Number of the frame; 0 before the first.", examples=[812])
    time: str | None = Field(
        default=None,
        description="When it was captured; null before the first.",
        examples=["2026-03-01T12:00:00.040Z"],
    )
    finished: str | None = Field(
        default=None, description="When it was looked at.", examples=["2026-03-01T12:00:00.090Z"]
    )
    width: int = Field(default=0, description="Pixels.", examples=[768])
    height: int = Field(default=0, description="Pixels.", examples=[576])
    tracks: list[TrackNow] = Field(default=[])


@router.get("/v1/streams/{stream_id}/tracks", summary="Tracks now")
def read_tracks_now(stream_id: str, _: Viewer, context: CurrentContext) -> TracksNow:
    """Who is where in the last frame of a stream that was looked at."""
    result = context.streams.view(stream_id).result
    if result is None:
        return TracksNow(stream=stream_id, sequence=0)
    return TracksNow.model_validate(describe_frame(result))


@router.get(
    "/v1/streams/{stream_id}/snapshot.jpg",
    summary="Picture now",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}, "description": "The picture."}},
)
async def read_snapshot(
    stream_id: str,
    _: Viewer,
    context: CurrentContext,
    raw: Raw = False,
    width: Width = None,
) -> Response:
    """The next frame that is looked at, with boxes and ids; privacy always applies.

    `Sightline-Sequence` and `Sightline-Time` name the frame, as in the topic of its tracks.
    """
    status = context.streams.view(stream_id).status
    if status.state != "RUNNING":
        because = f": {status.error}" if status.error else ""
        raise UnavailableError(
            f"stream {stream_id} shows no picture; it is {status.state}{because}"
        )
    picture = None
    with context.pictures.watch(stream_id, boxes=not raw, width=width) as viewing:
        try:
            async with asyncio.timeout(_SNAPSHOT_SECONDS):
                picture = await viewing.next()
        except TimeoutError:
            pass
    if picture is None:
        raise UnavailableError(
            f"stream {stream_id} had no frame looked at for {_SNAPSHOT_SECONDS:g} s; try again"
        )
    return Response(picture.jpeg, media_type="image/jpeg", headers=_name_frame(picture))


@router.get(
    "/v1/streams/{stream_id}/live.mjpeg",
    summary="Moving picture",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"multipart/x-mixed-replace": {}},
            "description": "A JPEG a part; `Sightline-Sequence` in its header names the frame.",
        }
    },
)
async def watch_stream(
    stream_id: str,
    principal: Viewer,
    context: CurrentContext,
    raw: Raw = False,
    width: Width = None,
    fps: Annotated[float, Query(ge=0.1, le=60, description="Most pictures a second.")] = 10.0,
) -> StreamingResponse:
    """Pictures as multipart, for an `<img>`; frames are left out for who is slow."""
    context.streams.view(stream_id)  # there is none: an answer of its own

    def watch() -> Viewing:
        return context.pictures.watch(stream_id, boxes=not raw, width=width, fps=fps)

    return _LiveResponse(
        _parts(watch, context, principal),
        media_type=f"multipart/x-mixed-replace; boundary={_BOUNDARY}",
    )


@router.get(
    "/v1/live/sse",
    summary="Live topics as server-sent events",
    response_class=StreamingResponse,
    responses={
        200: {
            "content": {"text/event-stream": {}},
            "description": "Events named event, state, removed, tracks; closed before an end.",
        }
    },
)
async def listen_to_stream(
    principal: Viewer,
    context: CurrentContext,
    topics: Topics = "events,states",
    since: Since = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """What happens, as text; a browser's EventSource goes on by itself where it broke off."""
    wanted = check_topics(topics.split(","), pictures=False)
    _check_streams(wanted, principal, context)
    after = last_event_id or since
    after = None if after is None else check_event_id(after)
    return _LiveResponse(_sse(wanted, after, context, principal), media_type="text/event-stream")


@router.websocket("/v1/live")
async def listen_by_websocket(
    websocket: WebSocket,
    principal: Viewer,
    context: CurrentContext,
    topics: Topics = "",
    since: Since = None,
) -> None:
    """What happens, topic by topic; docs/live.md has the messages."""
    wanted = check_topics(filter(None, topics.split(",")), pictures=True)
    _check_streams(wanted, principal, context)
    missed = _missed(None if since is None else check_event_id(since), context, principal)

    def check_stream(stream: str) -> None:
        _check_streams([f"tracks:{stream}"], principal, context)

    async def holds() -> bool:
        return bool(await context.access.holds(principal))

    await websocket.accept()
    socket = LiveSocket(
        websocket, context.hub, context.pictures, principal.streams, check_stream, holds
    )
    await socket.serve(wanted, missed)


def _check_streams(topics: list[str], principal: Principal, context: Context) -> None:
    for stream in filter(None, map(stream_of, topics)):
        if not principal.sees(stream):
            raise unknown_stream(stream)
        context.streams.view(stream)


async def _missed(
    after: str | None, context: Context, principal: Principal
) -> AsyncIterator[Message]:
    if after is not None:
        async for message in missed_events(context.database, after, principal.streams):
            yield message


def _name_frame(picture: Picture) -> dict[str, str]:
    return {
        "Sightline-Sequence": str(picture.result.sequence),
        "Sightline-Time": rfc3339(picture.result.captured_at),
    }


async def _parts(
    watch: Callable[[], Viewing], context: Context, principal: Principal
) -> AsyncGenerator[bytes]:
    with watch() as viewing:
        yield f"--{_BOUNDARY}\r\n".encode()
        while await context.access.holds(principal):
            try:
                async with asyncio.timeout(_CHECK_SECONDS):
                    picture = await viewing.next()
            except TimeoutError:
                continue
            if picture is None:
                return
            lines = {
                "Content-Type": "image/jpeg",
                "Content-Length": str(len(picture.jpeg)),
                **_name_frame(picture),
            }
            head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
            # The boundary behind the picture, and not before the next: browsers show a part only
            # when it ends, which would be one picture late.
            yield f"{head}\r\n".encode() + picture.jpeg + f"\r\n--{_BOUNDARY}\r\n".encode()


async def _sse(
    topics: list[str], after: str | None, context: Context, principal: Principal
) -> AsyncGenerator[str]:
    subscription = context.hub.subscribe(principal.streams)
    try:
        context.hub.listen(subscription, topics)
        last = ""
        async for message in _missed(after, context, principal):
            last = message.event_id or last
            yield _sse_event(message)
        while await context.access.holds(principal):
            async for message in _for_a_while(subscription):
                if message.event_id is None or message.event_id > last:
                    yield _sse_event(message)
            if subscription.ended is not None:
                break
            yield ":\n\n"  # still here, and a client that is gone is noticed
        reason = subscription.ended or "access_ended"
        yield f'event: closed\ndata: {{"type":"closed","reason":"{reason}"}}\n\n'
    finally:
        context.hub.leave(subscription)


async def _for_a_while(subscription: Subscription) -> AsyncIterator[Message]:
    """Messages for as long as access need not be checked again."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _CHECK_SECONDS
    while loop.time() < end:
        try:
            async with asyncio.timeout_at(end):
                message = await subscription.next()
        except TimeoutError:
            return
        if message is None:
            return
        yield message


def _sse_event(message: Message) -> str:
    name = "" if message.event_id is None else f"id: {message.event_id}\n"
    return f"{name}event: {message.kind}\ndata: {message.text}\n\n"
