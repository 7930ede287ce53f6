"""The last seconds of a camera as it sent them: encoded, in memory, for clips of events."""

from __future__ import annotations

import io
import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

import av

__all__ = ["EncodedPacket", "PacketRing", "describe_stream"]

_MOST_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class EncodedPacket:
    """A packet of video.

    Args:
        data: As it came.
        captured_at: UNIX seconds at which its picture was captured.
        delay: Seconds between its decoding and the showing of its picture; 0 without B-frames.
        keyframe: Whether decoding can begin here.
        header: What `describe_stream` said of its stream.
    """

    data: bytes
    captured_at: float
    delay: float
    keyframe: bool
    header: bytes


class PacketRing:
    """Packets of the last seconds, from a key frame on; one thread writes, others select.

    Args:
        seconds: How far it reaches back at least, once it has run so long; 0 keeps nothing.
        most_bytes: What it holds at most, however long that is.
    """

    def __init__(self, seconds: float, most_bytes: int = _MOST_BYTES) -> None:
        self.seconds = seconds
        self.bytes = 0
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        # A key frame and what follows it: each is thrown away as a whole.
        self._groups: deque[list[EncodedPacket]] = deque()

    def add(self, packet: EncodedPacket) -> None:
        """Keep a packet and let go of what is too old or too much."""
        if self.seconds <= 0 or not (packet.keyframe or self._groups):
            return
        with self._lock:
            if packet.keyframe:
                self._groups.append([])
            self._groups[-1].append(packet)
            self.bytes += len(packet.data)
            oldest = packet.captured_at - self.seconds
            while self._groups and (
                self.bytes > self._most_bytes
                or (len(self._groups) > 1 and self._groups[1][0].captured_at <= oldest)
            ):
                self.bytes -= sum(len(old.data) for old in self._groups.popleft())

    def select(self, begin: float, end: float) -> list[EncodedPacket]:
        """Packets of a stretch, from the key frame before it, of one format.

        Where the camera changed its format within the stretch, what came last is taken.

        Args:
            begin: UNIX seconds.
            end: UNIX seconds.
        """
        with self._lock:
            groups = [group for group in self._groups if group[0].captured_at <= end]
            while len(groups) > 1 and groups[1][0].captured_at <= begin:
                groups.pop(0)
            packets = [packet for group in groups for packet in group if packet.captured_at <= end]
        last = packets[-1].header if packets else b""
        different = [number for number, packet in enumerate(packets) if packet.header != last]
        packets = packets[different[-1] + 1 :] if different else packets
        return packets if packets and packets[-1].captured_at >= begin else []


def describe_stream(stream: Any, keyframe: bytes) -> bytes:
    """All that a decoder or a file has to know of a stream, as a file with one key frame (NUT).

    Args:
        stream: PyAV's stream of an open container.
        keyframe: One of its key frames.
    """
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="nut") as container:
        target: Any = container.add_stream_from_template(stream)
        packet: Any = av.Packet(keyframe)
        packet.pts = packet.dts = 0
        packet.time_base, packet.stream, packet.is_keyframe = stream.time_base, target, True
        container.mux(packet)
    return buffer.getvalue()
