"""Frames out of anything that FFmpeg opens: files, network streams, webcams.

One decoder thread of control: packets are demuxed, decoded, timed, turned upright and converted
to BGR here; the modules beside it only open the container and name its failures.
"""

from __future__ import annotations

import errno
import heapq
import itertools
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from sightline.errors import SourceError, StateError
from sightline.structures import Frame
from sightline.video.clock import Clock
from sightline.video.header import choose_video, declared_end, nominal_rate, upright_turn
from sightline.video.selection import Selection

__all__ = ["ContainerSource", "FailureNamer", "Picture", "Taps"]

FailureNamer = Callable[[BaseException, float], SourceError]
"""Makes the error that a user sees from FFmpeg's and the seconds that the call took."""

# Demuxers that make time stamps up: a picture a part, at 25 frames/s whatever the camera does.
_UNTIMED_FORMATS = {"mpjpeg", "mjpeg"}
# Demuxers that report the end of the connection as an input/output error.
_ENDED_BY_ERROR = {"mpjpeg"}
# A camera that is joined between two key frames shows nothing until the next one.
_PACKETS_BEFORE_PICTURE = 1500
# Demuxers that fetch some seconds of video at once.
_SEGMENTED_FORMATS = {"dash", "hls"}
# Packets that a decoder keeps back are few; behind a camera's clock that was set back, stamps wait
# for ever.
_MOST_AWAITED = 256
_TURNS = {
    90: cv2.ROTATE_90_COUNTERCLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_CLOCKWISE,
}


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture before it becomes a `Frame`.

    Args:
        decoded: PyAV's `VideoFrame`, in the decoder's own format, not turned upright.
        index: Number in the source from 0.
        time: Seconds of stream time.
        stamp: Seconds on the stream's own clock, None where it has none; may stand or jump.
        arrived: When its packet came, on the clock of `Taps.now`.
    """

    decoded: Any
    index: int
    time: float
    stamp: float | None
    arrived: float


@dataclass(frozen=True, slots=True)
class Taps:
    """What somebody who reads a live source wants to know besides its pictures.

    Args:
        now: The clock that arrivals are told on; UNIX seconds if left out.
        on_packet: Called with each packet as it arrives, the seconds that it shows on the stream's
            own clock (None without) and its arrival; may raise to end the reading.
    """

    now: Callable[[], float] = time.time
    on_packet: Callable[[Any, float | None, float], None] | None = None


class ContainerSource:
    """Frames of the best video stream of an open container; implements `protocols.Source`.

    Files are read to their end: a cut or damaged one gives the frames that can be decoded and a
    sentence in `warnings`. A live source raises when it falls silent or fails, and ends when the
    other side ends the stream.

    Args:
        container: What `av.open` returned; closed by this object.
        name: What outputs are named after.
        label: What messages call it: the path, or the address without credentials.
        live: Whether frames arrive in real time.
        selection: Which frames are wanted.
        name_failure: Makes the error that a user sees.
        taps: Who is told of packets, and what arrivals are told by.

    Its attribute `segmented` says whether its packets come in bursts, a file of some seconds each.

    Raises:
        SourceError: There is no video in it, or none that can be decoded.
    """

    def __init__(
        self,
        container: Any,
        *,
        name: str,
        label: str,
        live: bool,
        selection: Selection,
        name_failure: FailureNamer,
        taps: Taps | None = None,
    ) -> None:
        self.name = name
        self.live = live
        self.skipped = 0
        self.warnings: list[str] = []
        self._container = container
        self._label = label
        self._selection = selection
        self._name_failure = name_failure
        self._taps = taps or Taps()
        self._closing = threading.Event()
        self._reading = threading.Lock()
        self._started = False
        self._reformatter = VideoReformatter()
        try:
            self._stream = choose_video(container, label, live=live)
            self._unit: Fraction = self._stream.time_base
            self._arrival_is_time = live and container.format.name in _UNTIMED_FORMATS
            self.segmented = container.format.name in _SEGMENTED_FORMATS
            # Time stamps of packets whose picture has not come out of the decoder, smallest first.
            self._awaited: list[int] = []
            self._decoded = False
            self.rate = nominal_rate(self._stream)
            self._packets = self._demux()
            # Rotation is known only from a decoded picture; its packets are decoded again.
            self._seen: list[Any] = []
            picture = self._first_picture()
            self.turn = upright_turn(picture.rotation, self.warnings)
            self.width, self.height = picture.width, picture.height
            if self.turn in (90, 270):
                self.width, self.height = self.height, self.width
        except BaseException:
            container.close()
            raise
        self.frame_count = self._expected_frames()
        self._clock = self._make_clock()

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, once; the source is closed when the iteration ends.

        Raises:
            SourceError: A live source fell silent or failed, or no frame could be decoded.
            StateError: The source was iterated before.
        """
        return self._frames(self.pictures())

    def pictures(self) -> Generator[Picture, None, None]:
        """As iterating, but without converting: for who does not want every frame as BGR.

        Where `turn` is not 0 they have to be turned so many degrees counter-clockwise.
        """
        if self._started:
            raise StateError(f"{self._label}: a source can be read once; open it again")
        self._started = True
        return self._read_pictures()

    def convert(self, picture: Picture) -> Frame:
        """An upright BGR frame of one of its pictures."""
        converted: Any = self._reformatter.reformat(picture.decoded, format="bgr24", threads=1)
        image: npt.NDArray[np.uint8] = converted.to_ndarray()
        if self.turn:
            image = np.asarray(cv2.rotate(image, _TURNS[self.turn]), dtype=np.uint8)
        arrival = picture.arrived if self.live else None
        return Frame(image, picture.index, picture.time, arrival, self.name)

    def close(self) -> None:
        """Release the container; from another thread, the reader releases it at its next step."""
        self._closing.set()
        # FFmpeg must not lose a container under a running call: then the reader closes it.
        if self._reading.acquire(blocking=False):
            try:
                self._container.close()
            finally:
                self._reading.release()

    def _frames(self, pictures: Generator[Picture, None, None]) -> Iterator[Frame]:
        with closing(pictures):
            for picture in pictures:
                yield self.convert(picture)

    def _read_pictures(self) -> Generator[Picture, None, None]:
        delivered = False
        try:
            steps = self._timed_pictures()
            while not self._closing.is_set():
                with self._reading:
                    step = None if self._closing.is_set() else next(steps, None)
                if step is None:
                    break
                delivered = True
                yield step
            if not delivered and not self._closing.is_set():
                self.warnings.append(f"{self._label}: no frame of it lies in the wanted stretch")
        finally:
            self.close()

    def _timed_pictures(self) -> Iterator[Picture]:
        """Every wanted frame."""
        index = 0
        for picture in self._decode(self._from_start()):
            if picture is None:
                continue
            index += self._lost_before(picture)
            arrived, damaged = self._packet_note(picture)
            if picture.is_corrupt or damaged:
                index += 1
                self.skipped += 1
                continue
            stamp = self._stamp(picture.dts if picture.pts is None else picture.pts)
            seconds = self._clock.tell(arrived if self._arrival_is_time else stamp)
            if self._selection.is_after(seconds):
                return
            if self._selection.takes(index) and not self._selection.is_before(seconds):
                yield Picture(picture, index, seconds, stamp, arrived)
            index += 1
        self.skipped += len(self._awaited)

    def _lost_before(self, picture: Any) -> int:
        """Packets shown before a picture that never became one; a decoder drops some unsaid."""
        # Before a camera's first key frame nothing can be shown; two fields make one picture.
        if picture.interlaced_frame or (self.live and not self._decoded):
            self._awaited.clear()
        self._decoded = True
        lost = 0
        while self._awaited and picture.pts is not None and self._awaited[0] <= picture.pts:
            stamp = heapq.heappop(self._awaited)
            if stamp < picture.pts:
                lost += 1
                if not self._selection.is_before(self._clock.seconds(stamp, self._unit)):
                    self.skipped += 1
        return lost

    def _decode(self, packets: Iterator[Any]) -> Iterator[Any]:
        """Pictures in order of display; None for one that could not be decoded."""
        held = None
        for packet in packets:
            if held is not None:
                yield from self._decode_packet(held)
            # A damaged last packet is a cut: decoding it would cost the pictures before it.
            held = packet if packet.is_corrupt else None
            if held is None:
                yield from self._decode_packet(packet)
        yield from self._decode_packet(None)

    def _decode_packet(self, packet: Any | None) -> list[Any]:
        """Pictures that a packet, or None for the end, brings out of the decoder."""
        try:
            pictures: list[Any] = self._stream.codec_context.decode(packet)
        except av.FFmpegError:
            if self.live and packet is not None and packet.pts in self._awaited:
                # A single thread decodes: the failure is this packet's, and it may be the last.
                self._awaited.remove(packet.pts)
                heapq.heapify(self._awaited)
                self.skipped += 1
            return [None]
        return pictures

    def _from_start(self) -> Iterator[Any]:
        """Packets from the last key frame before the wanted stretch, without decoding the rest."""
        packets = itertools.chain(self._seen, self._packets)
        self._seen = []
        if self._selection.start is None or self.live:
            return packets
        group: list[Any] = []
        for packet in packets:
            if packet.pts is None or not self._selection.is_before(
                self._clock.seconds(packet.pts, self._unit)
            ):
                return itertools.chain(group, [packet], packets)
            if packet.is_keyframe:
                group.clear()
            group.append(packet)
        self._awaited.clear()
        return iter(())

    def _stamp(self, ticks: int | None) -> float | None:
        """Seconds on the stream's own clock, if it has one."""
        if ticks is None or self._container.format.name in _UNTIMED_FORMATS:
            return None
        return float(ticks * self._unit)

    def _packet_note(self, picture: Any) -> tuple[float, bool]:
        """Arrival and damage of the packet that a picture came from."""
        note: tuple[float, bool] | None = picture.opaque
        return (self._taps.now(), False) if note is None else note

    def _demux(self) -> Iterator[Any]:
        """Packets with the time of their arrival; failures become errors or warnings."""
        last_end: float | None = None
        packets = self._container.demux(self._stream)
        while not self._closing.is_set():
            begin = time.monotonic()
            try:
                packet = next(packets, None)
            except (av.FFmpegError, OSError) as error:
                if self._container.format.name in _ENDED_BY_ERROR and error.errno == errno.EIO:
                    break
                failure = self._name_failure(error, time.monotonic() - begin)
                if self.live or last_end is None:
                    raise failure from None
                self.warnings.append(f"{failure}; the frames before that are complete")
                break
            if packet is None:
                break
            if not packet.size:  # the end, or a repeated picture of an AVI
                continue
            arrived = self._taps.now()
            packet.opaque = (arrived, packet.is_corrupt)
            if self._taps.on_packet is not None:
                self._taps.on_packet(packet, self._stamp(packet.pts), arrived)
            if packet.pts is not None:
                if not packet.is_discard and not _is_invisible(packet):
                    if self.live and len(self._awaited) == _MOST_AWAITED:
                        self._awaited.clear()
                    heapq.heappush(self._awaited, packet.pts)
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                last_end = end if last_end is None else max(last_end, end)
            yield packet
        else:
            return
        if not self.live and last_end is not None:
            self._warn_if_cut(last_end)

    def _warn_if_cut(self, last_end: float) -> None:
        declared = declared_end(self._container, self._stream)
        if declared is None:
            return
        missing = (declared - last_end) * self.rate
        if missing > 1.5 + 0.01 * declared * self.rate:
            base = (self._container.start_time or 0) / av.time_base
            self.warnings.append(
                f"{self._label} ends after {last_end - base:.2f} s of {declared - base:.2f} s: "
                "it was cut short or is damaged; the frames before that are complete"
            )

    def _first_picture(self) -> Any:
        for packet in itertools.islice(self._packets, _PACKETS_BEFORE_PICTURE):
            self._seen.append(packet)
            picture = next(filter(None, self._decode_packet(packet)), None)
            if picture is not None:
                break
        else:
            picture = next(filter(None, self._decode_packet(None)), None)
        self._stream.codec_context.flush_buffers()
        if picture is not None:
            return picture
        raise SourceError(
            f"{self._label}: holds {self._stream.codec_context.name} video, but no picture of it "
            "can be decoded; check that it plays elsewhere",
            "stream_corrupt",
        )

    def _expected_frames(self) -> int | None:
        if self.live:
            return None
        frames: int = self._stream.frames
        if not frames:
            declared = declared_end(self._container, self._stream)
            if declared is None:
                return None
            base = (self._container.start_time or 0) / av.time_base
            frames = round((declared - base) * self.rate)
        return self._selection.count(frames, self.rate)

    def _make_clock(self) -> Clock:
        start = self._container.start_time
        # A camera's own clock starts anywhere, and FFmpeg knows it only after the first frame.
        base = None if self.live or start is None else start / av.time_base
        first = self._stream.start_time
        if base is not None and first is not None:
            exact = float(first * self._stream.time_base)
            base = exact if abs(exact - base) < 2e-6 else base  # the container's is in microseconds
        if self._container.format.name in _UNTIMED_FORMATS:
            base = None
        return Clock(base, self.rate or 30.0, self.warnings)


def _is_invisible(packet: Any) -> bool:
    """Whether a VP8 packet only prepares later ones (RFC 6386, 9.1: the bit `show_frame`)."""
    return packet.stream.codec_context.name == "vp8" and not bytes(packet)[0] >> 4 & 1
