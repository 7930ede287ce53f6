"""The detector's process on real clips: exact counts, one's results alone or among others, crashes.

The tests play the reader: they write frames into rings and wait for what the engine tells.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.service import config
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.messages import (
    FrameCounts,
    FrameResult,
    Recording,
    SavedState,
    StreamEnd,
    TrackRecord,
)
from sightline.service.engine.tracking import Identification, StreamTracking
from sightline.service.networks import open_detector
from sightline.service.rules import RulesEngine, replay
from sightline.structures import Frame
from tests.service.engine.hosting import MODEL, Camera, Engine, Image, clip, running
from tests.service.engine.scenes import (
    RATE,
    START,
    assert_same_tracks,
    busy_scene,
    joined,
    of_rules,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="needs Linux")

FRAMES = 40
SETTINGS = config.Detector(model=MODEL, device="cpu", size=320)


@pytest.fixture(scope="module")
def plaza(shared: Path) -> list[Image]:
    return clip(shared, FRAMES)


@pytest.fixture(scope="module")
def street(shared: Path) -> list[Image]:
    """Pictures of another size."""
    name = next((shared / "data/clips").glob("unlabelled-*.mp4")).name
    return [image[:360, :640].copy() for image in clip(shared, 10, name)]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One process for all tests that do not end it."""
    with running() as started:
        yield started


@pytest.fixture
def cameras(engine: Engine) -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def drawn() -> dict[str, Any]:
    scene = busy_scene()
    return {"zones": scene.zones, "lines": scene.lines}


def camera(
    stack: ExitStack, engine: Engine, stream: str, images: list[Image], **fields: Any
) -> Camera:
    made = Camera(engine, stream, images, **fields)
    stack.callback(made.close)
    return made


@pytest.fixture(scope="module")
def undisturbed(plaza: list[Image]) -> list[Any]:
    """What tracking says of the clip, without any process."""
    detector = open_detector(SETTINGS, threads=1)
    how = Identification(config.Tracker(), detector.class_names)
    tracking = StreamTracking("door", busy_scene(), how)
    outcomes = []
    for sequence, image in enumerate(plaza, 1):
        frame = Frame(image, sequence, captured_at=START + sequence / RATE)
        outcomes.append(tracking.update(frame, detector.detect([frame])[0]))
    return outcomes


def test_results_are_those_of_the_parts_whoever_else_is_tracked(
    engine: Engine,
    cameras: ExitStack,
    plaza: list[Image],
    street: list[Image],
    undisturbed: list[Any],
) -> None:
    door = camera(cameras, engine, "door", plaza, buffer="wait", **drawn())
    other = camera(cameras, engine, "other", street)
    other.add()
    door.add()
    for sequence, expected in enumerate(undisturbed, 1):
        other.write()
        (result,) = door.play(1, START)
        assert result.sequence == sequence
        assert result.captured_at == START + sequence / RATE
        assert result.size == (768, 576)
        assert_same_tracks(result.tracks, expected.tracks)
        assert result.events == expected.events
        assert len(result.detected) >= (result.tracks.detections >= 0).sum()
    assert engine.results("other")[-1].size == (640, 360)
    counts = engine.results("door")[-1].counts
    assert (counts.received, counts.processed, counts.dropped) == (FRAMES, FRAMES, 0)
    engine.host.remove("door")
    engine.host.remove("other")
    engine.wait(lambda: len(engine.of(StreamEnd)) == 2)
    _assert_replayed_alike(engine, "door")


def _assert_replayed_alike(engine: Engine, stream: str) -> None:
    """The events that were told are those of the rules on the stored recording."""
    (end,) = engine.of(StreamEnd, stream)
    live = [event for result in engine.results(stream) for event in result.events]
    rules = RulesEngine(
        busy_scene(), stream=stream, class_names=engine.results(stream)[0].class_names
    )
    replayed = list(replay(rules, joined(engine.of(Recording, stream))))
    assert replayed
    assert of_rules([*live, *end.events]) == of_rules(replayed)
    records = engine.of(TrackRecord, stream)
    assert {r.number for r in records if r.ended} == {r.number for r in records}


def test_of_a_fast_camera_every_frame_is_counted(
    engine: Engine, cameras: ExitStack, street: list[Image]
) -> None:
    fast = camera(cameras, engine, "fast", street)
    slow = camera(cameras, engine, "slow", street, process_fps=2)
    for each in (fast, slow):
        each.add()
        each.play(1, START)  # two frames a second: those until START + 0.35 s come too early
    for number in range(2, 51):
        fast.write(START + number / RATE)
        slow.write(START + number / RATE)
    fast.write(START + 100)
    slow.write(START + 100)
    engine.wait_for_frame("fast", 51)
    engine.wait_for_frame("slow", 51)
    for name in ("fast", "slow"):
        engine.host.remove(name)
    engine.wait(lambda: bool(engine.of(StreamEnd, "fast") and engine.of(StreamEnd, "slow")))
    for name in ("fast", "slow"):
        (end,) = engine.of(StreamEnd, name)
        counts, results = end.counts, engine.results(name)
        assert counts.received == 51
        assert counts.waiting == 0
        assert counts.processed == len(results)
        assert counts.processed + counts.dropped + counts.skipped == 51
        for result in results:
            seen = result.counts
            parts = seen.processed + seen.dropped + seen.skipped + seen.waiting
            assert seen.received == parts >= result.sequence
        assert [r.sequence for r in results] == sorted({r.sequence for r in results})
    assert engine.of(StreamEnd, "fast")[0].counts.skipped == 0
    assert engine.of(StreamEnd, "slow")[0].counts.skipped >= 2


def test_frames_are_counted_exactly_over_stops_and_starts(
    engine: Engine, cameras: ExitStack, street: list[Image]
) -> None:
    door = camera(cameras, engine, "counted", street)
    assert engine.host.counts("counted") is None
    for stops in range(1, 3):
        door.add()
        for _ in range(10):
            door.write()
        engine.wait_for_frame("counted", door.sequence)
        engine.wait(lambda: _counts(engine, "counted").waiting == 0)
        assert _counts(engine, "counted").received == door.sequence
        for _ in range(5):
            door.write()  # nobody may come to look at these
        engine.host.remove("counted")
        engine.wait(lambda stops=stops: len(engine.of(StreamEnd, "counted")) == stops)  # type: ignore[misc]
        counts = _counts(engine, "counted")
        assert counts.received == counts.processed + counts.dropped == door.sequence
        assert counts.processed == len(engine.results("counted"))
    engine.host.forget("counted")
    assert _counts(engine, "counted").received == 0


def test_what_comes_behind_the_last_result_is_counted_within_a_beat(
    engine: Engine, cameras: ExitStack, street: list[Image]
) -> None:
    rare = camera(cameras, engine, "rare", street, process_fps=1)
    rare.add()
    rare.play(1, START)
    for number in range(2, 6):  # too early to be looked at
        rare.write(START + number / RATE)
    engine.wait(lambda: _counts(engine, "rare").received == 5)
    counts = _counts(engine, "rare")
    assert (counts.processed, counts.skipped, counts.waiting) == (1, 4, 0)
    engine.host.remove("rare")


def _counts(engine: Engine, stream: str) -> FrameCounts:
    counts = engine.host.counts(stream)
    assert counts is not None
    return counts


def test_a_line_that_is_drawn_while_it_runs_costs_no_identity(
    engine: Engine, cameras: ExitStack, plaza: list[Image], undisturbed: list[Any]
) -> None:
    yard = camera(cameras, engine, "yard", plaza, buffer="wait")
    yard.add()
    first = yard.play(20, START)
    engine.host.update(yard.definition.model_copy(update=drawn()))
    second = yard.play(20, START)
    for result, expected in zip(first + second, undisturbed, strict=True):
        assert_same_tracks(result.tracks, expected.tracks)
    assert not any(event.rule for result in first for event in result.events)
    assert any(event.rule == "lawn" for result in second for event in result.events)
    engine.host.remove("yard")


def test_numbers_of_a_stream_are_never_given_again(
    engine: Engine, cameras: ExitStack, plaza: list[Image]
) -> None:
    again = camera(cameras, engine, "again", plaza, buffer="wait")
    again.add(first_number=7)
    (result,) = again.play(1, START)
    assert min(result.tracks.ids) == 7
    highest = max(result.tracks.ids)
    engine.host.add(again.definition, 1, None)  # while it is still there: replaced
    engine.wait(lambda: bool(engine.of(StreamEnd, "again")))
    (result,) = again.play(1, START)
    assert min(result.tracks.ids) > highest
    assert result.counts.received == 1
    engine.host.remove("again")


def test_a_stream_that_ended_takes_up_no_old_state_and_may_number_frames_anew(
    engine: Engine, cameras: ExitStack, plaza: list[Image]
) -> None:
    back = camera(cameras, engine, "back", plaza, buffer="wait")
    back.add()
    back.play(5, START)
    state = engine.of(SavedState, "back")[-1].data
    engine.host.remove("back")
    other = camera(cameras, engine, "back", plaza, buffer="wait")
    other.add(state=state)
    engine.wait(lambda: bool(engine.of(StreamEnd, "back")))
    ended = {e.track for e in engine.of(StreamEnd, "back")[0].events if e.kind == "track_end"}
    other.write(START)
    engine.wait(lambda: engine.results("back")[-1].sequence == 1)
    result = engine.results("back")[-1]
    assert ended
    assert not ended & set(result.tracks.ids.tolist())
    assert result.counts.received == result.counts.processed == 1
    engine.host.remove("back")


def test_a_ring_is_replaced_by_a_larger_one(
    engine: Engine, cameras: ExitStack, street: list[Image], plaza: list[Image]
) -> None:
    small = camera(cameras, engine, "grows", street)
    small.add()
    small.play(3, START)
    large = Camera(engine, "grows", plaza)
    cameras.callback(large.close)
    large.sequence = small.sequence
    engine.host.attach("grows", large.ring.name)
    engine.host.attach("grows", "sightline-no-such-ring")  # was replaced before it was seen
    results = large.play(3, START)
    assert [result.size for result in results] == [(768, 576)] * 3
    assert results[-1].counts.processed == 6
    engine.host.remove("grows")


def test_who_watches_sees_the_very_frame_that_the_result_is_of(
    engine: Engine, cameras: ExitStack, plaza: list[Image]
) -> None:
    seen = camera(cameras, engine, "seen", plaza, buffer="wait")
    seen.add()
    seen.play(2, START)
    assert engine.host.picture("seen") is None
    engine.host.watch("seen", engine.clock.now() + 600)
    seen.play(2, START)  # the first makes the ring known
    for _ in range(5):
        (result,) = seen.play(1, START)
        engine.wait(lambda: engine.host.picture("seen") is not None)
        pair = engine.host.picture("seen")
        assert pair is not None
        image, of = pair
        np.testing.assert_array_equal(image, plaza[(of.sequence - 1) % FRAMES])
        assert of.sequence <= result.sequence
    assert of.sequence >= 5
    engine.host.remove("seen")
    engine.wait(lambda: bool(engine.of(StreamEnd, "seen")))
    assert engine.host.picture("seen") is None


def test_the_report_says_what_really_runs(engine: Engine) -> None:
    report = engine.host.report()
    assert (report.state, report.model, report.device) == ("RUNNING", MODEL, "cpu")
    assert report.providers == ("CPUExecutionProvider",)
    assert report.detector["sha256"]
    assert 0 <= report.utilisation <= 1
    assert (report.batch_limit, report.restarts) == (1, 0)


def test_a_killed_engine_goes_on_as_if_nothing_had_been(
    plaza: list[Image], undisturbed: list[Any]
) -> None:
    with running() as engine, ExitStack() as stack:
        door = camera(stack, engine, "door", plaza, buffer="wait", **drawn())
        other = camera(stack, engine, "other", plaza, buffer="wait")
        for each in (door, other):
            each.add()
        for kill_at in (17, 18, 29):
            for each in (door, other):
                each.play(kill_at - each.sequence, START)
            door.write(START + (door.sequence + 1) / RATE)  # in flight, or about to be
            pid = engine.host.pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            engine.wait_for_frame("door", door.sequence)
        for each in (door, other):
            each.play(FRAMES - each.sequence, START)
        for name in ("door", "other"):
            results = engine.results(name)
            assert [result.sequence for result in results] == list(range(1, FRAMES + 1))
            counts = results[-1].counts
            assert (counts.received, counts.processed, counts.dropped) == (FRAMES, FRAMES, 0)
            for result, expected in zip(results, undisturbed, strict=True):
                assert_same_tracks(result.tracks, expected.tracks)
        for result, expected in zip(engine.results("door"), undisturbed, strict=True):
            assert result.events == expected.events
        report = engine.host.report()
        assert 1 <= report.restarts <= 3
        assert report.last_error == "it was ended by SIGKILL"
        assert report.frames <= 2 * FRAMES
        engine.host.remove("door")
        engine.wait(lambda: bool(engine.of(StreamEnd, "door")))
        _assert_replayed_alike(engine, "door")


def test_an_engine_that_hangs_is_killed_and_started_again(plaza: list[Image]) -> None:
    with running(hang_seconds=2.0) as engine, ExitStack() as stack:
        door = camera(stack, engine, "door", plaza, buffer="wait")
        door.add()
        (before,) = door.play(1, START)
        pid = engine.host.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        (after,) = door.play(1, START)
        assert engine.host.pid != pid
        assert set(after.tracks.ids.tolist()) & set(before.tracks.ids.tolist())
        assert "it hung: no sign of life for" in engine.host.report().last_error


def test_a_service_that_is_started_again_goes_on_with_everybody(
    plaza: list[Image], undisturbed: list[Any]
) -> None:
    with running() as first, ExitStack() as stack:
        door = camera(stack, first, "door", plaza, buffer="wait", **drawn())
        door.add()
        door.play(20, START)
        first.host.close()
        state = first.of(SavedState, "door")[-1]
        assert state.at == START + 20 / RATE
        assert sum(len(piece.frame_times) for piece in first.of(Recording)) == 20
        assert not first.of(StreamEnd)
        assert first.host.report().state == "STOPPED"
    with running() as second, ExitStack() as stack:
        door = camera(stack, second, "door", plaza, buffer="wait", **drawn())
        door.sequence = 20
        door.add(first_number=1, state=state.data)
        for result, expected in zip(door.play(20, START), undisturbed[20:], strict=True):
            assert_same_tracks(result.tracks, expected.tracks)
            assert result.events == expected.events


def test_a_device_that_is_not_there_is_said_and_tried_again() -> None:
    engine = Engine(detector=config.Detector(model=MODEL, device="cuda"))
    engine.host.start()
    try:
        assert not engine.is_ready()
        report = engine.host.report()
        assert report.state in ("BACKOFF", "STARTING")
        assert "device cuda cannot be used" in report.last_error
        assert report.device == ""
    finally:
        engine.host.close()


def test_a_state_of_others_begins_anew_with_new_numbers(
    engine: Engine, cameras: ExitStack, plaza: list[Image]
) -> None:
    odd = camera(cameras, engine, "odd", plaza, buffer="wait")
    odd.add(first_number=90, state=b"from another world")
    (result,) = odd.play(1, START)
    assert min(result.tracks.ids) == 90
    engine.wait(lambda: "odd begins with new identities" in engine.host.report().last_error)
    engine.host.remove("odd")


def test_messages_come_in_their_order(
    engine: Engine, cameras: ExitStack, plaza: list[Image]
) -> None:
    order = camera(cameras, engine, "order", plaza, buffer="wait", **drawn())
    order.add()
    order.play(12, START)
    of_stream = [
        message
        for message in engine.of(object)  # type: ignore[type-var]
        if getattr(message, "stream", None) == "order"
    ]
    for before, message in pairwise(of_stream):
        if isinstance(message, SavedState):
            assert isinstance(before, FrameResult)
            assert before.captured_at == message.at
    engine.host.remove("order")


def test_rings_that_went_away_are_no_harm(engine: Engine, plaza: list[Image]) -> None:
    engine.host.attach("nobody", "sightline-nothing")
    engine.host.remove("nobody")
    engine.host.watch("nobody", engine.clock.now() + 1)
    engine.host.update(config.Stream(id="nobody", url="/x.avi"))
    assert engine.host.picture("nobody") is None
    with pytest.raises(FileNotFoundError):
        FrameRing.attach("sightline-nothing")
