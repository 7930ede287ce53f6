"""All cameras of a service: their reader processes, started, listened to, ended, started again."""

from __future__ import annotations

import logging
import os
import random
import secrets
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing.connection import wait
from typing import Any

from sightline.errors import SourceError, StateError
from sightline.service.cameras.camera import Action, Camera
from sightline.service.cameras.clips import Clip, HiddenAreas, Hiding
from sightline.service.cameras.messages import (
    Beat,
    ClipMade,
    Connect,
    Ended,
    Guard,
    MakeClip,
    Mask,
    Ready,
    RingMade,
    Source,
)
from sightline.service.cameras.reader import read_camera
from sightline.service.cameras.slot import Slot, source_of
from sightline.service.cameras.status import StreamStatus
from sightline.service.config import Stream
from sightline.service.errors import unknown_stream
from sightline.service.processes import Child, start_child
from sightline.service.steady import SteadyClock

__all__ = ["CameraSupervisor"]

_GRACE = 2.0  # seconds in which a reader may say good-bye to its camera
_LONGEST_WAIT = 60.0
_log = logging.getLogger(__name__)


class CameraSupervisor:
    """Keeps the readers of all cameras running; no call waits for a camera.

    One thread listens to all of them. A reader that hangs, dies or talks nonsense concerns its
    own camera only.

    Args:
        clock: The service's.
        on_status: Called with every change of a state, an error or a size; must be quick.
        on_ring: Called with a stream and the name of the ring that its frames lie in from now
            on; must be quick.
        on_rest: Called with a stream that was stopped, once no frame of it can come any more; must
            be quick.
        keep_seconds: How far clips reach back; 0 keeps no packets.
    """

    def __init__(
        self,
        clock: SteadyClock,
        on_status: Callable[[StreamStatus], None],
        on_ring: Callable[[str, str], None],
        on_rest: Callable[[str], None],
        *,
        keep_seconds: float = 0.0,
    ) -> None:
        self._clock = clock
        self._on_status = on_status
        self._on_ring = on_ring
        self._on_rest = on_rest
        self._keep_seconds = keep_seconds
        self._ring_name = f"sightline-{os.getpid()}-{secrets.token_hex(4)}"
        self._readers = 0
        self._slots: dict[str, Slot] = {}
        self._statuses: dict[str, StreamStatus] = {}
        self._lock = threading.Lock()  # of statuses and commands
        self._commands: deque[Callable[[], None]] = deque()
        self._woken, self._wake = os.pipe()
        self._closing = False
        # Ends of processes and large requests, which may take a moment.
        self._helpers = ThreadPoolExecutor(64, "cameras")
        self._clips = 0
        self._thread = threading.Thread(target=self._run, name="cameras", daemon=True)
        self._thread.start()

    def add(
        self, stream: Stream, guard: Guard | None = None, last: tuple[int, float] = (0, 0.0)
    ) -> None:
        """Take on a camera, and start it if it is enabled.

        Args:
            stream: Its configuration.
            guard: How its address is checked, if that came by the interface.
            last: Number and capture time of the last frame that was read of it elsewhere.
        """
        camera = Camera(
            stream.id, stream.timeout, stream.reconnect, random.random, self._clock.now()
        )
        slot = Slot(camera, stream, source_of(stream, guard), *last)
        with self._lock:
            self._statuses[stream.id] = camera.status
        self._do(lambda: self._slots.__setitem__(stream.id, slot))
        if stream.enabled:
            self.start(stream.id)

    def remove(self, stream: str) -> None:
        """Let go of a camera, its ring and its packets."""
        self._check(stream)
        with self._lock:
            del self._statuses[stream]
        self._do(lambda: self._remove(stream))

    def start(self, stream: str) -> None:
        """Run a camera; one that failed is tried again, one in BACKOFF at once."""
        self._check(stream)
        self._do(lambda: self._act(stream, self._slots[stream].camera.start(self._clock.now())))

    def stop(self, stream: str) -> None:
        """End the reading of a camera."""
        self._check(stream)
        self._do(lambda: self._stop(stream))

    def replace(self, stream: Stream, guard: Guard | None = None) -> None:
        """Change a camera's configuration; it is read anew only if what is read changed."""
        self._check(stream.id)
        self._do(lambda: self._replace(stream, source_of(stream, guard)))

    def status(self, stream: str) -> StreamStatus:
        """What is known of a camera now."""
        with self._lock:
            if stream not in self._statuses:
                raise unknown_stream(stream)
            return self._statuses[stream]

    def statuses(self) -> dict[str, StreamStatus]:
        """What is known of all cameras now."""
        with self._lock:
            return dict(self._statuses)

    def readers(self) -> dict[str, int]:
        """Process numbers of the readers that run now, by stream."""
        slots = list(self._slots.items())
        children = ((stream, slot.child) for stream, slot in slots)
        return {stream: child.pid for stream, child in children if child is not None}

    def clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: Sequence[HiddenAreas] = (),
        *,
        moment: float | None = None,
        around: tuple[float, float] | None = None,
    ) -> Future[Clip]:
        """An MP4 clip of what a camera saw; masks and blur are in it, and in its strip.

        Args:
            stream: Identifier.
            begin: UNIX seconds; the clip begins at the key frame before, unless it has to be
                encoded anew for masks or blur.
            end: UNIX seconds.
            hidden: With `privacy.blur`: where people were, in the order of time; pictures without
                a result within a second are blurred as a whole.
            moment: UNIX seconds around which a strip is made; None for none.
            around: Where in the picture (0…1) the strip looks; None for all of it.

        Returns:
            The clip later; SourceError where nothing is kept of that time.
        """
        self._check(stream)
        future: Future[Clip] = Future()
        if self._keep_seconds <= 0:
            future.set_exception(StateError("no clips are kept; event_pictures are switched off"))
        else:
            strip = (moment, around)
            self._do(lambda: self._ask_clip(stream, begin, end, tuple(hidden), strip, future))
        return future

    def close(self) -> None:
        """End all readers, at most some seconds from now; nothing can be called after it."""
        if self._closing:
            return
        self._do(self._end_all)
        self._thread.join()
        self._helpers.shutdown()
        os.close(self._wake)
        os.close(self._woken)

    def _check(self, stream: str) -> None:
        self.status(stream)

    def _do(self, command: Callable[[], None]) -> None:
        """Let the thread do something."""
        with self._lock:
            if self._closing:
                raise StateError("the cameras are closed")
            self._commands.append(command)
        os.write(self._wake, b"1")

    # All below runs in the thread.

    def _run(self) -> None:
        while not self._closing:
            ready = wait([self._woken, *self._listened()], self._pause())
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._obey()
            for stream, slot in list(self._slots.items()):
                child = slot.child
                if child is None:
                    continue
                if child.pipe in ready:
                    self._listen(stream, slot, child)
                if child.sentinel in ready and slot.child is child:
                    while slot.child is child and child.pipe.poll():  # what it said before
                        if not self._listen(stream, slot, child):
                            break
                if child.sentinel in ready and slot.child is child:
                    self._lost(slot, f"the reader ended by itself ({_ending(child)})")
            for stream, slot in list(self._slots.items()):
                self._act(stream, slot.camera.tick(self._clock.now()))

    def _listened(self) -> list[Any]:
        children = [slot.child for slot in self._slots.values() if slot.child is not None]
        return [part for child in children for part in (child.pipe, child.sentinel)]

    def _pause(self) -> float:
        deadlines = [slot.camera.deadline() for slot in self._slots.values()]
        first = min((deadline for deadline in deadlines if deadline is not None), default=None)
        if first is None:
            return _LONGEST_WAIT
        return min(max(first - self._clock.now(), 0.0), _LONGEST_WAIT)

    def _obey(self) -> None:
        while True:
            with self._lock:
                command = self._commands.popleft() if self._commands else None
            if command is None:
                return
            with suppress(KeyError):  # the camera was removed in the meantime
                command()

    def _listen(self, stream: str, slot: Slot, child: Child) -> bool:
        """Take one message of a reader; whether there was one."""
        try:
            message = child.pipe.recv()
        except (EOFError, OSError):
            return False  # its sentinel tells
        try:
            self._take(stream, slot, message)
        except (OSError, StateError) as error:  # shared memory that cannot be opened
            self._lost(slot, f"what the reader gave could not be taken: {error}")
        if slot.camera.status.state in ("FAILED", "STOPPED"):
            self._end(slot, _GRACE)
        self._publish(stream, slot)
        return True

    def _take(self, stream: str, slot: Slot, message: object) -> None:
        now = self._clock.now()
        match message:
            case Ready():
                slot.camera.reader_ready(now)
            case Beat():
                slot.sequence = max(slot.sequence, message.sequence)
                slot.camera.beat(message, now)
            case Ended():
                slot.camera.ended(message, now)
            case RingMade():
                slot.take_ring(message.name)
                self._tell(self._on_ring, stream, message.name)
            case ClipMade():
                slot.answer(message)

    def _act(self, stream: str, action: Action | None) -> None:
        slot = self._slots[stream]
        if action == "connect":
            self._connect(slot)
        elif action == "kill":
            self._end(slot, 0.0)
        self._publish(stream, slot)

    def _connect(self, slot: Slot) -> None:
        if slot.child is None:
            self._readers += 1
            try:
                slot.child = self._start_reader(slot)
            except OSError as error:  # handles, memory or processes are used up
                reason = f"its reader could not be started: {error.strerror}"
                slot.camera.died(reason, self._clock.now())
                return
        slot.send(Connect(slot.source, *slot.last_frame()))

    def _start_reader(self, slot: Slot) -> Child:
        return start_child(
            read_camera,
            self._clock.offset,
            f"{self._ring_name}-{self._readers}",
            self._keep_seconds,
            slot.stream.privacy.masks,
            name=f"sightline-reader-{slot.stream.id}",
        )

    def _stop(self, stream: str) -> None:
        slot = self._slots[stream]
        slot.camera.stop(self._clock.now())
        if slot.child is None:
            self._settle(slot)
        self._end(slot, _GRACE)
        self._publish(stream, slot)

    def _remove(self, stream: str) -> None:
        slot = self._slots.pop(stream)
        self._end(slot, _GRACE)
        slot.drop_ring()

    def _replace(self, stream: Stream, source: Source) -> None:
        slot = self._slots[stream.id]
        masked = slot.stream.privacy.masks != stream.privacy.masks
        slot.stream = stream
        slot.camera.timeout, slot.camera.reconnect = stream.timeout, stream.reconnect
        if source != slot.source:
            slot.source = source
            slot.camera.source_changed()
            if slot.camera.status.state != "STOPPED":
                self._stop(stream.id)
                self._act(stream.id, slot.camera.start(self._clock.now()))
        elif masked:
            slot.send(Mask(stream.privacy.masks))

    def _ask_clip(
        self,
        stream: str,
        begin: float,
        end: float,
        hidden: tuple[HiddenAreas, ...],
        strip: tuple[float | None, tuple[float, float] | None],
        future: Future[Clip],
    ) -> None:
        slot = self._slots.get(stream)
        if slot is None or slot.child is None:
            future.set_exception(SourceError(f"{stream}: nothing is read", "stream_ended"))
            return
        self._clips += 1
        slot.futures[self._clips] = future
        privacy = slot.stream.privacy
        hiding = Hiding(privacy.masks, privacy.blur, hidden)
        request = MakeClip(self._clips, begin, end, hiding, *strip)
        self._helpers.submit(slot.send, request)

    def _lost(self, slot: Slot, reason: str) -> None:
        self._end(slot, 0.0)
        slot.camera.died(reason, self._clock.now())
        self._publish(slot.stream.id, slot)

    def _end(self, slot: Slot, grace: float) -> None:
        child = slot.leave()
        if child is not None:
            slot.camera.reader_left()
            self._helpers.submit(self._see_off, slot, child, grace)

    def _see_off(self, slot: Slot, child: Child, grace: float) -> None:
        slot.end(child, grace)
        with suppress(StateError):  # all cameras are being closed
            self._do(lambda: self._settle(slot))

    def _settle(self, slot: Slot) -> None:
        """A reader has ended; another may have begun since."""
        stream = slot.stream.id
        if self._slots.get(stream) is not slot or slot.child is not None:
            return
        slot.camera.settle(slot.last_frame()[0])
        self._publish(stream, slot)
        if slot.camera.status.state == "STOPPED":
            self._tell(self._on_rest, stream)

    def _end_all(self) -> None:
        with self._lock:
            self._closing = True
        for slot in self._slots.values():
            self._end(slot, _GRACE)
            slot.drop_ring()
        self._slots.clear()  # nothing is due any more, no attempt of a camera in BACKOFF either

    def _publish(self, stream: str, slot: Slot) -> None:
        status = slot.camera.status
        with self._lock:
            if stream not in self._statuses:
                return
            before, self._statuses[stream] = slot.published, status
        if _essence(before) != _essence(status):
            slot.published = status
            self._tell(self._on_status, status)

    def _tell(self, listener: Callable[..., None], *what: object) -> None:
        try:
            listener(*what)
        except Exception:  # a listener's defect must not end the cameras
            _log.exception("a listener of the cameras failed")


def _essence(status: StreamStatus) -> tuple[object, ...]:
    """What others want to be told of at once."""
    return status.state, status.error_code, status.error, status.width, status.height


def _ending(child: Child) -> str:
    code = child.exit_code
    if code is not None and code < 0:
        return f"killed by signal {-code}; signal 9 may mean that memory ran out"
    return f"exit code {code}"
