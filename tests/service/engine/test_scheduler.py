"""The scheduler as rules that hold whatever cameras do: exact counts, fairness, rates."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.errors import InputError, StateError
from sightline.service.engine.messages import FrameCounts
from sightline.service.engine.scheduler import Scheduler


def total(counts: FrameCounts) -> int:
    return counts.processed + counts.dropped + counts.skipped + counts.waiting


class Model:
    """Cameras that are driven by random steps, with an account of its own of each frame."""

    def __init__(self, rates: list[float | None], size: int, wait: float) -> None:
        self.scheduler = Scheduler(size, wait)
        self.names = [str(number) for number in range(len(rates))]
        for name, rate in zip(self.names, rates, strict=True):
            self.scheduler.add(name, rate)
        self.now = 1_800_000_000.0
        self.newest = dict.fromkeys(self.names, 0)
        self.taken: dict[str, list[int]] = {name: [] for name in self.names}
        self.flying: list[str] = []
        self.done = dict.fromkeys(self.names, 0)
        self.lost = dict.fromkeys(self.names, 0)

    def frames(self, name: str, count: int) -> None:
        self.newest[name] += count
        self.scheduler.offer(name, self.newest[name], captured_at=self.now, now=self.now)

    def batch(self, newer: int) -> list[str]:
        chosen = self.scheduler.choose(self.now)
        for name in chosen:
            self.newest[name] += newer
            self.scheduler.take(name, self.newest[name], captured_at=self.now, now=self.now)
            self.taken[name].append(self.newest[name])
            self.flying.append(name)
        return chosen

    def finish(self, processed: bool) -> None:
        if self.flying:
            name = self.flying.pop(0)
            self.scheduler.finish(name, processed=processed)
            (self.done if processed else self.lost)[name] += 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("frames"), st.integers(0, 3), st.integers(1, 5)),
        st.tuples(st.just("batch"), st.integers(0, 2), st.just(0)),
        st.tuples(st.just("finish"), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("pass"), st.integers(0, 200), st.just(0)),
    ),
    max_size=60,
)
rates = st.lists(st.one_of(st.none(), st.floats(0.5, 50)), min_size=4, max_size=4)


@given(rates, st.integers(1, 5), st.floats(0, 0.05), steps)
def test_every_frame_is_counted_exactly_once(
    process_fps: list[float | None], size: int, wait: float, moves: list[tuple[str, int, int]]
) -> None:
    model = Model(process_fps, size, wait)
    for kind, number, count in moves:
        if kind == "frames":
            model.frames(model.names[number], count)
        elif kind == "batch":
            assert len(model.batch(number)) <= size
        elif kind == "finish":
            model.finish(bool(number))
        else:
            model.now += number / 1000
        for name in model.names:
            counts = model.scheduler.counts(name)
            assert total(counts) == counts.received == model.newest[name]
            assert counts.processed == model.done[name]
            assert counts.dropped >= model.lost[name]
            assert counts.waiting - model.flying.count(name) in (0, 1)
            assert min(counts.dropped, counts.skipped, counts.waiting) >= 0
            if process_fps[model.names.index(name)] is None:
                assert counts.skipped == 0
    for taken in model.taken.values():
        assert taken == sorted(set(taken))


@given(st.integers(1, 4), st.lists(st.integers(1, 10), min_size=4, max_size=4))
def test_whoever_waits_is_overtaken_by_each_other_camera_once_at_most(
    size: int, speeds: list[int]
) -> None:
    model = Model([None] * 4, size, wait=0.0)
    overtaken = {name: dict.fromkeys(model.names, 0) for name in model.names}
    for step in range(1, 200):
        for name, speed in zip(model.names, speeds, strict=True):
            if step % speed == 0:
                model.frames(name, 1)
        chosen = model.batch(newer=0)
        for name in model.names:
            if name in chosen:
                overtaken[name] = dict.fromkeys(model.names, 0)
            elif model.scheduler.counts(name).waiting > model.flying.count(name):
                for other in chosen:
                    overtaken[name][other] += 1
                assert max(overtaken[name].values()) <= 1
        model.now += 0.01


def captures(rate: float, seconds: float, jitter: float) -> Iterator[float]:
    random = np.random.default_rng(1)
    for number in range(int(rate * seconds)):
        yield 1.8e9 + number / rate + random.uniform(-jitter, jitter) / rate


@pytest.mark.parametrize(("rate", "wanted"), [(25, 5), (25, 8), (30, 29), (10, 10), (25, 25)])
@pytest.mark.parametrize("jitter", [0.0, 0.4])
def test_process_fps_is_kept_on_average_and_nearly_used_up(
    rate: float, wanted: float, jitter: float
) -> None:
    scheduler = Scheduler(1, 0)
    scheduler.add("camera", wanted)
    times = []
    for sequence, captured_at in enumerate(captures(rate, 40, jitter), 1):
        scheduler.offer("camera", sequence, captured_at=captured_at, now=captured_at)
        if scheduler.choose(captured_at):
            scheduler.take("camera", sequence, captured_at=captured_at, now=captured_at)
            scheduler.finish("camera", processed=True)
            times.append(captured_at)
    counts = scheduler.counts("camera")
    assert counts.processed + counts.skipped == counts.received == 40 * rate
    assert 0.9 * wanted * 40 <= len(times) <= wanted * 40 + 1
    for first, last in zip(times, times[10:], strict=False):
        assert last - first >= 9 / wanted - 1e-6


def test_frames_nobody_saw_are_skipped_if_too_early_and_dropped_if_too_late() -> None:
    scheduler = Scheduler(1, 0)
    scheduler.add("camera", 10)
    scheduler.offer("camera", 1, captured_at=0.0, now=0.0)
    scheduler.take("camera", 1, captured_at=0.0, now=0.0)
    # 100 frames a second, but nobody looked for 0.2 s: those from 0.05 s on would have been due.
    scheduler.offer("camera", 21, captured_at=0.2, now=0.2)
    assert scheduler.counts("camera") == FrameCounts(21, 0, dropped=15, skipped=4, waiting=2)


def test_a_full_batch_goes_at_once_and_others_after_their_wait() -> None:
    scheduler = Scheduler(2, 0.5)
    for name in "abc":
        scheduler.add(name)
    scheduler.offer("a", 1, captured_at=0.0, now=0.0)
    assert scheduler.choose(0.4) == []
    assert scheduler.choose(0.5) == ["a"]
    scheduler.offer("b", 1, captured_at=0.1, now=0.1)
    assert scheduler.choose(0.1) == ["a", "b"]


def test_nobody_waits_for_cameras_that_there_are_not() -> None:
    scheduler = Scheduler(8, 0.5)
    scheduler.add("only")
    scheduler.offer("only", 1, captured_at=0.0, now=0.0)
    assert scheduler.choose(0.0) == ["only"]


def test_a_scheduler_goes_on_where_another_was_ended_and_flying_frames_are_lost() -> None:
    scheduler = Scheduler(1, 0)
    known = FrameCounts(received=10, processed=5, dropped=2, skipped=1, waiting=2)
    scheduler.add("camera", sequence=12, counts=known)
    assert scheduler.counts("camera") == FrameCounts(10, 5, 4, 1, 0)
    scheduler.offer("camera", 14, captured_at=1.0, now=1.0)
    assert scheduler.counts("camera") == FrameCounts(12, 5, 5, 1, 1)
    assert scheduler.remove("camera") == FrameCounts(12, 5, 6, 1, 0)


def test_a_frame_that_went_away_is_dropped_and_numbers_may_begin_again() -> None:
    scheduler = Scheduler(1, 0)
    scheduler.add("camera")
    scheduler.offer("camera", 9, captured_at=1.0, now=1.0)
    scheduler.give_up("camera")
    scheduler.give_up("camera")
    assert scheduler.choose(1.0) == []
    assert scheduler.counts("camera") == FrameCounts(9, 0, 9, 0, 0)
    scheduler.offer("camera", 10, captured_at=2.0, now=2.0)
    scheduler.renumber("camera")
    scheduler.offer("camera", 2, captured_at=3.0, now=3.0)
    assert scheduler.newest("camera") == 2
    assert scheduler.counts("camera") == FrameCounts(12, 0, 11, 0, 1)


def test_wrong_calls_say_what_to_do() -> None:
    with pytest.raises(InputError, match="at least 1 frame"):
        Scheduler(0, 0)
    scheduler = Scheduler(1, 0)
    scheduler.add("camera")
    with pytest.raises(StateError, match="remove it first"):
        scheduler.add("camera")
    with pytest.raises(StateError, match="add it first"):
        scheduler.offer("other", 1, captured_at=0, now=0)
    with pytest.raises(StateError, match="no frame of camera camera waits"):
        scheduler.take("camera", 0, captured_at=0, now=0)
