"""Heat map and flow of paths whose way is known."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.service.movement import movement_of


def walk(
    start: tuple[float, float], end: tuple[float, float], seconds: float = 10.0
) -> npt.NDArray[np.float64]:
    """A person of a tenth of the picture who walks straight, two places a second."""
    times = np.arange(0, seconds + 0.01, 0.5)
    share = (times / seconds)[:, None]
    feet = np.array(start) + share * (np.array(end) - np.array(start))
    return np.column_stack(
        [times + 1e9, feet[:, 0] - 0.05, feet[:, 1] - 0.1, feet[:, 0] + 0.05, feet[:, 1]]
    )


share = st.floats(0.1, 0.9)


@given(st.lists(st.tuples(share, share, share, share), min_size=1, max_size=5))
def test_every_second_lands_in_some_cell(walks: list[tuple[float, float, float, float]]) -> None:
    paths = [walk((x1, y1), (x2, y2)) for x1, y1, x2, y2 in walks]
    movement = movement_of(paths, columns=20, rows=10)
    assert movement.tracks == len(paths)
    assert movement.seconds.sum() == pytest.approx(10 * len(paths))


def test_heat_lies_under_the_feet_and_nowhere_else() -> None:
    movement = movement_of([walk((0.1, 0.55), (0.9, 0.55))], columns=10, rows=10)
    expected = np.zeros((10, 10))
    # 0.8 of the width in 10 s: a cell takes 1.25 s; the first and last are cut in half.
    expected[5, 1:9] = 1.25
    np.testing.assert_allclose(movement.seconds, expected, atol=0.15)
    assert set(np.flatnonzero(movement.seconds.any(axis=1))) == {5}


def test_arrows_point_where_people_go_with_their_speed() -> None:
    movement = movement_of([walk((0.1, 0.5), (0.9, 0.5))] * 3)
    assert movement.arrows
    for arrow in movement.arrows:
        assert arrow.dx == pytest.approx(0.08)
        assert arrow.dy == pytest.approx(0.0, abs=1e-9)
        assert arrow.tracks == 3


def test_two_ways_through_one_door_are_two_arrows() -> None:
    there, back = walk((0.1, 0.5), (0.9, 0.5)), walk((0.9, 0.5), (0.1, 0.5))
    arrows = movement_of([there, there, back]).arrows
    places = {(arrow.x, arrow.y) for arrow in arrows}
    for place in places:
        ways = sorted((a.dx > 0, a.tracks) for a in arrows if (a.x, a.y) == place)
        assert ways == [(False, 1), (True, 2)]


def test_who_stands_is_hot_and_goes_nowhere() -> None:
    movement = movement_of([walk((0.5, 0.5), (0.5005, 0.5))])
    assert movement.seconds.max() == pytest.approx(10.0)
    assert movement.arrows == ()


def test_a_long_gap_is_no_way() -> None:
    path = walk((0.1, 0.5), (0.2, 0.5), seconds=1.0)
    later = walk((0.8, 0.5), (0.9, 0.5), seconds=1.0)
    later[:, 0] += 20
    movement = movement_of([np.vstack([path, later])])
    assert movement.seconds.sum() == pytest.approx(2.0)
    assert all(arrow.x < 0.25 or arrow.x > 0.75 for arrow in movement.arrows)


def test_feet_beyond_the_picture_count_at_its_edge() -> None:
    movement = movement_of([walk((0.5, 1.2), (0.5, 1.3))], columns=4, rows=4)
    assert movement.seconds[3].sum() == pytest.approx(10.0)
