"""One detector for many videos: frames that wait at the same time go through it together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from sightline.protocols import Detector
from sightline.structures import Detections, Frame

__all__ = ["DetectorServer"]


class DetectorServer:
    """A detector that several videos ask; Ray makes an actor of it.

    While the network runs, requests gather; the next run takes what has gathered, up to a number
    of frames, whichever videos they are of. Results do not depend on who asks beside whom.

    Args:
        open_detector: Opens the detector, when it is first needed.
        most: Frames that a run takes at most, if a request alone has no more.
    """

    def __init__(self, open_detector: Callable[[], Detector], most: int) -> None:
        self._open = open_detector
        self._most = most
        self._detector: Detector | None = None
        self._waiting: deque[tuple[list[Frame], asyncio.Future[list[Detections]]]] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def class_names(self) -> tuple[str, ...]:
        """Name of each class index.

        Raises:
            ModelError: The network cannot be found, loaded or used on this node.
        """
        return self._opened().class_names

    async def detect(self, frames: list[Frame]) -> list[Detections]:
        """One Detections a frame.

        Raises:
            ModelError: The network failed.
        """
        done: asyncio.Future[list[Detections]] = asyncio.get_running_loop().create_future()
        self._waiting.append((frames, done))
        if self._serving is None:
            self._serving = asyncio.create_task(self._serve())
        return await done

    async def _serve(self) -> None:
        while self._waiting:
            requests = [self._waiting.popleft()]
            count = len(requests[0][0])
            while self._waiting and count + len(self._waiting[0][0]) <= self._most:
                requests.append(self._waiting.popleft())
                count += len(requests[-1][0])
            frames = [frame for own, _ in requests for frame in own]
            try:
                found = await asyncio.to_thread(self._opened().detect, frames)
            except Exception as error:
                for _, done in requests:
                    done.set_exception(error)
                continue
            place = 0
            for own, done in requests:
                done.set_result(found[place : place + len(own)])
                place += len(own)
        self._serving = None

    def _opened(self) -> Detector:
        if self._detector is None:
            self._detector = self._open()
        return self._detector
