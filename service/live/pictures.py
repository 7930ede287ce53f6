"""Pictures for whoever watches: rendered once a frame for all of them, and not without one."""

from __future__ import annotations

import asyncio
import json
import struct
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from types import TracebackType
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from sightline.service.engine.messages import FrameResult
from sightline.service.errors import UnknownError
from sightline.service.live.hub import Hub
from sightline.service.live.messages import describe_frame
from sightline.service.live.privacy import Blur
from sightline.service.live.rendering import render
from sightline.service.steady import SteadyClock
from sightline.video.draw import TrackPainter

__all__ = [
    "Picture",
    "PictureSource",
    "Pictures",
    "PicturesStatistics",
    "Viewing",
]

_WIDTHS = (320, 480, 640, 960, 1280, 1920)
_WATCH_SECONDS = 6.0
_RENEW_SECONDS = 2.0
_STALE_SECONDS = 1.0


class PictureSource(Protocol):
    """Where looked-at frames come from: the engine."""

    def watch(self, id: str, until: float) -> None:  # noqa: A002
        """Keep the last looked-at frame of a stream until a time in UNIX seconds."""

    def picture(self, id: str) -> tuple[npt.NDArray[np.uint8], FrameResult] | None:  # noqa: A002
        """The last looked-at frame, (H, W, 3) uint8 BGR, and what was found in it."""


@dataclass(frozen=True)
class Picture:
    """One frame as it leaves the service.

    Args:
        result: What was found in this very frame.
        jpeg: The picture.
    """

    result: FrameResult
    jpeg: bytes

    @cached_property
    def message(self) -> bytes:
        """Picture and boxes of one frame in one message, packed once for all who watch.

        The length of the JSON as 4 bytes, most significant first; the JSON as
        `describe_frame` has it; the JPEG.
        """
        fields = {"type": "picture", **describe_frame(self.result)}
        text = json.dumps(fields, separators=(",", ":")).encode()
        return struct.pack(">I", len(text)) + text + self.jpeg


@dataclass(frozen=True, slots=True)
class PicturesStatistics:
    """What was shown.

    Args:
        viewers: Who watches now.
        rendered: Pictures made since the start.
    """

    viewers: int
    rendered: int


class Pictures:
    """Renders what is watched, in threads of its own; used in one event loop.

    Args:
        engine: Where frames come from.
        hub: Tells when there is a new one.
        blur_of: What is made unrecognisable in a stream, by its identifier.
        clock: The service's time.
    """

    def __init__(
        self,
        engine: PictureSource,
        hub: Hub,
        blur_of: Callable[[str], Blur],
        clock: SteadyClock,
    ) -> None:
        self.engine = engine
        self.hub = hub
        self.blur_of = blur_of
        self.clock = clock
        self._views: dict[tuple[str, bool, int | None], _View] = {}
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="pictures")
        self._rendered = 0

    @property
    def statistics(self) -> PicturesStatistics:
        """Who watches, and how much was rendered."""
        viewers = sum(view.viewers for view in list(self._views.values()))
        return PicturesStatistics(viewers, self._rendered)

    def watch(
        self,
        stream: str,
        *,
        boxes: bool,
        width: int | None = None,
        fps: float | None = None,
    ) -> Viewing:
        """A viewer of a stream; a context manager.

        Args:
            stream: Its identifier.
            boxes: Whether boxes and ids are drawn.
            width: Pixels that pictures are scaled down to, or the next larger usual width; None for
                all there are.
            fps: Most pictures a second; None for as many as the stream has.
        """
        key = (stream, boxes, _usual_width(width))
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = _View(stream, TrackPainter() if boxes else None, key[2])
        view.viewers += 1
        return Viewing(self, view, 0.0 if fps is None else 1 / fps)

    def close(self) -> None:
        """End the threads; close the hub before, so that nobody waits for a picture."""
        self._threads.shutdown(wait=True, cancel_futures=True)

    def leave(self, view: _View) -> None:
        """One viewer less; with the last one what was kept for the view goes."""
        view.viewers -= 1
        if view.viewers == 0:
            del self._views[(view.stream, view.painter is not None, view.width)]

    async def newest(self, view: _View, at: float) -> Picture | None:
        """The picture of the frame captured at a time or later; an older one if there is no other.

        None before the engine has kept one.
        """
        while True:
            if view.latest is not None and view.latest.result.captured_at >= at:
                return view.latest
            if view.rendering is None:
                loop = asyncio.get_running_loop()
                view.rendering = loop.run_in_executor(self._threads, self._render, view)
                view.rendering.add_done_callback(lambda _: view.finish())
                return await asyncio.shield(view.rendering)
            # Somebody else's, perhaps of the frame before: look again when it is there.
            await asyncio.shield(view.rendering)

    def _render(self, view: _View) -> Picture | None:
        found = self.engine.picture(view.stream)
        if found is None:
            return None
        image, result = found
        latest = view.latest
        if latest is not None and latest.result.captured_at >= result.captured_at:
            return latest
        if view.painter is not None:
            view.painter.class_names = result.class_names
        try:
            blur = self.blur_of(view.stream)
        except UnknownError:  # deleted meanwhile
            return None
        jpeg = render(image, result, blur, width=view.width, painter=view.painter)
        self._rendered += 1
        view.latest = Picture(result, jpeg)
        return view.latest


class Viewing:
    """One viewer of a stream, made by `Pictures.watch`.

    Args:
        pictures: Whose it is.
        view: What it watches, shared with others who watch the same.
        interval: Least seconds between two pictures.
    """

    def __init__(self, pictures: Pictures, view: _View, interval: float) -> None:
        self._pictures = pictures
        self._view = view
        self._interval = interval
        self._due = 0.0
        self._had = 0.0
        self._known = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pictures.leave(self._view)

    async def next(self) -> Picture | None:
        """The newest picture that it has not had; None when there will be none any more."""
        while await self.wait():
            picture = await self.take()
            if picture is not None:
                return picture
        return None

    async def wait(self) -> bool:
        """Wait until it is time for a picture and there is a new frame; nothing is rendered yet.

        Returns:
            False when there will be none any more.
        """
        early = self._due - asyncio.get_running_loop().time()
        if early > 0:
            await asyncio.sleep(early)
        engine, clock = self._pictures.engine, self._pictures.clock
        while True:
            engine.watch(self._view.stream, clock.now() + _WATCH_SECONDS)
            try:
                async with asyncio.timeout(_RENEW_SECONDS):
                    result = await self._pictures.hub.next_frame(self._view.stream, self._known)
            except TimeoutError:
                continue
            if result is None:
                return False
            self._known = result.captured_at
            return True

    async def take(self) -> Picture | None:
        """The newest picture; None if it had that one already, or none was kept.

        What the engine kept while somebody watched long ago is not what is seen now.
        """
        picture = await self._pictures.newest(self._view, self._known)
        if picture is None:
            return None
        at = picture.result.captured_at
        if at <= self._had or at < self._known - _STALE_SECONDS:
            return None
        self._had = at
        self._known = max(self._known, self._had)
        # From when it was due, so that jitter of the frames does not lower the rate.
        now = asyncio.get_running_loop().time()
        self._due = max(self._due + self._interval, now)
        return picture


@dataclass(slots=True, eq=False)
class _View:
    """What all who watch the same share."""

    stream: str
    painter: TrackPainter | None
    width: int | None
    viewers: int = 0
    latest: Picture | None = None
    rendering: asyncio.Future[Picture | None] | None = None

    def finish(self) -> None:
        self.rendering = None


def _usual_width(width: int | None) -> int | None:
    """The next larger of a few widths, so that those who watch share what is rendered.

    Args:
        width: Pixels; None for the whole picture, as for what is wider than all of them.
    """
    return next((usual for usual in _WIDTHS if width is not None and usual >= width), None)
