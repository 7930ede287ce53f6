"""Line crossings on tracks whose truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.service.rules import RulesEngine
from tests.service.walks import SIZE, line, path, run, said, scene_of, tracks_at

MIDDLE = line((0.5, 0.0), (0.5, 1.0))
# Down the line there is the picture's left at the right hand.
LEFTWARDS = ("line_cross", 1, "in")
RIGHTWARDS = ("line_cross", 1, "out")


def test_a_person_who_crosses_counts_once_with_direction_time_and_place() -> None:
    events = run(scene_of(MIDDLE), {1: path((0, 0.2, 0.6), (10, 0.8, 0.9))})
    assert said(events) == [RIGHTWARDS]
    assert events[0].time == pytest.approx(5.0)
    assert events[0].time < events[0].decided < 6
    assert events[0].position == pytest.approx((0.5, 0.75))
    assert (events[0].stream, events[0].rule, events[0].class_name) == ("camera", "line", "person")


def test_in_is_from_the_left_hand_to_the_right_hand() -> None:
    scene = scene_of(line((0.0, 0.5), (1.0, 0.5)))
    assert said(run(scene, {1: path((0, 0.5, 0.3), (10, 0.5, 0.8))})) == [LEFTWARDS]
    turned = scene_of(line((1.0, 0.5), (0.0, 0.5)))
    assert said(run(turned, {1: path((0, 0.5, 0.3), (10, 0.5, 0.8))})) == [RIGHTWARDS]


def test_flicker_over_the_line_counts_nothing_and_hides_no_crossing() -> None:
    def shift(_: int, time: float) -> tuple[float, float]:
        return (0.02, 0.0) if round(time * 10) % 2 else (-0.02, 0.0)

    stands = path((0, 0.2, 0.6), (3, 0.5, 0.6), (30, 0.5, 0.6))
    assert run(scene_of(MIDDLE), {1: stands}, seconds=30, shift=shift) == []
    goes_on = path((0, 0.2, 0.6), (3, 0.5, 0.6), (20, 0.5, 0.6), (23, 0.8, 0.6))
    assert said(run(scene_of(MIDDLE), {1: goes_on}, seconds=30, shift=shift)) == [RIGHTWARDS]


def test_a_person_who_turns_back_on_the_line_is_not_counted() -> None:
    steps_on_it = path((0, 0.2, 0.6), (4, 0.5, 0.6), (5, 0.5025, 0.6), (6, 0.5, 0.6), (9, 0.2, 0.6))
    assert run(scene_of(MIDDLE), {1: steps_on_it}) == []
    hurries_back = path((0, 0.2, 0.6), (4, 0.5, 0.6), (4.15, 0.53, 0.6), (4.3, 0.49, 0.6),
                        (9, 0.2, 0.6))  # fmt: skip
    assert run(scene_of(MIDDLE), {1: hurries_back}) == []


def test_a_person_who_crosses_and_comes_back_counts_each_way() -> None:
    returns = path((0, 0.2, 0.6), (4, 0.7, 0.6), (5, 0.7, 0.6), (9, 0.2, 0.6))
    assert said(run(scene_of(MIDDLE), {1: returns})) == [RIGHTWARDS, LEFTWARDS]


def test_a_dropped_second_of_video_loses_no_crossing() -> None:
    walks = {
        1: path((0, 0.2, 0.6), (10, 0.8, 0.6)),
        2: path((0, 0.8, 0.9), (10, 0.2, 0.9)),
    }
    events = run(scene_of(MIDDLE), walks, skipped=lambda time: 4.6 < time < 5.6)
    assert sorted(said(events)) == [("line_cross", 1, "out"), ("line_cross", 2, "in")]


def test_a_track_that_is_hidden_while_it_crosses_counts() -> None:
    walk = {1: path((0, 0.2, 0.6), (10, 0.8, 0.6))}
    hidden = run(scene_of(MIDDLE), walk, gone=lambda _, time: 3 < time < 8)
    assert said(hidden) == [RIGHTWARDS]
    assert hidden[0].time == pytest.approx(5.0)


def test_a_side_is_forgotten_after_the_memory() -> None:
    walk = {1: path((0, 0.2, 0.6), (10, 0.8, 0.6))}
    scene = scene_of(MIDDLE, memory=3, patience=1)
    assert run(scene, walk, gone=lambda _, time: 3 < time < 8) == []


def test_a_track_that_was_never_seen_on_the_first_side_is_not_counted() -> None:
    assert run(scene_of(MIDDLE), {1: path((0, 0.49, 0.6), (10, 0.9, 0.6))}) == []
    assert run(scene_of(MIDDLE), {1: path((0, 0.2, 0.6), (5, 0.51, 0.6))}) == []


def test_predicted_boxes_cross_nothing() -> None:
    engine = RulesEngine(scene_of(MIDDLE))
    events = []
    for number in range(60):
        x = 0.2 + 0.01 * number
        guessed = (1,) if x > 0.49 else ()
        events += engine.update(
            tracks_at(number / 10, [(1, (x, 0.6))], predicted=guessed), size=SIZE
        )
    assert events + engine.finish() == []


def test_who_walks_around_the_end_of_a_line_is_not_counted() -> None:
    short = line((0.5, 0.0), (0.5, 0.6))
    assert run(scene_of(short), {1: path((0, 0.2, 0.8), (10, 0.8, 0.8))}) == []
    assert len(run(scene_of(short), {1: path((0, 0.2, 0.4), (10, 0.8, 0.4))})) == 1
    through_and_around = path(
        (0, 0.2, 0.4), (3, 0.8, 0.4), (5, 0.8, 0.8), (8, 0.2, 0.8), (10, 0.2, 0.4)
    )
    assert said(run(scene_of(short), {1: through_and_around})) == [RIGHTWARDS]


def test_a_line_near_the_edge_counts_large_people() -> None:
    scene = scene_of(line((0.0, 0.97), (1.0, 0.97)), settle_distance=0.1)
    engine = RulesEngine(scene)
    events = []
    for number in range(60):
        foot = min(0.85 + 0.005 * number, 1.05)  # boxes of trackers reach beyond the picture
        events += engine.update(tracks_at(number / 10, [(1, (0.5, foot))], height=0.8), size=SIZE)
    assert engine.warnings == []
    assert said(events) == [LEFTWARDS]


AT_THE_BORDER = line((0.97, 0.0), (0.97, 1.0))


def test_who_comes_in_over_a_line_at_the_edge_counts_at_once() -> None:
    # At the border, half of the box is cut off; a tenth of a second later it is over the line.
    comes = path((0, 0.99, 0.6), (0.1, 0.96, 0.6), (5, 0.5, 0.6))
    assert said(run(scene_of(AT_THE_BORDER), {1: comes})) == [LEFTWARDS]


def test_who_leaves_over_a_line_at_the_edge_counts_once_he_is_gone() -> None:
    leaves = path((0, 0.5, 0.6), (5, 0.96, 0.6), (5.1, 0.98, 0.6), (5.2, 0.99, 0.6))
    events = run(scene_of(AT_THE_BORDER), {1: leaves}, finish=False)
    assert said(events) == [RIGHTWARDS]
    assert events[0].time == pytest.approx(5.05, abs=0.06)
    assert events[0].decided > 5.2 + 2.0
    assert said(run(scene_of(AT_THE_BORDER), {1: leaves}, seconds=5.3)) == [RIGHTWARDS]


def test_who_turns_back_behind_a_line_at_the_edge_is_not_counted() -> None:
    peeps = path((0, 0.5, 0.6), (5, 0.96, 0.6), (5.1, 0.98, 0.6), (5.2, 0.96, 0.6), (9, 0.5, 0.6))
    assert run(scene_of(AT_THE_BORDER), {1: peeps}) == []


def test_who_vanishes_behind_a_line_inside_the_picture_is_not_counted() -> None:
    vanishes = path((0, 0.2, 0.6), (5, 0.495, 0.6), (5.1, 0.51, 0.6), (5.2, 0.52, 0.6))
    assert run(scene_of(MIDDLE), {1: vanishes}) == []


def test_who_has_left_over_a_line_at_the_edge_is_counted_by_a_service_that_starts_anew() -> None:
    scene = scene_of(AT_THE_BORDER)
    leaves = path((0, 0.5, 0.6), (5, 0.96, 0.6), (5.1, 0.98, 0.6), (5.2, 0.99, 0.6))
    before, after = RulesEngine(scene), RulesEngine(scene)
    for number in range(53):
        place = leaves(number / 10)
        assert place is not None
        assert before.update(tracks_at(number / 10, [(1, place)]), size=SIZE) == []
    after.restore(json.loads(json.dumps(before.save())))
    assert said(after.update(tracks_at(9.0, []), size=SIZE)) == [RIGHTWARDS]
    assert after.update(tracks_at(19.0, []), size=SIZE) == []


def test_the_anchor_is_a_setting() -> None:
    nods = {1: path((0, 0.5, 0.62), (10, 0.5, 0.68))}  # 0.2 high: its centre goes from .52 to .58
    across = {"id": "line", "points": ((0.0, 0.55), (1.0, 0.55))}
    assert run(scene_of(across), nods) == []
    assert len(run(scene_of({**across, "anchor": "centre"}), nods)) == 1


def test_only_wanted_classes_count() -> None:
    walk = {1: path((0, 0.2, 0.6), (10, 0.8, 0.6))}
    assert len(run(scene_of({**MIDDLE, "classes": ["person"]}), walk)) == 1
    assert run(scene_of({**MIDDLE, "classes": ["car"]}), walk) == []


def test_many_people_and_lines_are_counted_each_for_itself() -> None:
    lines = [line((x, 0.0), (x, 1.0), id=f"at-{10 * x:.0f}") for x in (0.3, 0.5, 0.7)]
    walks = {n: path((n / 10, 0.1, 0.4), (n / 10 + 8, 0.9, 0.4)) for n in range(1, 21)}
    events = run(scene_of(*lines), walks, seconds=12)
    assert len(events) == 60
    assert {(event.rule, event.track) for event in events} == {
        (f"at-{10 * x:.0f}", n) for x in (0.3, 0.5, 0.7) for n in walks
    }


@settings(max_examples=12)
@given(st.integers(0, 2**32), st.sampled_from([5, 10, 12.5, 25]), st.floats(0, 0.6))
def test_jitter_gaps_and_rates_change_no_count(seed: int, rate: float, lost: float) -> None:
    """Whoever walks over the line counts once, whatever share of the boxes is missing."""
    random = np.random.default_rng(seed)

    def shift(*_: object) -> tuple[float, float]:
        return (float(random.normal(0, 0.003)), float(random.normal(0, 0.003)))

    walks = {
        1: path((0, 0.1, 0.6), (10, 0.9, 0.7)),
        2: path((0, 0.9, 0.4), (10, 0.1, 0.9)),
        3: path((0, 0.2, 0.4), (4, 0.49, 0.4), (10, 0.1, 0.9)),
    }
    events = run(
        scene_of(MIDDLE),
        walks,
        rate=rate,
        shift=shift,
        gone=lambda *_: bool(random.random() < lost),
    )
    assert sorted(said(events)) == [("line_cross", 1, "out"), ("line_cross", 2, "in")]
