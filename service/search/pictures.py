"""Pictures from outside: their size is read from the header before anything is decoded."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import numpy.typing as npt

from sightline.errors import InputError
from sightline.service.errors import TooLargeError, UnsupportedError

__all__ = ["decode_picture", "picture_size"]

# JPEG markers (ITU-T T.81, table B.1): frames, but for those between that are something else.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def decode_picture(data: bytes, max_pixels: int) -> npt.NDArray[np.uint8]:
    """A picture, upright.

    Args:
        data: JPEG, PNG or WebP.
        max_pixels: Pixels that it may have.

    Returns:
        (H, W, 3) uint8 BGR.

    Raises:
        UnsupportedError: It is no such picture.
        TooLargeError: It has too many pixels.
        InputError: It is damaged.
    """
    width, height = picture_size(data)
    if width * height > max_pixels:
        raise TooLargeError(
            f"the picture has {width}x{height} pixels; security.max_pixels allows {max_pixels}"
        )
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None:
        raise InputError("the picture is damaged; it cannot be decoded")
    return np.asarray(image, np.uint8)


def picture_size(data: bytes) -> tuple[int, int]:
    """Width and height that a picture's header names.

    Raises:
        UnsupportedError: It is no JPEG, PNG or WebP, or its header is cut short.
    """
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack(">II", data[16:24])
        if data.startswith(b"\xff\xd8"):
            return _jpeg_size(data)
        if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            return _webp_size(data)
    except (struct.error, IndexError):
        raise UnsupportedError("the picture is cut short") from None
    raise UnsupportedError("expected a picture as JPEG, PNG or WebP")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    place = 2
    while data[place] == 0xFF:
        marker = data[place + 1]
        if marker == 0xFF:  # fill
            place += 1
        elif marker in _WITHOUT_LENGTH:
            place += 2
        elif marker in _FRAMES:
            height, width = struct.unpack(">HH", data[place + 5 : place + 9])
            return width, height
        else:
            (length,) = struct.unpack(">H", data[place + 2 : place + 4])
            place += 2 + length
    raise UnsupportedError("the picture is no JPEG that can be read")


def _webp_size(data: bytes) -> tuple[int, int]:
    """Of the container's first chunk (RFC 9649)."""
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return width, height
    if kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    width, height = struct.unpack("<HH", data[26:30])
    return width & 0x3FFF, height & 0x3FFF
