"""Folders of pictures: any folder of images, and the sequences of the MOTChallenge.

Pictures are decoded by OpenCV and not by FFmpeg: it turns photographs upright by their EXIF
orientation and reads a file that stands alone without opening a container around it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError, SourceError, StateError
from sightline.formats.mot import read_sequence_info
from sightline.structures import Frame
from sightline.video.selection import Selection

__all__ = ["PictureSource", "is_sequence", "open_pictures", "open_sequence"]

_SUFFIXES = {".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}
_ASSUMED_RATE = 30.0


class PictureSource:
    """Pictures as frames, at a constant rate; implements `protocols.Source`.

    A picture that cannot be decoded, or that was cut short, is skipped and counted; the frames
    after it keep their numbers.

    Args:
        name: What outputs are named after.
        paths: The pictures in order.
        numbers: Index of each picture in the sequence, from 0, growing.
        rate: Frames per second: frame i has the time i / rate.
        selection: Which frames are wanted.

    Raises:
        SourceError: None of the pictures can be decoded.
    """

    def __init__(
        self,
        name: str,
        paths: Sequence[Path],
        numbers: Sequence[int],
        rate: float,
        selection: Selection,
    ) -> None:
        self.name = name
        self.rate = rate
        self.live = False
        self.skipped = 0
        self.warnings: list[str] = []
        self._pictures = [
            (number, path)
            for number, path in zip(numbers, paths, strict=True)
            if selection.takes(number)
            and not selection.is_before(number / rate)
            and not selection.is_after(number / rate)
        ]
        self.frame_count: int | None = len(self._pictures)
        self._closing = threading.Event()
        self._started = False
        images = (read_picture(path) for path in paths)
        first = next((image for image in images if image is not None), None)
        if first is None:
            raise SourceError(
                f"{name}: none of its {len(paths)} pictures can be decoded", "stream_corrupt"
            )
        self.height, self.width = first.shape[:2]

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order, once.

        Raises:
            StateError: The source was iterated before.
        """
        if self._started:
            raise StateError(f"{self.name}: a source can be read once; open it again")
        self._started = True
        return self._frames()

    def close(self) -> None:
        """End the iteration at its next step."""
        self._closing.set()

    def _frames(self) -> Iterator[Frame]:
        for number, path in self._pictures:
            if self._closing.is_set():
                return
            image = read_picture(path)
            if image is None:
                self.skipped += 1
                if self.skipped == 1:
                    self.warnings.append(f"{path.name} is damaged or not a picture: skipped")
                continue
            yield Frame(image, number, number / self.rate, None, self.name)


def is_sequence(folder: Path) -> bool:
    """Whether a folder is a sequence of the MOTChallenge (has a `seqinfo.ini` or `img1`)."""
    return (folder / "seqinfo.ini").is_file() or (folder / "img1").is_dir()


def open_sequence(folder: Path, selection: Selection, *, rate: float | None) -> PictureSource:
    """Open a sequence of the MOTChallenge: `seqinfo.ini` and the pictures in `img1`.

    The number in a picture's name is its frame, from 1; a missing picture is a gap in the
    indices. Times are index / frameRate.

    Args:
        folder: The sequence.
        selection: Which frames are wanted.
        rate: Frames per second instead of seqinfo's.

    Raises:
        SourceError: There are no pictures in it.
        InputError: `seqinfo.ini` cannot be understood.
    """
    pictures, listed_rate, listed_length = folder / "img1", 0.0, 0
    if (folder / "seqinfo.ini").is_file():
        info = read_sequence_info(folder / "seqinfo.ini")
        pictures = folder / info.image_folder
        listed_rate, listed_length = info.rate, info.length
    paths = _list_pictures(pictures)
    numbers = [_number(path) for path in paths]
    if None in numbers or len(set(numbers)) < len(numbers):
        raise InputError(f"{pictures}: the pictures of a sequence are named by distinct numbers")
    indices = [number - 1 for number in numbers if number is not None]
    source = PictureSource(
        folder.resolve().name, paths, indices, rate or listed_rate or _ASSUMED_RATE, selection
    )
    if not (rate or listed_rate):
        source.warnings.append(_assumed(folder))
    if listed_length > len(paths):
        source.warnings.append(
            f"{source.name}: seqinfo.ini lists {listed_length} frames, {len(paths)} are there"
        )
    return source


def open_pictures(folder: Path, selection: Selection, *, rate: float | None) -> PictureSource:
    """Open a folder of pictures, in the natural order of their names (2 before 10).

    Args:
        folder: The folder; other files in it are passed over.
        selection: Which frames are wanted.
        rate: Frames per second; None takes 30 and leaves a warning.

    Raises:
        SourceError: There are no pictures in it.
    """
    paths = _list_pictures(folder)
    source = PictureSource(
        folder.resolve().name, paths, range(len(paths)), rate or _ASSUMED_RATE, selection
    )
    if not rate:
        source.warnings.append(_assumed(folder))
    return source


def read_picture(path: Path) -> npt.NDArray[np.uint8] | None:
    """(H, W, 3) uint8 BGR of a picture file, upright by its EXIF; None if it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    # OpenCV fills the missing part of a cut JPEG with grey and says nothing.
    cut = data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda")
    if cut or not data:
        return None
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    return None if image is None else np.asarray(image, dtype=np.uint8)


def _list_pictures(folder: Path) -> list[Path]:
    try:
        found = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES]
    except OSError as error:
        raise SourceError(
            f"{folder}: cannot be read: {error.strerror}", "stream_not_found"
        ) from None
    if not found:
        raise SourceError(
            f"{folder}: no pictures in this folder; expected {', '.join(sorted(_SUFFIXES))}",
            "stream_not_found",
        )
    return sorted(found, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    parts = re.findall(r"\d+|\D+", path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], path.name


def _number(path: Path) -> int | None:
    digits = re.search(r"(\d+)$", path.stem)
    return int(digits[1]) if digits else None


def _assumed(folder: Path) -> str:
    return f"{folder}: pictures have no times; {_ASSUMED_RATE:g} frames per second are assumed"
