"""The newest frames of a camera in shared memory: one writer, readers in other processes.

A slot carries a version that is odd while it is written (a sequence lock, after Lameter,
"Effective Synchronization on Linux/NUMA Systems", 2005): a reader copies, looks whether the
version is still the same, and takes a newer frame if not. Nobody ever waits for the other.

Pictures lie there as the decoder made them (YUV 4:2:0, half the bytes of BGR) and are converted
when they are read, so that frames which nobody looks at cost a copy and nothing more.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from sightline.errors import StateError
from sightline.service.cameras.planes import PLANAR, rows

__all__ = ["FrameRing", "RingFrame"]

Image = npt.NDArray[np.uint8]

_HEADER = np.dtype([("slots", "<i8"), ("capacity", "<i8"), ("newest", "<i8"), ("taken", "<i8")])
_SLOT = np.dtype(
    [
        *(("version", "<i8"), ("sequence", "<i8"), ("captured_at", "<f8")),
        *(("height", "<i4"), ("width", "<i4")),
        *(("format", "<i4"), ("colorspace", "<i4"), ("color_range", "<i4"), ("", "<i4")),
    ]
)
_PAGE = 4096
_BGR = "bgr24"
_FORMATS = (_BGR, *PLANAR)
_MEMORY = Path("/dev/shm")  # noqa: S108 - where Linux keeps it, looked at for its free space


@dataclass(frozen=True, slots=True)
class RingFrame:
    """A frame out of a ring.

    Args:
        image: (H, W, 3) uint8 BGR, the reader's own.
        sequence: Its number in its stream, from 1.
        captured_at: UNIX seconds of the service's steady clock.
    """

    image: Image
    sequence: int
    captured_at: float


class FrameRing:
    """A few frames in shared memory; `create` makes it, `attach` finds it in another process."""

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        buffer: Any = memory.buf
        self._header = np.ndarray((), _HEADER, buffer)
        count, capacity = int(self._header["slots"]), int(self._header["capacity"])
        self._slots = np.ndarray((count,), _SLOT, buffer, _HEADER.itemsize)
        self._pixels = np.ndarray((count, capacity), np.uint8, buffer, _PAGE)
        self._reformatter = VideoReformatter()

    @classmethod
    def create(cls, name: str, height: int, width: int, slots: int = 3) -> FrameRing:
        """A new ring for pictures of at most so many pixels.

        Args:
            name: Name of the shared memory; not in use yet.
            height: Of the largest picture; other shapes of no more bytes fit, too.
            width: Of the largest picture.
            slots: Frames that it holds; with three a reader has two frames' time to copy one.

        Raises:
            StateError: There is not enough shared memory.
        """
        capacity = _capacity(height, width)
        size = cls.bytes_for(height, width, slots)
        memory = SharedMemory(name, create=True, size=size)
        try:
            _reserve(memory, size)
        except BaseException:
            memory.close()
            memory.unlink()
            raise
        header = np.ndarray((), _HEADER, memory.buf)
        header[()] = (slots, capacity, 0, 0)
        del header
        return cls(memory)

    @staticmethod
    def bytes_for(height: int, width: int, slots: int = 3) -> int:
        """Shared memory that a ring of `create` takes."""
        return _PAGE + slots * _capacity(height, width)

    @classmethod
    def attach(cls, name: str) -> FrameRing:
        """The ring that another process made.

        Raises:
            FileNotFoundError: There is none; a newer one may have taken its place.
            OSError: There is no memory or no handle left for it; it stays there for others.
        """
        return cls(_FoundMemory(name))

    @property
    def name(self) -> str:
        """Name of the shared memory."""
        return self._memory.name

    @property
    def newest(self) -> int:
        """Sequence of the newest frame; 0 before the first."""
        return int(self._header["newest"])

    @property
    def newest_at(self) -> float:
        """When the newest frame was captured, in UNIX seconds; 0 before the first."""
        while True:
            slot = self._slot(self.newest)
            version, at = int(slot["version"]), float(slot["captured_at"])
            if not version % 2 and version == int(slot["version"]):
                return at

    @property
    def taken(self) -> int:
        """Sequence of the last frame that was worked on; set by who reads a file that waits."""
        return int(self._header["taken"])

    @taken.setter
    def taken(self, sequence: int) -> None:
        self._header["taken"] = sequence

    def fits(self, height: int, width: int) -> bool:
        """Whether a picture of that size finds room."""
        return bool(3 * height * width <= self._pixels.shape[1])

    def write(self, image: Image, *, sequence: int, captured_at: float) -> None:
        """Put a BGR picture in the place of the oldest.

        Args:
            image: (H, W, 3) uint8.
            sequence: Greater than that of every frame before.
            captured_at: UNIX seconds.
        """
        height, width = image.shape[:2]
        slot, pixels = self._begin(height, width, sequence, captured_at)
        slot["format"] = 0
        pixels[: image.size].reshape(image.shape)[...] = image
        self._finish(slot, sequence)

    def write_picture(self, picture: Any, *, sequence: int, captured_at: float) -> None:
        """Put a decoded picture in the place of the oldest.

        Args:
            picture: PyAV's `VideoFrame` in one of the formats of `PLANAR`.
            sequence: Greater than that of every frame before.
            captured_at: UNIX seconds.
        """
        slot, pixels = self._begin(picture.height, picture.width, sequence, captured_at)
        slot["format"] = _FORMATS.index(picture.format.name)
        slot["colorspace"], slot["color_range"] = picture.colorspace, picture.color_range
        end = 0
        for plane in picture.planes:
            begin, end = end, end + plane.height * plane.width
            pixels[begin:end].reshape(plane.height, plane.width)[...] = rows(plane)
        self._finish(slot, sequence)

    def read(self, after: int) -> RingFrame | None:
        """The newest frame, as a copy; None if it is not newer than `after`."""
        while (newest := self.newest) > after:
            slot = self._slot(newest)
            version, seen = int(slot["version"]), slot.copy()
            if version % 2:
                continue  # it was overtaken by a whole round
            height, width = int(seen["height"]), int(seen["width"])
            pixels = self._pixels[newest % len(self._slots)]
            if seen["format"] == 0:
                image = pixels[: 3 * height * width].reshape(height, width, 3).copy()
                picture = None
            else:
                picture = _picture(seen, pixels, height, width)
            if int(slot["version"]) != version:
                continue
            if picture is not None:
                converted = self._reformatter.reformat(picture, format=_BGR, threads=1)
                image = converted.to_ndarray()
            return RingFrame(image, int(seen["sequence"]), float(seen["captured_at"]))
        return None

    def close(self) -> None:
        """Let go of the memory in this process."""
        del self._header, self._slots, self._pixels
        self._memory.close()

    def unlink(self) -> None:
        """Give the memory back once every process has let go of it."""
        with suppress(FileNotFoundError):
            self._memory.unlink()

    def _slot(self, sequence: int) -> Any:
        index = sequence % len(self._slots)
        return self._slots[index : index + 1].reshape(())

    def _begin(
        self, height: int, width: int, sequence: int, captured_at: float
    ) -> tuple[Any, Image]:
        slot = self._slot(sequence)
        slot["version"] += 1 + slot["version"] % 2  # also behind a writer that was killed
        slot["sequence"], slot["captured_at"] = sequence, captured_at
        slot["height"], slot["width"] = height, width
        return slot, self._pixels[sequence % len(self._slots)]

    def _finish(self, slot: Any, sequence: int) -> None:
        slot["version"] += 1
        self._header["newest"] = sequence


class _FoundMemory(SharedMemory):
    """Memory of another process: where it cannot be mapped, Python would remove it for all."""

    def __init__(self, name: str) -> None:
        self._is_mapped = False
        super().__init__(name)
        self._is_mapped = True

    def unlink(self) -> None:
        if self._is_mapped:
            super().unlink()


def _picture(seen: Any, pixels: Image, height: int, width: int) -> Any:
    picture: Any = av.VideoFrame(width, height, _FORMATS[int(seen["format"])])
    picture.colorspace, picture.color_range = int(seen["colorspace"]), int(seen["color_range"])
    end = 0
    for plane in picture.planes:
        begin, end = end, end + plane.height * plane.width
        rows(plane)[...] = pixels[begin:end].reshape(plane.height, plane.width)
    return picture


def _capacity(height: int, width: int) -> int:
    return -(-3 * height * width // _PAGE) * _PAGE


def _reserve(memory: SharedMemory, size: int) -> None:
    """Take the memory now: a process that writes to memory which is not there is killed."""
    path = _MEMORY / memory.name
    if not path.exists():
        return
    file = os.open(path, os.O_RDWR)
    try:
        os.posix_fallocate(file, 0, size)
    except OSError:
        room = os.statvfs(_MEMORY)
        raise StateError(
            f"a camera's frames need {size >> 20} MiB of shared memory and "
            f"{room.f_bavail * room.f_frsize >> 20} MiB are free in {_MEMORY}; give the container "
            "more (shm_size in docker-compose.yml, --shm-size)"
        ) from None
    finally:
        os.close(file)
