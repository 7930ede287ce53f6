from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from sightline.errors import InputError, SourceError
from sightline.video import open_source

Picture = Callable[..., Any]


def test_names_are_sorted_as_people_count(
    tmp_path: Path, numbered_picture: Picture, number_of: Callable[[Any], int]
) -> None:
    for number in (1, 2, 10, 20):
        cv2.imwrite(str(tmp_path / f"shot{number}.png"), numbered_picture(number))
    (tmp_path / "notes.txt").write_text("not a picture")
    source = open_source(tmp_path)
    assert [number_of(frame.image) for frame in source] == [1, 2, 10, 20]
    assert "30 frames per second are assumed" in source.warnings[0]


def test_damaged_pictures_are_skipped_and_leave_a_gap(
    tmp_path: Path, numbered_picture: Picture
) -> None:
    for number in range(5):
        cv2.imwrite(str(tmp_path / f"{number}.jpg"), numbered_picture(number))
    cut = tmp_path / "2.jpg"
    cut.write_bytes(cut.read_bytes()[:-200])
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    source = open_source(tmp_path, rate=10)
    assert [(frame.index, frame.time) for frame in source] == [(0, 0.0), (1, 0.1), (4, 0.4)]
    assert source.skipped == 2
    assert "2.jpg" in source.warnings[0]


def test_photographs_are_turned_upright_by_their_exif(tmp_path: Path) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30] = 255
    jpeg = cv2.imencode(".jpg", image)[1].tobytes()
    # Orientation 6: the camera was held on its side; turn clockwise.
    tiff = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"Exif\0\0" + tiff
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "photo.jpg").write_bytes(jpeg[:2] + segment + jpeg[2:])
    (frame,) = open_source(tmp_path, rate=1)
    assert frame.image.shape == (60, 40, 3)
    assert frame.image[:20].mean() > 200


def test_a_folder_without_pictures_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no pictures") as caught:
        open_source(tmp_path)
    assert caught.value.code == "stream_not_found"


def test_a_folder_of_damaged_pictures_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / "1.jpg").write_bytes(b"")
    with pytest.raises(SourceError, match="none of its 1 pictures") as caught:
        open_source(tmp_path)
    assert caught.value.code == "stream_corrupt"


def test_a_missing_picture_of_a_sequence_is_a_gap(
    tmp_path: Path, numbered_picture: Picture
) -> None:
    (tmp_path / "img1").mkdir()
    for number in (1, 2, 4):
        cv2.imwrite(str(tmp_path / "img1" / f"{number:06d}.jpg"), numbered_picture(number))
    (tmp_path / "seqinfo.ini").write_text("[Sequence]\nseqLength=4\nframeRate=20\nimDir=img1\n")
    source = open_source(tmp_path)
    assert [(frame.index, frame.time) for frame in source] == [(0, 0.0), (1, 0.05), (3, 0.15)]
    assert "lists 4 frames, 3 are there" in source.warnings[0]


def test_pictures_of_a_sequence_are_named_by_numbers(
    tmp_path: Path, numbered_picture: Picture
) -> None:
    (tmp_path / "img1").mkdir()
    cv2.imwrite(str(tmp_path / "img1" / "first.jpg"), numbered_picture(1))
    with pytest.raises(InputError, match="distinct numbers"):
        open_source(tmp_path)


def test_a_real_sequence_has_the_times_of_its_seqinfo(shared: Path) -> None:
    source = open_source(shared / "data" / "clips" / "MOT17-mini" / "MOT17-05")
    frames = list(source)
    assert (source.name, source.width, source.height, source.rate) == ("MOT17-05", 640, 480, 14.0)
    assert [frame.time for frame in frames] == [index / 14 for index in range(len(frames))]
