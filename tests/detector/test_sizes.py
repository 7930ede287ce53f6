from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.detector.sizes import FixedSize, PixelBudget, check_sides
from sightline.errors import ModelError

pixels = st.integers(1, 5000)
budgets = st.integers(32, 700)


def scale(frame: tuple[int, int], size: tuple[int, int]) -> float:
    return min(size[0] / frame[0], size[1] / frame[1])


@given(pixels, pixels, budgets)
def test_the_budget_is_kept_and_sides_are_multiples_of_32(
    height: int, width: int, side: int
) -> None:
    chosen = PixelBudget(side).input_for(height, width)
    assert chosen[0] * chosen[1] <= side * side
    assert all(length > 0 and length % 32 == 0 for length in chosen)


@given(pixels, pixels, st.integers(32, 300))
def test_no_other_input_of_the_budget_shows_the_frame_larger(
    height: int, width: int, side: int
) -> None:
    frame, cells = (height, width), side * side // 1024
    chosen = PixelBudget(side).input_for(height, width)
    for rows in range(1, cells + 1):
        for columns in range(1, cells // rows + 1):
            other = (rows * 32, columns * 32)
            assert scale(frame, other) <= scale(frame, chosen) * (1 + 1e-12)
            if scale(frame, other) >= scale(frame, chosen) * (1 + 1e-12):
                assert other[0] * other[1] >= chosen[0] * chosen[1]


@pytest.mark.parametrize(
    ("frame", "chosen"),
    [
        ((1080, 1920), (288, 512)),
        ((720, 1280), (288, 512)),
        ((576, 768), (352, 480)),
        ((1920, 1080), (512, 288)),
        ((500, 500), (416, 416)),
    ],
)
def test_cameras_of_common_shapes_are_hardly_padded(
    frame: tuple[int, int], chosen: tuple[int, int]
) -> None:
    assert PixelBudget(416).input_for(*frame) == chosen
    covered = frame[0] * frame[1] * scale(frame, chosen) ** 2
    assert covered / (chosen[0] * chosen[1]) > 0.97


def test_a_fixed_size_is_the_same_for_all() -> None:
    assert FixedSize(96, 128).input_for(3000, 10) == (96, 128)


@pytest.mark.parametrize(("height", "width"), [(0, 32), (32, 33), (-32, 32)])
def test_sides_that_no_grid_fits_are_refused(height: int, width: int) -> None:
    with pytest.raises(ModelError, match=f"net: .*{height}x{width}"):
        check_sides("net", height, width)
