"""Clips that were asked of nodes and are still to come."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future

from sightline.cluster.live.wire import AskClip, ClipMade
from sightline.errors import SourceError, StateError
from sightline.service.cameras.clips import Clip, HiddenAreas

__all__ = ["ClipRequests"]


class ClipRequests:
    """Used by one thread; who waits for a future may be another."""

    def __init__(self) -> None:
        self._waiting: dict[int, tuple[str, Future[Clip]]] = {}
        self._asked = 0

    def ask(
        self,
        node: str,
        future: Future[Clip],
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas],
        strip: tuple[float | None, tuple[float, float] | None],
    ) -> AskClip:
        """The order for a node; its answer fulfils the future."""
        self._asked += 1
        self._waiting[self._asked] = (node, future)
        return AskClip(self._asked, stream, begin, end, tuple(hidden), *strip)

    def answer(self, made: ClipMade) -> None:
        """Take what a node made."""
        _, future = self._waiting.pop(made.number, ("", None))
        if future is None:
            return
        if made.clip is not None:
            future.set_result(made.clip)
        else:
            future.set_exception(made.error or StateError("no clip was made"))

    def fail(self, node: str) -> None:
        """Nothing comes of a node any more."""
        for number, (asked, future) in list(self._waiting.items()):
            if asked == node:
                del self._waiting[number]
                future.set_exception(SourceError("the node is gone", "stream_ended"))
