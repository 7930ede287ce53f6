from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.preprocessing import PlaneWriter, Preprocessing, Resize, place

RESIZES: tuple[Resize, ...] = ("letterbox-top-left", "letterbox-centred", "stretch")
sides = st.integers(1, 4000)
inputs = st.integers(1, 40).map(lambda cells: cells * 32)
resizes = st.sampled_from(RESIZES)
corners = st.floats(-500, 5000, allow_nan=False)


@given(sides, sides, inputs, inputs, resizes, st.lists(corners, min_size=4, max_size=4))
def test_going_to_the_input_and_back_is_exact(
    height: int, width: int, rows: int, columns: int, resize: Resize, box: list[float]
) -> None:
    placement = place(height, width, rows, columns, resize)
    boxes = np.array([box])
    back = placement.to_picture(placement.to_input(boxes))
    # Exact up to the rounding of the offset's addition, seen through the scale.
    tolerance = 1e-9 * (1 + np.abs(boxes) + max(rows, columns) / placement.scale_x)
    tolerance += 1e-9 * max(rows, columns) / placement.scale_y
    assert (np.abs(back - boxes) <= tolerance).all()


@given(sides, sides, inputs, inputs, resizes)
def test_the_picture_fills_its_place_and_the_place_lies_inside(
    height: int, width: int, rows: int, columns: int, resize: Resize
) -> None:
    placement = place(height, width, rows, columns, resize)
    whole = placement.to_input(np.array([[0.0, 0.0, width, height]]))[0]
    expected = [placement.left, placement.top]
    expected += [placement.left + placement.width, placement.top + placement.height]
    np.testing.assert_allclose(whole, expected, rtol=1e-12)
    assert placement.left >= 0
    assert placement.top >= 0
    assert placement.left + placement.width <= columns
    assert placement.top + placement.height <= rows
    assert placement.width == columns or placement.height == rows


@given(sides, sides, inputs, inputs)
def test_a_letterbox_keeps_the_shape_to_half_a_pixel(
    height: int, width: int, rows: int, columns: int
) -> None:
    placement = place(height, width, rows, columns, "letterbox-centred")
    scale = min(rows / height, columns / width)
    assert abs(placement.width - max(width * scale, 1)) <= 0.5
    assert abs(placement.height - max(height * scale, 1)) <= 0.5
    assert abs(columns - placement.width - 2 * placement.left) <= 1


@pytest.mark.parametrize("resize", RESIZES)
def test_a_square_is_drawn_where_its_box_says(resize: Resize) -> None:
    image = np.zeros((240, 360, 3), np.uint8)
    image[60:180, 90:270] = 255
    preprocessor = PlaneWriter(Preprocessing(resize, "bgr"), 96, 160)
    target = np.empty((3, 96, 160), np.float32)
    placement = preprocessor.write(image, target)
    x1, y1, x2, y2 = placement.to_input(np.array([[90.0, 60, 270, 180]]))[0]
    bright = target[0] > 127.5
    bright &= target[0] != 114
    rows, columns = np.flatnonzero(bright.any(axis=1)), np.flatnonzero(bright.any(axis=0))
    np.testing.assert_allclose(
        [columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], [x1, y1, x2, y2], atol=0.51
    )


def test_around_the_picture_is_grey_114_normalised_too() -> None:
    wanted = Preprocessing(
        "letterbox-centred", "rgb", mean=(100.0, 110.0, 120.0), std=(2.0, 4.0, 5.0)
    )
    target = np.empty((3, 64, 64), np.float32)
    PlaneWriter(wanted, 64, 64).write(np.zeros((32, 64, 3), np.uint8), target)
    for channel, (mean, std) in enumerate(zip(wanted.mean, wanted.std, strict=True)):
        np.testing.assert_allclose(target[channel, :16], (114 - mean) / std, rtol=1e-6)
        np.testing.assert_allclose(target[channel, 16:48], -mean / std, rtol=1e-6)
        np.testing.assert_allclose(target[channel, 48:], (114 - mean) / std, rtol=1e-6)


def test_a_picture_of_the_inputs_size_passes_unchanged_in_both_channel_orders() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype(np.uint8)
    target = np.empty((3, 64, 96), np.float32)
    PlaneWriter(Preprocessing("letterbox-top-left", "bgr"), 64, 96).write(image, target)
    np.testing.assert_array_equal(target, image.transpose(2, 0, 1))
    unit = Preprocessing("stretch", "rgb", std=(255.0, 255.0, 255.0))
    PlaneWriter(unit, 64, 96).write(image, target)
    np.testing.assert_allclose(target, image[..., ::-1].transpose(2, 0, 1) / 255, rtol=1e-6)


def test_nothing_of_one_picture_stays_for_the_next() -> None:
    preprocessor = PlaneWriter(Preprocessing("letterbox-top-left", "bgr"), 64, 64)
    used, fresh = np.empty((3, 64, 64), np.float32), np.empty((3, 64, 64), np.float32)
    wide = np.full((20, 60, 3), 7, np.uint8)
    preprocessor.write(np.full((90, 30, 3), 200, np.uint8), used)
    preprocessor.write(wide, used)
    PlaneWriter(preprocessor.preprocessing, 64, 64).write(wide, fresh)
    np.testing.assert_array_equal(used, fresh)
