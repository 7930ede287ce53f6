from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.detector.training.appearance import (
    jitter_colour,
    jpeg_noise,
    low_light,
    motion_blur,
)

Image = npt.NDArray[np.uint8]


@pytest.fixture
def photograph(shared: Path) -> Image:
    folder = shared / "data" / "detection" / "images" / "pennfudan"
    return np.asarray(cv2.imread(str(folder / "FudanPed00001.jpg")), np.uint8)


def apart(first: Image, second: Image) -> float:
    return float(np.abs(first.astype(float) - second).mean())


def test_colour_that_does_not_change_stays(photograph: Image) -> None:
    assert apart(jitter_colour(photograph, 0, 1, 1), photograph) < 1.5  # HSV in bytes rounds


def test_value_and_saturation_are_factors(photograph: Image) -> None:
    dim = jitter_colour(photograph, 0, 1, 0.5)
    np.testing.assert_allclose(dim.max(axis=2), photograph.max(axis=2) / 2, atol=1)
    grey = jitter_colour(photograph, 0, 0, 1)
    assert np.ptp(grey, axis=2).max() == 0


def test_hue_goes_round(photograph: Image) -> None:
    np.testing.assert_array_equal(
        jitter_colour(photograph, -0.5, 1, 1), jitter_colour(photograph, 0.5, 1, 1)
    )
    red = np.full((2, 2, 3), (0, 0, 255), np.uint8)
    assert jitter_colour(red, 1 / 3, 1, 1)[0, 0].tolist() == [0, 255, 0]


@pytest.mark.parametrize(("angle", "width", "height"), [(0, 7, 1), (np.pi / 2, 1, 7)])
def test_blur_smears_along_its_direction(angle: float, width: int, height: int) -> None:
    point = np.zeros((31, 31, 3), np.uint8)
    point[15, 15] = 255
    rows, columns = np.nonzero(motion_blur(point, 7, angle)[..., 0])
    assert [int(np.ptp(places)) + 1 for places in (columns, rows)] == [width, height]
    assert (rows.mean(), columns.mean()) == (15, 15)


def test_blur_keeps_the_brightness(photograph: Image) -> None:
    blurred = motion_blur(photograph, 9, 0.7)
    assert abs(blurred.mean() - photograph.mean()) < 1
    np.testing.assert_array_equal(motion_blur(photograph, 1, 0.7), photograph)


def test_lower_quality_is_further_from_the_picture(photograph: Image) -> None:
    distances = [apart(jpeg_noise(photograph, quality), photograph) for quality in (10, 40, 95)]
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 2 * distances[2]


def test_low_light_is_darker_and_noisy(photograph: Image) -> None:
    dark = low_light(photograph, 2.5, 0, np.random.default_rng(0))
    np.testing.assert_allclose(dark, 255 * (photograph / 255) ** 2.5, atol=1)
    noisy = low_light(np.full((200, 200, 3), 200, np.uint8), 1, 8, np.random.default_rng(0))
    assert noisy.mean() == pytest.approx(200, abs=1)
    assert noisy.std() == pytest.approx(8, rel=0.05)
