"""One stream's tracking on real detections: recordings, records, states, live changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from sightline.errors import ModelError, StateError
from sightline.reid import ColourEmbedder
from sightline.service.config import Tracker as TrackerConfig
from sightline.service.engine.messages import TrackRecord
from sightline.service.engine.saved import pack, unpack
from sightline.service.engine.tracking import Identification, Outcome, StreamTracking
from sightline.service.rules import Event, RulesEngine, Scene, replay
from sightline.structures import Detections, Frame
from sightline.video import open_source
from tests.service.engine.scenes import (
    RATE,
    START,
    assert_same_tracks,
    busy_scene,
    frame_at,
    joined,
    of_rules,
    real_detections,
)
from tests.service.walks import scene_of

HOW = Identification(TrackerConfig(), ("person", "car"))
FRAMES = 300


@pytest.fixture(scope="module")
def plaza(shared: Path) -> list[Detections]:
    return real_detections(shared, FRAMES)


def run(
    tracking: StreamTracking, seen: Sequence[Detections], first: int = 0, start: float = START
) -> list[Outcome]:
    return [
        tracking.update(frame_at(first + number, start), detections)
        for number, detections in enumerate(seen)
    ]


def events_of(outcomes: Sequence[Outcome]) -> list[Event]:
    return [event for outcome in outcomes for event in outcome.events]


def records_of(outcomes: Sequence[Outcome]) -> list[TrackRecord]:
    return [record for outcome in outcomes for record in outcome.records]


@pytest.fixture(scope="module")
def whole(plaza: list[Detections]) -> list[Outcome]:
    """The undisturbed run."""
    return run(StreamTracking("door", busy_scene(), HOW), plaza)


def test_live_events_are_those_of_the_replayed_recording(plaza: list[Detections]) -> None:
    scene = busy_scene()
    tracking = StreamTracking("door", scene, HOW)
    outcomes = run(tracking, plaza)
    ending = tracking.finish()
    live = events_of(outcomes) + list(ending.events)
    pieces = [p for outcome in outcomes for p in outcome.recordings] + list(ending.recordings)
    engine = RulesEngine(scene, stream="door", class_names=HOW.class_names)
    replayed = list(replay(engine, joined(pieces)))
    assert len(replayed) > 20
    assert of_rules(live) == of_rules(replayed)


def test_recordings_hold_every_frame_to_the_bit(
    plaza: list[Detections], whole: list[Outcome]
) -> None:
    tracking = StreamTracking("door", Scene(), HOW)
    outcomes = run(tracking, plaza)
    pieces = [p for outcome in outcomes for p in outcome.recordings]
    pieces += tracking.finish().recordings
    assert all(piece.frame_times[-1] - piece.frame_times[0] <= 10 for piece in pieces)
    assert len(pieces) == 3
    table = joined(pieces)
    assert table.frame_times.tolist() == [START + number / RATE for number in range(FRAMES)]
    for outcome, (_, _, tracks) in zip(outcomes, table.by_frame(), strict=True):
        expected = outcome.tracks
        np.testing.assert_array_equal(tracks.ids, expected.ids)
        np.testing.assert_array_equal(tracks.boxes, expected.boxes)
        np.testing.assert_array_equal(tracks.scores, expected.scores)
        np.testing.assert_array_equal(tracks.detections >= 0, expected.detections >= 0)


@pytest.mark.parametrize(("saved_at", "ended_at"), [(1, 1), (40, 55), (149, 150), (120, 200)])
def test_a_state_and_the_frames_since_bring_back_exactly_what_there_was(
    plaza: list[Detections], whole: list[Outcome], saved_at: int, ended_at: int
) -> None:
    before = StreamTracking("door", busy_scene(), HOW)
    run(before, plaza[:saved_at])
    data = before.save().data
    since = [outcome.seen for outcome in run(before, plaza[saved_at:ended_at], saved_at)]
    after = StreamTracking("door", busy_scene(), HOW)
    after.resume(data)
    after.repeat(since)
    outcomes = run(after, plaza[ended_at:], ended_at)
    for outcome, expected in zip(outcomes, whole[ended_at:], strict=True):
        assert_same_tracks(outcome.tracks, expected.tracks)
        assert outcome.events == expected.events
        assert [len(piece.numbers) for piece in outcome.recordings] == [
            len(piece.numbers) for piece in expected.recordings
        ]
        for record, other in zip(outcome.records, expected.records, strict=True):
            assert (record.number, record.ended) == (other.number, other.ended)
            assert (record.started_at, record.seen_at) == (other.started_at, other.seen_at)
            np.testing.assert_array_equal(record.path, other.path)


def test_a_restart_costs_no_more_than_the_frames_that_came_meanwhile(
    plaza: list[Detections],
) -> None:
    undisturbed = StreamTracking("door", busy_scene(), HOW)
    run(undisturbed, plaza[:100])
    after = StreamTracking("door", busy_scene(), HOW)
    after.resume(undisturbed.save().data, first_number=500)
    new_numbers: dict[int, int] = {}
    for number in range(110, 160):
        expected = undisturbed.update(frame_at(number), plaza[number]).tracks.ids.tolist()
        found = after.update(frame_at(number), plaza[number]).tracks.ids.tolist()
        for one, other in zip(expected, found, strict=True):
            assert one == other or new_numbers.setdefault(one, other) == other
    assert new_numbers
    assert min(new_numbers.values()) >= 500
    assert len(set(new_numbers.values())) == len(new_numbers)


def test_numbers_begin_where_they_are_told_to(plaza: list[Detections]) -> None:
    outcomes = run(StreamTracking("door", Scene(), HOW, first_number=71), plaza[:50])
    numbers = {int(number) for outcome in outcomes for number in outcome.tracks.ids}
    assert min(numbers) == 71


def test_other_zones_and_lines_take_nobodys_identity(
    plaza: list[Detections], whole: list[Outcome]
) -> None:
    tracking = StreamTracking("door", busy_scene(), HOW)
    first = run(tracking, plaza[:150])
    new = scene_of(
        *(zone.model_dump() for zone in busy_scene().zones),
        {"id": "third", "points": ((0.33, 0.0), (0.33, 1.0))},
    )
    tracking.change(new)
    second = run(tracking, plaza[150:], 150)
    for outcome, expected in zip(second, whole[150:], strict=True):
        assert_same_tracks(outcome.tracks, expected.tracks)
    of_zone = [event for event in events_of(first + second) if event.rule == "lawn"]
    assert of_zone == [event for event in events_of(whole) if event.rule == "lawn"]
    rules = {event.rule for event in events_of(second) if event.kind == "line_cross"}
    assert rules == {"third"}


def test_large_times_change_nobodys_identity(plaza: list[Detections], whole: list[Outcome]) -> None:
    near_zero = run(StreamTracking("door", busy_scene(), HOW), plaza, start=0.0)
    for outcome, expected in zip(near_zero, whole, strict=True):
        np.testing.assert_array_equal(outcome.tracks.ids, expected.tracks.ids)
        np.testing.assert_allclose(outcome.tracks.boxes, expected.tracks.boxes, atol=0.05)
    named = [(event.kind, event.rule, event.track) for event in events_of(near_zero)]
    assert named == [(event.kind, event.rule, event.track) for event in events_of(whole)]
    times = [event.time + START for event in events_of(near_zero)]
    assert times == pytest.approx([event.time for event in events_of(whole)], rel=0, abs=1e-3)


def test_every_track_starts_once_and_ends_once(plaza: list[Detections]) -> None:
    tracking = StreamTracking("door", Scene(), HOW)
    outcomes = run(tracking, plaza)
    events = events_of(outcomes) + list(tracking.finish().events)
    reported = {int(number) for outcome in outcomes for number in outcome.tracks.ids}
    for kind in ("track_start", "track_end"):
        counted = Counter(event.track for event in events if event.kind == kind)
        assert set(counted) == reported
        assert set(counted.values()) == {1}
    ends = {event.track: event for event in events if event.kind == "track_end"}
    last_seen = {
        int(number): outcome.tracks.time
        for outcome in outcomes
        for number in outcome.tracks.ids[outcome.tracks.detections >= 0]
    }
    assert {number: event.time for number, event in ends.items()} == last_seen


def test_records_hold_a_thinned_path_from_start_to_end(plaza: list[Detections]) -> None:
    tracking = StreamTracking("door", Scene(), HOW)
    outcomes = run(tracking, plaza)
    records = records_of(outcomes) + list(tracking.finish().records)
    last = {record.number: record for record in records}
    assert all(record.ended for record in last.values())
    assert any(not record.ended and len(record.path) > 1 for record in records)
    for record in last.values():
        steps = np.diff(record.path[:, 0])
        assert (steps >= 0.49).all()
        assert record.path[0, 0] == 0
        assert record.path[-1, 0] <= record.seen_at - record.started_at + 1e-3
        assert record.path.shape[1] == 5
        assert (np.abs(record.path[:, 1:] - 0.5) < 0.7).all()
        assert record.class_name == "person"


def test_the_path_of_somebody_who_stays_for_an_hour_stays_short() -> None:
    tracking = StreamTracking("door", Scene(), HOW)
    still = Detections([[100, 100, 140, 220]], [0.9], [0])
    for number in range(3600):
        tracking.update(Frame(frame_at(0).image, captured_at=START + number), still)
    (record,) = tracking.finish().records
    assert 100 < len(record.path) <= 240
    assert record.path[-1, 0] > 3500


class Broken(ColourEmbedder):
    def embed(self, frame: Frame, boxes: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        raise ModelError("out of luck")


def test_without_looks_people_are_tracked_all_the_same(plaza: list[Detections]) -> None:
    how = replace(HOW, embedder=Broken(), embedder_name="colour")
    tracking = StreamTracking("door", Scene(), how)
    outcomes = run(tracking, plaza[:30])
    assert len(outcomes[-1].tracks) >= 4
    assert tracking.problems == ["out of luck"]


def test_records_carry_how_people_looked(shared: Path, plaza: list[Detections]) -> None:
    config = TrackerConfig(reid="colour")
    how = Identification(config, ("person",), ColourEmbedder(), "colour")
    tracking = StreamTracking("door", Scene(), how)
    with_looks = []
    for number, frame in enumerate(open_source(str(shared / "data/clips/vtest.avi"))):
        if number == 40:
            break
        live = replace(frame, captured_at=START + number / RATE)
        with_looks.append(tracking.update(live, plaza[number]))
    records = tracking.finish().records
    assert records
    for record in records:
        assert record.embedder == "colour"
        assert record.exemplars is not None
        assert record.exemplars.dtype == np.float16
        lengths = np.linalg.norm(record.exemplars.astype(np.float32), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=0.01)
    # A state holds looks, too.
    again = StreamTracking("door", Scene(), how)
    again.resume(tracking.save().data)
    with pytest.raises(StateError, match="another embedder"):
        StreamTracking("door", Scene(), replace(how, embedder_name="x")).resume(
            tracking.save().data
        )


def test_a_place_whose_class_nobody_knows_is_left_out_and_named(plaza: list[Detections]) -> None:
    scene = scene_of(
        {"id": "horses", "points": ((0.5, 0.0), (0.5, 1.0)), "classes": ("horse",)},
        {"id": "people", "points": ((0.5, 0.0), (0.5, 1.0)), "classes": ("person",)},
    )
    tracking = StreamTracking("door", scene, HOW)
    assert tracking.problems == [
        "horses is left out: it asks for horse, and the network knows person, car"
    ]
    rules = {event.rule for event in events_of(run(tracking, plaza)) if event.rule}
    assert rules == {"people"}


def test_a_clock_that_was_set_back_ends_all_and_begins_again(plaza: list[Detections]) -> None:
    tracking = StreamTracking("door", busy_scene(), HOW)
    outcomes = run(tracking, plaza[:100])
    old = {int(number) for outcome in outcomes for number in outcome.tracks.ids}
    (first, *_) = run(tracking, plaza[100:101], start=START - 3600)
    ended = {event.track for event in first.events if event.kind == "track_end"}
    assert ended == set(outcomes[-1].tracks.ids.tolist()) | (ended & old)
    assert min(first.tracks.ids) > max(old)
    assert sum(len(piece.frame_times) for piece in first.recordings) == 100


def test_a_state_that_does_not_fit_is_refused_and_changes_nothing(
    plaza: list[Detections], whole: list[Outcome]
) -> None:
    tracking = StreamTracking("door", busy_scene(), HOW)
    run(tracking, plaza[:100])
    data = tracking.save().data
    header, arrays = unpack(data)
    others = StreamTracking("door", Scene(), replace(HOW, class_names=("cat",)))
    with pytest.raises(StateError, match="other classes"):
        others.resume(data)
    changed = TrackerConfig(parameters={"patience": 5.0})
    with pytest.raises(StateError, match="other parameters"):
        StreamTracking("door", Scene(), replace(HOW, tracker=changed)).resume(data)
    for wrong in (
        b"",
        data[:-100],
        data[:50] + bytes(20) + data[70:],
        pack({**header, "histories": [{}]}, arrays),
        pack({**header, "rules": {}}, arrays),
        pack(header, {**arrays, "paths": arrays["paths"][1:]}),
        pack(header, {**arrays, "lengths": arrays["lengths"][1:]}),
        pack(header, {name: array for name, array in arrays.items() if name != "tracker"}),
    ):
        with pytest.raises(StateError):
            tracking.resume(wrong)
    for outcome, expected in zip(run(tracking, plaza[100:], 100), whole[100:], strict=True):
        assert_same_tracks(outcome.tracks, expected.tracks)
        assert outcome.events == expected.events


def test_a_state_follows_at_once_when_a_rule_said_something(whole: list[Outcome]) -> None:
    for outcome in whole:
        if any(event.rule for event in outcome.events):
            assert outcome.saved is not None
            assert outcome.saved.at == outcome.tracks.time
