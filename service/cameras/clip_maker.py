"""Makes clips beside the reading, one at a time."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory

from sightline.errors import SourceError
from sightline.service.cameras.clips import make_clip
from sightline.service.cameras.messages import ClipMade, MakeClip
from sightline.service.cameras.packets import PacketRing
from sightline.service.cameras.strips import make_strip

__all__ = ["ClipMaker"]

_NICENESS = 10


class ClipMaker:
    """Answers requests for clips by a thread of lower priority.

    Args:
        packets: What clips are made of.
        answer: Called with a `ClipMade` for every request.
    """

    def __init__(self, packets: PacketRing, answer: Callable[[ClipMade], None]) -> None:
        self._packets = packets
        self._answer = answer
        self._requests: queue.SimpleQueue[MakeClip] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="clips", daemon=True).start()

    def put(self, request: MakeClip) -> None:
        """Make this clip when those before it are made."""
        self._requests.put(request)

    def _run(self) -> None:
        with suppress(OSError, AttributeError):  # Linux knows a priority of threads
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        while True:
            self._answer(self._make(self._requests.get()))

    def _make(self, request: MakeClip) -> ClipMade:
        try:
            packets = self._packets.select(request.begin, request.end)
            content = make_clip(packets, request.begin, request.hiding)
            strip = b""
            if request.moment is not None:
                last = max(packet.captured_at for packet in packets)
                strip = make_strip(content, last - request.moment, request.around)
            memory = SharedMemory(create=True, size=len(content))
        except SourceError as error:
            return ClipMade(request.number, code=error.code, error=str(error))
        except OSError as error:
            return ClipMade(request.number, code="stream_corrupt", error=f"no memory: {error}")
        assert memory.buf is not None
        memory.buf[: len(content)] = content
        memory.close()
        return ClipMade(request.number, memory.name, len(content), strip)
