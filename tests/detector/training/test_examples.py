from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from sightline.detector.training.cache import FileCache
from sightline.detector.training.examples import CLASSES, Example, Labels, decode
from sightline.errors import InputError

ALL = (True,) * len(CLASSES)


@pytest.fixture
def photograph(shared: Path) -> Path:
    return shared / "data" / "detection" / "images" / "pennfudan" / "FudanPed00001.jpg"


def test_labels_of_unequal_length_are_refused() -> None:
    with pytest.raises(InputError, match=r"\(1, 2, 1\) rows"):
        Labels([(0, 0, 1, 1)], [0, 1], ALL)
    with pytest.raises(InputError, match=r"their classes \(1, 0\)"):
        Labels([], [], ALL, ignore=[(0, 0, 1, 1)], ignore_classes=[])


def test_ignore_regions_hold_for_every_class_unless_said() -> None:
    labels = Labels([], [], ALL, ignore=[(0, 0, 4, 4)])
    assert labels.ignore_classes.tolist() == [-1]
    assert labels.boxes.shape == labels.uncertain.shape == (0, 4)


def test_rows_of_labels_stay_together() -> None:
    labels = Labels(
        [(0, 0, 1, 1), (2, 2, 5, 5)], [0, 3], ALL, weights=[1, 0.5], ignore=[(0, 0, 9, 9)]
    )
    second = labels[np.array([False, True])]
    assert second.boxes.tolist() == [[2, 2, 5, 5]]
    assert (second.classes.tolist(), second.weights.tolist()) == ([3], [0.5])
    assert len(second.ignore) == 1


def test_photograph_is_decoded_as_opencv_does(photograph: Path) -> None:
    expected = np.asarray(cv2.imread(str(photograph)), np.uint8)
    height, width = expected.shape[:2]
    example = Example(photograph, width, height, Labels([], [], ALL), "pennfudan", "1")
    np.testing.assert_array_equal(example.load(), expected)
    half = example.decode(photograph.read_bytes(), 2)
    assert half.shape[:2] == (-(-height // 2), -(-width // 2))
    expected_half = cv2.resize(expected, half.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(half.astype(int) - expected_half).mean() < 3


@pytest.mark.parametrize("share", [0.02, 0.3, 0.99])
def test_truncated_jpeg_is_an_error_that_names_it(photograph: Path, share: float) -> None:
    data = photograph.read_bytes()
    with pytest.raises(InputError, match=r"FudanPed00001\.jpg: the JPEG is cut short"):
        decode(data[: int(share * len(data))], photograph)


def test_bytes_behind_a_jpeg_do_no_harm(photograph: Path) -> None:
    data = photograph.read_bytes() + b"\xff\xda" + bytes(100)
    assert decode(data, photograph).size


@pytest.mark.parametrize("data", [b"", b"<html>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_is_an_error_that_names_it(data: bytes) -> None:
    with pytest.raises(InputError, match=r"odd\.jpg: not a picture"):
        decode(data, Path("odd.jpg"))


def test_picture_of_another_size_than_its_labels_is_an_error(photograph: Path) -> None:
    example = Example(photograph, 50, 40, Labels([], [], ALL), "pennfudan", "1")
    with pytest.raises(
        InputError, match=r"FudanPed00001\.jpg: the picture is .* labels are for 50×40"
    ):
        example.load()


def test_missing_picture_is_an_error_that_names_it(tmp_path: Path) -> None:
    example = Example(tmp_path / "gone.jpg", 50, 40, Labels([], [], ALL), "made", "1")
    with pytest.raises(InputError, match=r"gone\.jpg: the picture cannot be read: No such file"):
        example.load()


@pytest.mark.parametrize("most_bytes", [0, 7, 1000])
def test_cache_gives_every_file_whatever_fits(tmp_path: Path, most_bytes: int) -> None:
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for number, path in enumerate(paths):
        path.write_bytes(bytes([number]) * 5)
    cache = FileCache(paths * 2, most_bytes)
    assert [bytes(cache.read(path)) for path in paths] == [bytes([k]) * 5 for k in range(3)]


def test_cached_file_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    cache = FileCache([tmp_path / "a", tmp_path / "missing"])
    (tmp_path / "a").unlink()
    assert bytes(cache.read(tmp_path / "a")) == b"abc"
    with pytest.raises(InputError, match="missing: the picture cannot be read"):
        cache.read(tmp_path / "missing")
