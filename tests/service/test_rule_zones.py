"""Visits of zones, dwell, loitering and occupancy on tracks whose truth is known."""

from __future__ import annotations

import pytest

from sightline.service.rules import RulesEngine
from tests.service.walks import SIZE, Path, path, run, said, scene_of, tracks_at, zone

SQUARE = ((0.4, 0.4), (0.6, 0.4), (0.6, 0.8), (0.4, 0.8))
THROUGH = path((0, 0.1, 0.6), (8, 0.9, 0.6))  # inside from 3 s to 5 s


def test_a_visit_is_an_entry_and_an_exit_with_its_seconds() -> None:
    events = run(scene_of(zone(*SQUARE)), {1: THROUGH})
    assert said(events) == [("zone_enter", 1, "in"), ("zone_exit", 1, "out")]
    assert [event.time for event in events] == pytest.approx([3.1, 5.0], abs=0.11)
    assert events[1].seconds == pytest.approx(2.0, abs=0.11)


def test_a_concave_zone_has_its_notch_outside() -> None:
    notched = zone((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.6, 0.8), (0.6, 0.4), (0.4, 0.4),
                   (0.4, 0.8), (0.2, 0.8))  # fmt: skip
    events = run(scene_of(notched), {1: path((0, 0.05, 0.7), (10, 0.95, 0.7))})
    assert [event.kind for event in events] == ["zone_enter", "zone_exit"] * 2


def test_people_at_the_pictures_border_are_inside_a_zone_that_ends_there() -> None:
    below = zone((0.0, 0.7), (1.0, 0.7), (1.0, 0.998), (0.0, 1.0))
    events = run(scene_of(below), {1: path((0, 0.5, 0.5), (4, 0.5, 1.1), (10, 0.5, 1.1))})
    assert said(events) == [("zone_enter", 1, "in"), ("zone_exit", 1, "vanished")]
    assert events[1].time == pytest.approx(10.0)


def test_the_whole_picture_is_a_zone() -> None:
    whole = zone((0, 0), (1, 0), (1, 1), (0, 1))
    events = run(scene_of(whole), {1: path((1, 0.0, 0.5), (5, 1.0, 1.0))})
    assert said(events) == [("zone_enter", 1, "appeared"), ("zone_exit", 1, "vanished")]


def test_flicker_at_the_edge_is_one_visit() -> None:
    def shift(_: int, time: float) -> tuple[float, float]:
        return (0.012, 0.0) if round(time * 10) % 2 else (-0.012, 0.0)

    stays = path((0, 0.1, 0.6), (2, 0.45, 0.6), (5, 0.4, 0.6), (15, 0.4, 0.6), (18, 0.1, 0.6))
    events = run(scene_of(zone(*SQUARE)), {1: stays}, seconds=20, shift=shift)
    assert said(events) == [("zone_enter", 1, "in"), ("zone_exit", 1, "out")]


def test_a_gap_shorter_than_the_patience_is_no_exit() -> None:
    stays: Path = path((0, 0.1, 0.6), (2, 0.5, 0.6), (20, 0.5, 0.6))
    scene = scene_of(zone(*SQUARE), patience=2)
    events = run(scene, {1: stays}, seconds=22, gone=lambda _, time: 5 < time < 6.5)
    assert said(events) == [("zone_enter", 1, "in"), ("zone_exit", 1, "vanished")]
    events = run(scene, {1: stays}, seconds=22, gone=lambda _, time: 5 < time < 9)
    assert said(events) == [
        ("zone_enter", 1, "in"),
        ("zone_exit", 1, "vanished"),
        ("zone_enter", 1, "appeared"),
        ("zone_exit", 1, "vanished"),
    ]
    assert events[1].time == pytest.approx(5.0)


def test_seconds_without_any_video_end_no_visit() -> None:
    stays = path((0, 0.1, 0.6), (2, 0.5, 0.6), (20, 0.5, 0.6))
    events = run(scene_of(zone(*SQUARE)), {1: stays}, skipped=lambda time: 4 < time < 9)
    assert [event.kind for event in events] == ["zone_enter", "zone_exit"]


def test_dwell_is_told_once_a_visit() -> None:
    twice = path((0, 0.1, 0.6), (1, 0.5, 0.6), (8, 0.5, 0.6), (9, 0.1, 0.6), (10, 0.5, 0.6),
                 (18, 0.5, 0.6), (19, 0.1, 0.6))  # fmt: skip
    events = run(scene_of(zone(*SQUARE, dwell=5)), {1: twice, 2: THROUGH}, seconds=20)
    dwells = [event for event in events if event.kind == "zone_dwell"]
    assert [event.track for event in dwells] == [1, 1]
    assert [event.seconds for event in dwells] == pytest.approx([5, 5], abs=0.11)


def test_loitering_adds_visits_with_short_breaks() -> None:
    paces = path(*((4 * n + dt, x, 0.6) for n in range(10)
                   for dt, x in ((0, 0.1), (1, 0.5), (2, 0.5), (3, 0.1))))  # fmt: skip
    scene = scene_of(zone(*SQUARE, dwell=8, loitering=8), loitering_break=5)
    events = run(scene, {1: paces}, seconds=40)
    assert [event.kind for event in events if event.kind in ("zone_dwell", "loitering")] == [
        "loitering"
    ]
    apart = scene_of(zone(*SQUARE, loitering=8), loitering_break=1)
    assert "loitering" not in [event.kind for event in run(apart, {1: paces}, seconds=40)]


def test_occupancy_is_told_when_it_lasts_and_when_it_ends() -> None:
    scene = scene_of(zone(*SQUARE, occupancy=2), patience=1)
    stays = {
        1: path((0, 0.1, 0.6), (2, 0.5, 0.6), (12, 0.5, 0.6), (14, 0.1, 0.6)),
        2: path((3, 0.9, 0.6), (5, 0.55, 0.6), (10, 0.55, 0.6), (12, 0.9, 0.6)),
    }
    events = [e for e in run(scene, stays, seconds=16) if e.kind == "occupancy"]
    assert [(event.direction, event.count) for event in events] == [("above", 2), ("below", 1)]
    assert [event.track for event in events] == [None, None]


def test_a_change_of_identity_is_not_two_people() -> None:
    scene = scene_of(zone(*SQUARE, occupancy=2))
    stays = {
        1: path((0, 0.1, 0.6), (2, 0.5, 0.6), (5, 0.5, 0.6)),
        2: path((5.1, 0.5, 0.6), (12, 0.5, 0.6)),
    }
    assert "occupancy" not in [event.kind for event in run(scene, stays, seconds=12)]


def test_occupancy_can_be_asked_for_at_any_time() -> None:
    engine = RulesEngine(scene_of(zone(*SQUARE)))
    for number in range(5):
        engine.update(tracks_at(number / 10, [(4, (0.5, 0.6)), (9, (0.5, 0.5))]), size=SIZE)
    assert engine.occupancy == {"zone": 2}
