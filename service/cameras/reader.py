"""The process that reads one camera: opens, decodes, masks, and lays the newest frame out.

It holds nothing that may not be lost, so it can be killed whenever FFmpeg hangs in it. Between
attempts it waits to be told; when to try again is decided by `camera`.
"""

from __future__ import annotations

import queue
import threading
import time
import traceback
from collections import deque
from contextlib import closing, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from typing import Any

from sightline.errors import SourceError, StateError
from sightline.service.access.egress import refused_by_proxy
from sightline.service.cameras.capture import CaptureClock
from sightline.service.cameras.clip_maker import ClipMaker
from sightline.service.cameras.clips import Polygon
from sightline.service.cameras.log_lines import LogLines
from sightline.service.cameras.messages import (
    Beat,
    Connect,
    Ended,
    MakeClip,
    Mask,
    Ready,
    RingMade,
    Source,
)
from sightline.service.cameras.opening import open_camera
from sightline.service.cameras.packets import EncodedPacket, PacketRing, describe_stream
from sightline.service.cameras.planes import black_out, hide, planar
from sightline.service.cameras.playback import Playback
from sightline.service.cameras.ring import FrameRing
from sightline.service.steady import SteadyClock
from sightline.video.container import ContainerSource, Picture, Taps

__all__ = ["read_camera"]

_BEAT = 0.5  # seconds
_RATE_OVER = 3.0  # seconds that frames a second are counted over
_POLL = 0.002  # seconds between looks whether a frame was taken
_LONGEST_GAP = 10.0  # seconds between frames of a live stream that comes in segments
_WITHOUT_PICTURE = 3  # time-outs with packets and no picture, until it is given up as damaged


def read_camera(
    pipe: Connection,
    offset: float,
    ring_name: str,
    keep_seconds: float,
    masks: tuple[Polygon, ...],
) -> None:
    """Main function of the process (`processes.start_child`).

    Args:
        pipe: Takes `Connect`, `Mask` and `MakeClip`; gives `RingMade`, `Beat`, `Ended` and
            `ClipMade`. Its end ends the process.
        offset: Of the service's steady clock.
        ring_name: What names of rings begin with.
        keep_seconds: How far clips reach back; 0 for none.
        masks: What is black from the start.
    """
    _Reader(pipe, SteadyClock(offset), ring_name, keep_seconds, masks).run()


class _Reader:
    def __init__(
        self,
        pipe: Connection,
        clock: SteadyClock,
        ring_name: str,
        keep_seconds: float,
        masks: tuple[Polygon, ...],
    ) -> None:
        self._pipe = pipe
        self._sending = threading.Lock()
        self._clock = clock
        self._log = LogLines()
        self._masks = masks
        self._packets = PacketRing(keep_seconds)
        self._clips = ClipMaker(self._packets, self._send)
        self._connects: queue.SimpleQueue[Connect | None] = queue.SimpleQueue()
        self._stopping = threading.Event()
        self._ring_name = ring_name
        self._rings = 0
        self._ring: FrameRing | None = None
        self._opened: ContainerSource | None = None
        self._source = Source("")
        # Of the attempt that runs.
        self._reading = False
        self._progress = 0
        self._sequence = 0
        self._corrupt = 0
        self._size = (0, 0)
        self._captured_at = 0.0
        self._times: CaptureClock | Playback | None = None
        self._early: list[tuple[Any, float | None, float]] = []
        self._header = b""
        self._picture_at = 0.0
        self._pictures = 0
        self._rate: deque[tuple[float, int]] = deque()
        self._counting = threading.Lock()

    def run(self) -> None:
        self._send(Ready())
        for target in (self._listen, self._beat_now_and_then):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()
        while (connect := self._connects.get()) is not None:
            ended = self._attempt(connect)
            if self._stopping.is_set():
                break
            self._send(self._beat())
            self._send(replace(ended, log=self._log.last()))
        if self._ring is not None:
            self._ring.close()

    def _listen(self) -> None:
        with suppress(EOFError, OSError):
            while True:
                message = self._pipe.recv()
                match message:
                    case Connect():
                        self._connects.put(message)
                    case Mask():
                        self._masks = message.masks
                    case MakeClip():
                        self._clips.put(message)
        self._stopping.set()
        self._connects.put(None)
        if (opened := self._opened) is not None:
            opened.close()

    def _send(self, message: object) -> None:
        with self._sending, suppress(OSError):  # nobody listens: the listener ends us
            self._pipe.send(message)

    def _beat_now_and_then(self) -> None:
        while not self._stopping.wait(_BEAT):
            if self._reading:
                self._send(self._beat())

    def _beat(self) -> Beat:
        opened = self._opened
        return Beat(
            self._progress,
            self._pictures,
            self._sequence,
            self._corrupt + (opened.skipped if opened else 0),
            self._frames_per_second(),
            *self._size,
            self._captured_at,
            self._log.last(),
        )

    def _frames_per_second(self) -> float:
        now = time.monotonic()
        with self._counting:
            self._rate.append((now, self._pictures))
            while len(self._rate) > 2 and self._rate[0][0] < now - _RATE_OVER:
                self._rate.popleft()
            begin, before = self._rate[0]
            return (self._pictures - before) / (now - begin) if now - begin >= _BEAT else 0.0

    def _attempt(self, connect: Connect) -> Ended:
        self._source = connect.source
        self._sequence = max(self._sequence, connect.sequence)
        self._captured_at = max(self._captured_at, connect.captured_at)
        self._log.hide(connect.source.password, connect.source.username)
        self._pictures = 0
        with self._counting:
            self._rate.clear()
        self._log.clear()
        self._reading = True
        try:
            return self._read_all()
        except SourceError as error:
            refused = refused_by_proxy(self._log.last())
            if refused is None:
                return Ended(error.code, str(error))
            return Ended(
                "stream_refused",
                f"{self._source.url}: it leads to {refused}, which security.allowed_networks does "
                "not allow",
            )
        except StateError as error:
            return Ended("reader_failed", str(error))
        except Exception:  # a defect of ours: said, and the process begun anew
            last = traceback.format_exc().strip().splitlines()
            return Ended("reader_failed", f"the reader failed: {last[-1]} ({last[-3].strip()})")
        finally:
            self._reading = False

    def _read_all(self) -> Ended:
        played: Playback | None = None
        while True:
            with closing(self._open(played)) as opened:
                try:
                    with closing(opened.pictures()) as pictures:
                        for picture in pictures:
                            self._offer(opened, picture)
                finally:
                    self._corrupt += opened.skipped
                    self._opened = None
                played = self._times if isinstance(self._times, Playback) else None
                if played is None or "://" in self._source.url:
                    return Ended("stream_ended", f"{self._source.url}: the other side ended it")
                if not self._source.loop:
                    return Ended(None, None)
                played.begin_again(1 / (opened.rate or 25.0))

    def _open(self, played: Playback | None) -> ContainerSource:
        """Open the source; a file that was played goes on with its times."""
        self._times, self._early, self._header = None, [], b""
        self._picture_at = self._clock.now()
        opened = open_camera(self._source, Taps(self._clock.now, self._on_packet))
        self._opened = opened
        if self._stopping.is_set():
            opened.close()
        if opened.live and not opened.segmented:
            self._times = CaptureClock(self._captured_at)
        else:
            longest_gap = _LONGEST_GAP if opened.live else float("inf")
            self._times = played or Playback(self._clock.now(), self._captured_at, longest_gap)
        early, self._early = self._early, []
        for packet, stamp, arrived in early:
            self._keep(packet, self._times.arrive(stamp, arrived))
        return opened

    def _on_packet(self, packet: Any, stamp: float | None, arrived: float) -> None:
        self._progress += 1
        if arrived - self._picture_at > _WITHOUT_PICTURE * self._source.timeout:
            raise SourceError(
                f"{self._source.url}: it sends data, but no picture of it could be decoded for "
                f"{arrived - self._picture_at:.0f} s",
                "stream_corrupt",
            )
        if self._times is None:
            self._early.append((packet, stamp, arrived))
        else:
            self._keep(packet, self._times.arrive(stamp, arrived))

    def _keep(self, packet: Any, captured_at: float) -> None:
        if self._packets.seconds <= 0:
            return
        if not self._header:
            if not packet.is_keyframe:
                return
            self._header = describe_stream(packet.stream, bytes(packet))
        delay = 0.0
        if packet.pts is not None and packet.dts is not None:
            delay = max(float((packet.pts - packet.dts) * packet.time_base), 0.0)
        self._packets.add(
            EncodedPacket(bytes(packet), captured_at, delay, packet.is_keyframe, self._header)
        )

    def _offer(self, opened: ContainerSource, picture: Picture) -> None:
        image: Any = None
        if opened.turn:
            image = opened.convert(picture).image
            black_out(image, self._masks)
            height, width = image.shape[:2]
        else:
            decoded = hide(planar(picture.decoded), self._masks)
            height, width = decoded.height, decoded.width
        if isinstance(self._times, Playback):
            captured_at = self._times.tell(picture.time)
            self._wait(captured_at)
        else:
            assert self._times is not None
            captured_at = self._times.tell(picture.stamp, picture.arrived)
        ring = self._ring_for(height, width)
        sequence = self._sequence + 1
        if image is not None:
            ring.write(image, sequence=sequence, captured_at=captured_at)
        else:
            ring.write_picture(decoded, sequence=sequence, captured_at=captured_at)
        self._sequence, self._captured_at, self._size = sequence, captured_at, (width, height)
        self._picture_at = self._clock.now()
        self._pictures += 1
        if self._pictures == 1:
            self._send(self._beat())

    def _wait(self, due: float) -> None:
        """Until the frame before is taken (a file that waits), or until this one is due."""
        if self._source.wait:
            while self._ring is not None and self._ring.taken < self._sequence:
                self._progress += 1
                if self._stopping.wait(_POLL):
                    return
            return
        while (left := due - self._clock.now()) > 0:
            self._progress += 1
            if self._stopping.wait(min(left, _BEAT)):
                return
        assert isinstance(self._times, Playback)
        self._times.put_off(self._clock.now())

    def _ring_for(self, height: int, width: int) -> FrameRing:
        if self._ring is None or not self._ring.fits(height, width):
            if self._ring is not None:
                self._ring.close()
            self._rings += 1
            self._ring = FrameRing.create(f"{self._ring_name}-{self._rings}", height, width)
            self._ring.taken = self._sequence
            self._send(RingMade(self._ring.name))
        return self._ring
