"""Pictures from outside: sizes before pixels."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from sightline.errors import InputError
from sightline.service.errors import TooLargeError, UnsupportedError
from sightline.service.search.pictures import decode_picture, picture_size

LIMIT = 10_000


def encode(suffix: str, width: int = 61, height: int = 43, *options: int) -> bytes:
    image = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return bytes(cv2.imencode(suffix, image, list(options))[1])


@pytest.mark.parametrize(
    "picture",
    [
        encode(".jpg"),
        encode(".jpg", 61, 43, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
        encode(".png"),
        encode(".webp", 61, 43, cv2.IMWRITE_WEBP_QUALITY, 80),
        encode(".webp", 61, 43, cv2.IMWRITE_WEBP_QUALITY, 101),
    ],
    ids=["jpeg", "progressive", "png", "webp", "lossless webp"],
)
def test_the_size_in_the_header_is_that_of_the_picture(picture: bytes) -> None:
    assert picture_size(picture) == (61, 43)
    assert decode_picture(picture, LIMIT).shape == (43, 61, 3)


def test_a_bomb_is_refused_by_its_header() -> None:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 100_000, 100_000)
    with pytest.raises(TooLargeError, match="100000x100000 pixels"):
        decode_picture(header, 50_000_000)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
@pytest.mark.parametrize("length", [0, 3, 11, 20])
def test_what_is_cut_in_its_header_is_refused(suffix: str, length: int) -> None:
    with pytest.raises(UnsupportedError):
        decode_picture(encode(suffix)[:length], LIMIT)


@pytest.mark.parametrize(
    "data", [b"GIF89a" + bytes(100), b"BM" + bytes(100), b"text", b"\xff\xd8\x00\x00"]
)
def test_other_kinds_are_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedError):
        decode_picture(data, LIMIT)


def test_what_is_damaged_behind_its_header_is_refused() -> None:
    for suffix in (".png", ".webp"):
        with pytest.raises(InputError, match="damaged"):
            decode_picture(encode(suffix)[:30] + bytes(1000), LIMIT)
