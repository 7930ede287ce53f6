"""Where cameras are placed, by what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cluster.live.placement import Cost, Site, choose, load, rebalance
from sightline.service.config import Place

CPU = Site("a", {}, cores=4, detecting=0.02, tracking=0.002, has_device=False, cameras={})
COSTS = st.builds(Cost, st.floats(0.1, 60), st.floats(0, 1))


def sites(**cameras: dict[str, Cost]) -> list[Site]:
    return [replace(CPU, name=name, cameras=mine) for name, mine in cameras.items()]


def test_load_adds_on_a_cpu_and_is_the_tighter_limit_beside_a_gpu() -> None:
    cameras = [Cost(rate=10, reading=0.4), Cost(rate=5, reading=0.2)]
    cores = (0.6 + 15 * 0.002) / 4
    assert load(CPU, cameras) == pytest.approx(15 * 0.02 + cores)
    assert load(replace(CPU, has_device=True), cameras) == 15 * 0.02
    assert load(replace(CPU, has_device=True, detecting=0.0), cameras) == pytest.approx(cores)


@given(st.lists(COSTS, max_size=8), COSTS)
def test_a_camera_more_is_never_less_load(cameras: list[Cost], more: Cost) -> None:
    assert load(CPU, [*cameras, more]) >= load(CPU, cameras)


def test_a_camera_goes_where_it_costs_least_and_equal_ones_are_spread() -> None:
    slow = replace(CPU, name="slow", detecting=0.2)
    assert choose("door", Cost(), [slow, CPU], ()) == "a"
    assert choose("door", Cost(), sites(a={"x": Cost()}, b={}), ()) == "b"
    assert choose("door", Cost(), [], ()) is None


def test_nearness_comes_before_load_and_may_be_required() -> None:
    near = replace(CPU, name="near", labels={"site": "hall"}, cameras={"x": Cost(), "y": Cost()})
    wish = Place(streams=("hall-*",), labels={"site": "hall"})
    need = wish.model_copy(update={"required": True})
    assert choose("hall-1", Cost(), [CPU, near], (wish,)) == "near"
    assert choose("door", Cost(), [CPU, near], (wish,)) == "a"
    assert choose("hall-1", Cost(), [CPU], (wish,)) == "a"
    assert choose("hall-1", Cost(), [CPU], (need,)) is None


def test_only_a_busy_node_is_relieved_and_only_by_a_move_that_is_worth_it() -> None:
    busy = {f"c{number}": Cost(rate=10) for number in range(5)}
    move = rebalance(sites(a=busy, b={}), ())
    assert move is not None
    assert (move.camera in busy, move.target) == (True, "b")
    assert rebalance(sites(a={"c0": Cost()}, b={}), ()) is None
    assert rebalance(sites(a=busy, b={f"d{n}": Cost(rate=10) for n in range(5)}), ()) is None
    assert rebalance(sites(a={"c0": Cost(rate=50)}, b={}), ()) is None
    assert rebalance(sites(a=busy), ()) is None


def test_nothing_is_moved_away_from_where_it_has_to_be() -> None:
    busy = {f"hall-{number}": Cost(rate=10) for number in range(5)}
    home = replace(CPU, labels={"site": "hall"}, cameras=busy)
    place = Place(streams=("hall-*",), labels={"site": "hall"}, required=True)
    assert rebalance([home, replace(CPU, name="b")], (place,)) is None
