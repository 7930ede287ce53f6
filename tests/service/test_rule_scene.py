"""What may be drawn, and what is warned of because it can never fire."""

from __future__ import annotations

from typing import Any

import numpy as np
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.service.rules import RulesEngine, Zone, never_firing
from sightline.service.rules.polygons import Edges, area, clip_polygon, depths
from tests.service.walks import line, scene_of, zone


@pytest.mark.parametrize(
    ("points", "words"),
    [
        (((0, 0), (1, 0)), "at least 3 items"),
        (((0, 0), (1, 0), (1, 1), (0, 0)), "corners 4 and 1 are the same point"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), "the edges after corners 1 and 3 touch or cross"),
        (((0, 0), (0.5, 0.5), (1, 1)), "touch or cross"),
        (((0, 0), (1, 0), (0.5, 0), (0.5, 1)), "touch or cross"),
        (((0, 0), (1, 0), (1.2, 1)), "less than or equal to 1"),
        (((0, 0), (float("nan"), 0), (1, 1)), "finite"),
    ],
)
def test_what_is_no_simple_polygon_is_refused(points: Any, words: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=words):
        Zone(id="zone", points=points)


def test_identifiers_are_unique_over_zones_and_lines() -> None:
    triangle = zone((0, 0), (1, 0), (1, 1), id="a")
    with pytest.raises(pydantic.ValidationError, match="have the id 'a'"):
        scene_of(triangle, line((0, 0.5), (1, 0.5), id="a"))


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (line((0, 1), (1, 1)), "right of it, the picture ends there"),
        (line((0, 0.997), (1, 0.999)), "right of it"),
        (line((0, 0), (0, 1)), "bottom centre of no box"),
        (line((0.007, 0), (0.009, 1)), "right of it"),
        (line((0, 0.01), (1, 0.01)), "bottom centre of no box"),
        (line((0, 0.99), (1, 0.99), anchor="top_centre"), "top centre of no box"),
        (line((0.5, 0.5), (0.5, 0.505)), "shorter than 1 %"),
        (zone((0, 0), (1, 0), (1, 0.02), (0, 0.02)), "hardly gets into it"),
        (zone((0.5, 0.5), (0.503, 0.5), (0.5, 0.503)), "hardly gets into it"),
    ],
)
def test_a_place_that_can_never_fire_is_warned_of(place: dict[str, Any], words: str) -> None:
    warnings = RulesEngine(scene_of(place)).warnings
    assert len(warnings) == 1
    assert warnings[0].startswith(("line line: ", "zone zone: "))
    assert words in warnings[0]


@pytest.mark.parametrize(
    "place",
    [
        line((0, 0.97), (1, 0.97)),
        line((0, 0.5), (1, 0.5)),
        line((0.02, 0), (0.02, 1)),
        line((0, 0.01), (1, 0.01), anchor="top_centre"),
        zone((0, 0), (1, 0), (1, 1), (0, 1)),
        zone((0.5, 0.9), (0.6, 0.9), (0.55, 1)),
    ],
)
def test_a_place_that_can_fire_is_not_warned_of(place: dict[str, Any]) -> None:
    assert never_firing(scene_of(place)) == []


@settings(max_examples=20)
@given(st.integers(0, 2**32), st.integers(3, 12))
def test_depth_is_positive_exactly_inside(seed: int, count: int) -> None:
    """Star-shaped polygons, whose inside is told by the radius in a direction."""
    random = np.random.default_rng(seed)
    angles = 2 * np.pi * (np.arange(count) + random.uniform(0, 0.9, count)) / count
    radii = random.uniform(0.1, 1, count)
    corners = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    assert clip_polygon(corners, (-2, -2, 2, 2)) == pytest.approx(corners)
    turn = np.diff(np.append(angles, angles[0] + 2 * np.pi))
    if (turn > 0.95 * np.pi).any():
        return
    edges = Edges([corners], [np.zeros(count, np.bool_)])
    middles = (corners + np.roll(corners, -1, axis=0)) / 2
    points = np.concatenate([0.9 * middles, 1.1 * middles])
    found = depths(points[:, None], edges)[:, 0]
    assert (found[:count] > 0).all()
    assert (found[count:] < 0).all()
    assert area(corners) > 0
