"""What holds of every assignment of exits to entries, and of the identities made of it."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.cross_camera import (
    Evidence,
    Link,
    Passage,
    Passages,
    Sighting,
    associate,
    chain_identities,
)
from sightline.errors import InputError

CAMERAS = ("door", "hall", "yard")
EVIDENCE = Evidence(0.5, bias=0.0)
LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def sighting(
    camera: str,
    number: int,
    begin: float,
    end: float,
    looks: int | None = 0,
    place: float = 0.5,
    **changes: Any,
) -> Sighting:
    """A track whose looks are one of eight that have nothing in common."""
    vectors = None if looks is None else np.eye(8)[[looks]]
    values = {"over": True, "network": "net", **changes}
    where = (place, 0.5)
    return Sighting(camera, number, begin, end, where, where, vectors=vectors, **values)


times = st.integers(0, 60).map(float)
places = st.sampled_from([0.2, 0.8])


@st.composite
def scenes(draw: st.DrawFn) -> list[Sighting]:
    count = draw(st.integers(0, 14))
    made = []
    for number in range(count):
        begin = draw(times)
        made.append(
            sighting(
                draw(st.sampled_from(CAMERAS)),
                number,
                begin,
                begin + draw(times) / 4,
                draw(st.one_of(st.none(), st.integers(0, 2))),
                draw(places),
                over=draw(st.booleans()),
            )
        )
    return made


@st.composite
def graphs(draw: st.DrawFn) -> Passages:
    ways = []
    for _ in range(draw(st.integers(0, 4))):
        shortest = draw(st.integers(-5, 10))
        ways.append(
            Passage(
                draw(st.sampled_from(CAMERAS)),
                draw(st.sampled_from(CAMERAS)),
                shortest,
                shortest + draw(st.integers(0, 30)),
                exit=draw(st.sampled_from([None, LEFT_HALF])),
                entry=draw(st.sampled_from([None, LEFT_HALF])),
            )
        )
    return Passages(ways)


@given(scenes(), graphs())
def test_every_end_and_every_beginning_is_joined_once_at_most(
    scene: list[Sighting], graph: Passages
) -> None:
    links = associate(scene, graph, EVIDENCE)
    assert len({link.earlier for link in links}) == len(links)
    assert len({link.later for link in links}) == len(links)


@given(scenes(), graphs())
def test_no_link_violates_the_gate(scene: list[Sighting], graph: Passages) -> None:
    by_key = {one.key: one for one in scene}
    for link in associate(scene, graph, EVIDENCE):
        earlier, later = by_key[link.earlier], by_key[link.later]
        assert link.passage in list(graph)
        assert (link.passage.source, link.passage.target) == (earlier.camera, later.camera)
        assert link.passage.shortest <= later.begin - earlier.end <= link.passage.longest
        assert link.seconds == later.begin - earlier.end
        assert earlier.over
        for area, place in ((link.passage.exit, earlier.exit), (link.passage.entry, later.entry)):
            assert area is None or place[0] <= 0.5
        assert link.evidence > 0


@given(scenes(), graphs(), st.randoms(use_true_random=False))
def test_links_do_not_depend_on_the_order_of_the_sightings(
    scene: list[Sighting], graph: Passages, random: Random
) -> None:
    links = associate(scene, graph, EVIDENCE)
    shuffled = list(scene)
    random.shuffle(shuffled)
    assert associate(shuffled, graph, EVIDENCE) == links


@given(scenes(), graphs())
def test_identities_of_different_chains_differ_and_those_of_one_do_not(
    scene: list[Sighting], graph: Passages
) -> None:
    links = associate(scene, graph, EVIDENCE)
    numbers = chain_identities([one.key for one in scene], links)
    assert all(numbers[link.earlier] == numbers[link.later] for link in links)
    # Ends and beginnings are joined once, and time goes forward: chains are trees without forks.
    assert len(set(numbers.values())) == len(scene) - len(links)


@given(scenes(), graphs())
def test_what_was_joined_before_is_joined_no_second_time(
    scene: list[Sighting], graph: Passages
) -> None:
    links = associate(scene, graph, EVIDENCE)
    left = {link.earlier for link in links[::2]}
    entered = {link.later for link in links[::2]}
    for link in associate(scene, graph, EVIDENCE, left=left, entered=entered):
        assert link.earlier not in left
        assert link.later not in entered


def test_who_looks_alike_is_preferred_to_who_comes_first() -> None:
    scene = [
        sighting("door", 1, 0, 10, looks=1),
        sighting("hall", 1, 13, 20, looks=2),
        sighting("hall", 2, 16, 20, looks=1),
    ]
    links = associate(scene, Passages([Passage("door", "hall", 2, 10)]), EVIDENCE)
    assert [(link.earlier, link.later) for link in links] == [(("door", 1), ("hall", 2))]


def test_two_who_look_alike_are_told_apart_by_the_time_they_need() -> None:
    scene = [
        sighting("door", 1, 0, 10),
        sighting("door", 2, 0, 14),
        sighting("hall", 1, 15, 20),
        sighting("hall", 2, 19, 24),
    ]
    way = Passage("door", "hall", 0, 20, typical=5.0, deviation=1.0)
    links = associate(scene, Passages([way]), EVIDENCE)
    assert {link.earlier[1]: link.later[1] for link in links} == {1: 1, 2: 2}


def test_nobody_is_joined_with_a_stranger() -> None:
    scene = [sighting("door", 1, 0, 10, looks=1), sighting("hall", 1, 13, 20, looks=2)]
    assert associate(scene, Passages([Passage("door", "hall", 2, 10)]), EVIDENCE) == []


def test_looks_of_two_networks_say_nothing() -> None:
    scene = [
        sighting("door", 1, 0, 10, looks=1, network="one"),
        sighting("hall", 1, 13, 20, looks=2, network="two"),
    ]
    way = Passage("door", "hall", 2, 10, typical=3.0, deviation=0.5)
    (link,) = associate(scene, Passages([way]), Evidence(0.5))
    blind = Evidence(0.5, appearance=0.0)
    assert associate(scene, Passages([way]), blind)[0].evidence == link.evidence


def test_a_camera_may_lead_back_to_itself() -> None:
    scene = [sighting("door", 1, 0, 10), sighting("door", 2, 40, 50)]
    way = Passage("door", "door", 5, 60, name="out and back")
    (link,) = associate(scene, Passages([way]), EVIDENCE)
    assert link == Link(("door", 1), ("door", 2), way, 30.0, link.evidence)


def test_tracks_of_two_classes_are_never_joined() -> None:
    scene = [sighting("door", 1, 0, 10), sighting("hall", 1, 13, 20, class_name="car")]
    assert associate(scene, Passages([Passage("door", "hall", 0, 10)]), EVIDENCE) == []


def test_a_track_given_twice_is_an_error() -> None:
    scene = [sighting("door", 1, 0, 10), sighting("door", 1, 3, 4)]
    with pytest.raises(InputError, match="door:1 is there twice"):
        associate(scene, Passages([]), EVIDENCE)


def test_passages_that_cannot_be_are_refused() -> None:
    with pytest.raises(InputError, match="shortest ≤ longest"):
        Passage("a", "b", 5, 4)
    with pytest.raises(InputError, match="given together"):
        Passage("a", "b", 0, 4, typical=2.0)
    with pytest.raises(InputError, match="three corners"):
        Passage("a", "b", 0, 4, exit=((0.0, 0.0), (1.0, 1.0)))
