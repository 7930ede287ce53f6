"""The transit graph found again from tracks of which nobody says who they are."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.cross_camera import (
    Evidence,
    Learning,
    Passages,
    Sighting,
    associate,
    calibrate_looks,
    learn_passages,
)
from sightline.errors import InputError


def town(people: int = 60, seed: int = 1, returning: float = 0.0) -> list[Sighting]:
    """People who go from the gate to the shop in 20 s; a third never arrive, others come anew.

    They leave the gate at the right, and come into the shop's picture at the left. A third
    camera has nothing to do with it.
    """
    random = np.random.default_rng(seed)
    looks = random.normal(size=(3 * people, 16))
    made = []

    def add(camera: str, number: int, begin: float, who: int, entry: float, exit_: float) -> None:
        seen = looks[who] + 0.35 * random.normal(size=(3, 16))
        seen /= np.linalg.norm(seen, axis=1, keepdims=True)
        made.append(
            Sighting(camera, number, begin, begin + 6, (entry, 0.8), (exit_, 0.8), vectors=seen)
        )

    for number in range(people):
        begin = number * 7.0 + random.uniform(0, 4)
        add("gate", number, begin, number, 0.1, random.uniform(0.85, 0.95))
        if number % 3:
            arrival = begin + 6 + 20 + random.laplace(scale=1.5)
            add("shop", number, arrival, number, random.uniform(0.05, 0.15), 0.9)
        else:
            add("shop", number, begin + random.uniform(0, 9), people + number, 0.9, 0.1)
        add("roof", number, begin + random.uniform(0, 9), 2 * people + number, 0.5, 0.5)
    return made


def test_the_way_and_its_time_are_found_and_no_other() -> None:
    found = learn_passages(town(), Evidence(0.6), Learning(longest=60.0))
    assert [(way.passage.source, way.passage.target) for way in found] == [("gate", "shop")]
    way = found[0].passage
    assert way.typical == pytest.approx(20, abs=1)
    assert way.shortest <= 15
    assert way.longest >= 25
    assert found[0].links >= 30 > found[0].chance


def test_areas_hold_where_people_left_and_came() -> None:
    (found,) = learn_passages(town(), Evidence(0.6), Learning(longest=60.0))
    exit_, entry = found.passage.exit, found.passage.entry
    assert exit_ is not None
    assert entry is not None
    assert min(x for x, _ in exit_) > 0.7
    assert max(x for x, _ in entry) < 0.3


def test_what_was_learnt_joins_the_right_people() -> None:
    scene = town(seed=2)
    (found,) = learn_passages(town(), Evidence(0.6), Learning(longest=60.0))
    links = associate(scene, Passages([found.passage]), Evidence(0.6))
    right = [link for link in links if link.earlier[1] == link.later[1]]
    assert len(right) >= 0.9 * 40
    assert len(links) - len(right) <= 0.05 * len(links)


def test_looks_are_calibrated_by_who_is_seen_at_once() -> None:
    evidence = calibrate_looks(town(), likeness=0.9)
    assert evidence is not None
    assert 0.3 < evidence.threshold < 0.7
    alike = calibrate_looks(town(), likeness=0.5)
    assert alike is not None
    assert alike.threshold < evidence.threshold
    assert alike.steepness < evidence.steepness


def test_too_few_strangers_calibrate_nothing() -> None:
    assert calibrate_looks(town(people=3)) is None


def test_strangers_alone_make_no_way() -> None:
    scene = [one for one in town() if one.camera != "gate"]
    assert learn_passages(scene, Evidence(0.6), Learning(longest=60.0)) == []


def test_a_search_without_extent_is_refused() -> None:
    with pytest.raises(InputError, match="shortest < longest"):
        Learning(shortest=5, longest=5)
