"""Crops: what lies inside a box, and boxes that hold nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError
from sightline.reid.crops import LEAST_SIDE, cut_crops

PICTURE = np.zeros((60, 80, 3), np.uint8)
PICTURE[10:50, 20:40] = (10, 20, 30)


def test_crop_holds_what_is_inside_the_box() -> None:
    boxes = np.array([[20, 10, 40, 50]], np.float32)
    crops, usable = cut_crops(PICTURE, boxes, 128, 64)
    assert crops.shape == (1, 128, 64, 3)
    assert usable.tolist() == [True]
    assert (crops == (10, 20, 30)).all()


def test_box_that_reaches_outside_is_cut_at_the_edge() -> None:
    reaching = np.array([[20, 10, 900, 50]], np.float32)
    inside = np.array([[20, 10, 80, 50]], np.float32)
    crops = [cut_crops(PICTURE, boxes, 16, 16)[0] for boxes in (reaching, inside)]
    np.testing.assert_array_equal(crops[0], crops[1])


@pytest.mark.parametrize(
    "box",
    [
        pytest.param([30, 10, 30, 50], id="no width"),
        pytest.param([30, 50, 40, 10], id="upside down"),
        pytest.param([80, 0, 100, 60], id="right of the picture"),
        pytest.param([-50, -50, -10, -10], id="above the picture"),
        pytest.param([30, 10, 31, 50], id="one pixel wide"),
    ],
)
def test_box_that_holds_nothing_is_masked_and_the_others_stay(box: list[float]) -> None:
    boxes = np.array([[20, 10, 40, 50], box, [0, 0, 20, 20]], np.float32)
    crops, usable = cut_crops(PICTURE, boxes, 32, 16)
    assert usable.tolist() == [True, False, True]
    assert (crops[0] == (10, 20, 30)).all()
    assert len(crops) == 2


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((3, 5)), r"\(3, 5\)"),
        (np.array([[0, 0, 5, 5], [0, np.nan, 5, 5]]), "box 1"),
        (np.array([[0, 0, np.inf, 5]]), "box 0"),
    ],
)
def test_boxes_that_are_no_numbers_are_named(boxes: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cut_crops(PICTURE, boxes, 32, 16)


def test_no_boxes_give_no_crops() -> None:
    crops, usable = cut_crops(PICTURE, np.empty((0, 4), np.float32), 32, 16)
    assert crops.shape == (0, 32, 16, 3)
    assert usable.shape == (0,)


@given(st.lists(st.floats(-200, 200, width=32), min_size=4, max_size=4))
def test_a_crop_exists_exactly_where_enough_of_the_box_is_inside(box: list[float]) -> None:
    left, top, right, bottom = np.rint(np.clip(box, 0, [80, 60, 80, 60]))
    crops, usable = cut_crops(PICTURE, np.array([box], np.float32), 8, 4)
    assert usable[0] == (right - left >= LEAST_SIDE and bottom - top >= LEAST_SIDE)
    assert len(crops) == int(usable[0])
