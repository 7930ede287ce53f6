"""One WebSocket of the live topics: what it asks for, what it is sent, how it ends."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import suppress
from typing import Annotated, Any, Literal

import pydantic
from fastapi import WebSocket, WebSocketDisconnect
from pydantic import Field
from starlette.websockets import WebSocketDisconnected

from sightline.errors import InputError, SightlineError
from sightline.service.errors import ServiceError
from sightline.service.live.hub import Hub
from sightline.service.live.messages import Message
from sightline.service.live.pictures import Pictures
from sightline.service.live.topics import check_topics, stream_of

__all__ = [
    "ACCESS_ENDED",
    "FAILED",
    "STOPPING",
    "TOO_SLOW",
    "LiveRequest",
    "LiveSocket",
    "PictureOptions",
]

STOPPING = 1012
"""Close code: the service stops; connect again."""
TOO_SLOW = 4008
"""Close code: the client is too far behind; connect again, with the last event's id."""
ACCESS_ENDED = 4401
"""Close code: the key was revoked, or the session is over."""

FAILED = 1011
"""Close code: something went wrong in the service; its log says what."""

_log = logging.getLogger(__name__)

_SEND_SECONDS = 20.0
_CLOSE_SECONDS = 1.0
_CHECK_SECONDS = 5.0
_LARGEST_REQUEST = 64 * 1024


class PictureOptions(pydantic.BaseModel):
    """How pictures are sent."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    fps: Annotated[float, Field(ge=0.1, le=60)] = 5.0
    width: Annotated[int, Field(ge=16, le=8192)] = 640
    boxes: bool = False


class LiveRequest(pydantic.BaseModel):
    """What a client sends: topics to add or to take away."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    type: Literal["subscribe", "unsubscribe"]
    topics: Annotated[list[str], Field(min_length=1)]
    pictures: PictureOptions = PictureOptions()


class LiveSocket:
    """Serves one accepted WebSocket until either side ends it.

    Args:
        websocket: Accepted.
        hub: Where messages come from.
        pictures: Where pictures come from.
        streams: Identifiers of the streams that may be seen; None for all.
        check_stream: Raises if a stream may not be seen or is not there.
        holds: Whether who listens still may.
    """

    def __init__(
        self,
        websocket: WebSocket,
        hub: Hub,
        pictures: Pictures,
        streams: tuple[str, ...] | None,
        check_stream: Callable[[str], object],
        holds: Callable[[], Coroutine[Any, Any, bool]],
    ) -> None:
        self._websocket = websocket
        self._hub = hub
        self._pictures = pictures
        self._check_stream = check_stream
        self._holds = holds
        self._subscription = hub.subscribe(streams)
        self._sending = asyncio.Lock()
        self._watched: dict[str, asyncio.Task[None]] = {}
        self._over: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()

    async def serve(self, topics: list[str], missed: AsyncIterator[Message]) -> None:
        """Listen and send until either side ends it, or the client is too slow.

        Args:
            topics: To begin with; checked.
            missed: Events that come before everything else, the oldest first.
        """
        tasks: list[asyncio.Task[None]] = []
        try:
            if topics:
                await self._subscribe(LiveRequest(type="subscribe", topics=topics))
            work = (
                *(self._receive(), self._send_messages(missed)),
                *(self._check_access(), self._notice_end()),
            )
            tasks += map(self._start, work)
            code = await self._over
        finally:
            self._hub.leave(self._subscription)
            tasks += self._watched.values()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if code is not None:
            await self._close(code)

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """A task whose end by an error ends the connection."""

        async def guarded() -> None:
            try:
                await work
            except (WebSocketDisconnect, WebSocketDisconnected):
                self._finish(None)
            except Exception:
                _log.exception("a live connection failed")
                self._finish(FAILED)

        return asyncio.create_task(guarded())

    def _finish(self, code: int | None) -> None:
        if not self._over.done():
            self._over.set_result(code)

    async def _receive(self) -> None:
        while True:
            message = await self._websocket.receive()
            if message["type"] == "websocket.disconnect":
                self._finish(None)
                return
            try:
                await self._answer(message.get("text") or "")
            except SightlineError as error:
                code = error.code if isinstance(error, ServiceError) else "invalid_request"
                await self._send_fields({"type": "error", "code": code, "detail": str(error)})

    async def _answer(self, text: str) -> None:
        if len(text) > _LARGEST_REQUEST:
            raise InputError(f"a message has at most {_LARGEST_REQUEST} characters")
        try:
            request = LiveRequest.model_validate_json(text)
        except pydantic.ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{where}: {first['msg']}" if where else f"not a message: {first['msg']}"
            ) from None
        check_topics(request.topics, pictures=True)
        if request.type == "subscribe":
            await self._subscribe(request)
        else:
            await self._unsubscribe(request.topics)

    async def _subscribe(self, request: LiveRequest) -> None:
        for stream in filter(None, map(stream_of, request.topics)):
            self._check_stream(stream)
        for topic in request.topics:
            if topic.startswith("pictures:"):
                # Anew, since the options may be others.
                await self._stop_watching(topic)
                work = self._show(topic.partition(":")[2], request.pictures)
                self._watched[topic] = self._start(work)
        told = [topic for topic in request.topics if not topic.startswith("pictures:")]
        self._hub.listen(self._subscription, told)
        await self._send_topics()

    async def _unsubscribe(self, topics: list[str]) -> None:
        for topic in topics:
            await self._stop_watching(topic)
        self._hub.mute(self._subscription, topics)
        await self._send_topics()

    async def _stop_watching(self, topic: str) -> None:
        task = self._watched.pop(topic, None)
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _show(self, stream: str, options: PictureOptions) -> None:
        with self._pictures.watch(
            stream, boxes=options.boxes, width=options.width, fps=options.fps
        ) as viewing:
            while await viewing.wait():
                # A picture is made when there is room to send it: a client that does not read
                # keeps none for itself and makes nobody work.
                async with self._sending:
                    picture = await viewing.take()
                    if picture is not None:
                        await self._limited(self._websocket.send_bytes(picture.message))

    async def _send_messages(self, missed: AsyncIterator[Message]) -> None:
        last = ""
        async for message in missed:
            last = message.event_id or last
            await self._send(message.text)
        while (found := await self._subscription.next()) is not None:
            if found.event_id is None or found.event_id > last:
                await self._send(found.text)

    async def _notice_end(self) -> None:
        """End even while something is being sent that nobody takes."""
        await self._subscription.finished()
        self._finish(TOO_SLOW if self._subscription.ended == "too_slow" else STOPPING)

    async def _check_access(self) -> None:
        while await self._holds():
            await asyncio.sleep(_CHECK_SECONDS)
        self._finish(ACCESS_ENDED)

    async def _send_topics(self) -> None:
        topics = sorted([*self._hub.topics(self._subscription), *self._watched])
        await self._send_fields({"type": "subscribed", "topics": topics})

    async def _send_fields(self, fields: dict[str, Any]) -> None:
        await self._send(json.dumps(fields))

    async def _send(self, text: str) -> None:
        async with self._sending:
            await self._limited(self._websocket.send_text(text))

    async def _limited(self, sending: Coroutine[Any, Any, None]) -> None:
        try:
            await asyncio.wait_for(sending, _SEND_SECONDS)
        except TimeoutError:
            self._hub.give_up(self._subscription)
            raise WebSocketDisconnect(TOO_SLOW) from None

    async def _close(self, code: int) -> None:
        reason = {
            STOPPING: "the service stops",
            TOO_SLOW: "too slow; connect again with the last event's id",
            ACCESS_ENDED: "access has ended",
            FAILED: "something went wrong in the service",
        }[code]
        # Who does not read cannot be told either.
        with suppress(TimeoutError, WebSocketDisconnect, WebSocketDisconnected):
            await asyncio.wait_for(self._websocket.close(code, reason), _CLOSE_SECONDS)
