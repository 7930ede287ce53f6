"""What the service holds of one camera: its states, its reader, its ring, who waits for clips."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.shared_memory import SharedMemory

from sightline.errors import SourceError
from sightline.service.cameras.camera import Camera
from sightline.service.cameras.clips import Clip
from sightline.service.cameras.messages import ClipMade, Guard, Source
from sightline.service.cameras.ring import FrameRing
from sightline.service.config import Stream
from sightline.service.processes import Child

__all__ = ["Slot", "source_of"]


class Slot:
    """A camera with its reader; all but `send` and `end` belongs to the supervisor's thread.

    Args:
        camera: Its states.
        stream: Its configuration.
        source: What its reader reads.
        sequence: Of the last frame that was read elsewhere.
        captured_at: UNIX seconds of that frame.
    """

    def __init__(
        self,
        camera: Camera,
        stream: Stream,
        source: Source,
        sequence: int = 0,
        captured_at: float = 0.0,
    ) -> None:
        self.camera = camera
        self.stream = stream
        self.source = source
        self.child: Child | None = None
        self.futures: dict[int, Future[Clip]] = {}
        self.published = camera.status
        self.sequence = sequence
        self._captured_at = captured_at
        self._ring: FrameRing | None = None
        self._sending = threading.Lock()

    def send(self, message: object) -> None:
        """Tell the reader something, if there is one."""
        child = self.child
        if child is not None:
            with self._sending, suppress(OSError):  # its sentinel tells
                child.pipe.send(message)

    def end(self, child: Child, grace: float) -> None:
        """End a reader that was this camera's, at once if there is no grace (seconds)."""
        if grace and self._sending.acquire(timeout=grace):
            self._sending.release()
            child.stop(grace)
        else:
            child.kill()

    def last_frame(self) -> tuple[int, float]:
        """Sequence and capture time of the last frame that was laid out."""
        if self._ring is not None:
            self.sequence = max(self.sequence, self._ring.newest)
            self._captured_at = max(self._captured_at, self._ring.newest_at)
        return self.sequence, self._captured_at

    def take_ring(self, name: str) -> None:
        """Frames lie in this ring from now on; the one before is given back."""
        ring = FrameRing.attach(name)
        self.drop_ring()
        self._ring = ring

    def drop_ring(self) -> None:
        """Give the ring back; who still reads from it may go on."""
        self.last_frame()
        if self._ring is not None:
            self._ring.close()
            self._ring.unlink()
            self._ring = None

    def leave(self) -> Child | None:
        """The reader, which is this camera's no more; who waits for its clips is told."""
        child, self.child = self.child, None
        futures, self.futures = self.futures, {}
        for future in futures.values():
            future.set_exception(SourceError("the reader ended meanwhile", "stream_ended"))
        return child

    def answer(self, made: ClipMade) -> None:
        """Hand a clip to who asked for it."""
        content = b""
        if made.memory:
            memory = SharedMemory(made.memory)
            assert memory.buf is not None
            content = bytes(memory.buf[: made.size])
            memory.close()
            memory.unlink()
        future = self.futures.pop(made.number, None)
        if future is None:
            return
        if made.code is not None:
            future.set_exception(SourceError(made.error or "", made.code))
        else:
            future.set_result(Clip(content, made.strip))


def source_of(stream: Stream, guard: Guard | None) -> Source:
    """What a reader has to know of a stream."""
    return Source(
        stream.url,
        stream.username,
        stream.password.get_secret_value() if stream.password is not None else None,
        stream.transport,
        stream.verify_tls,
        stream.timeout,
        stream.buffer == "wait",
        stream.loop,
        guard,
    )
