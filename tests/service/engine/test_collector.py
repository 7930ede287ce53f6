"""The collector with networks that fail on purpose: memory, faults, order; no process is needed."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from sightline.errors import ModelError
from sightline.service.cameras.ring import FrameRing
from sightline.service.engine.collector import Collector, Retired, Taken
from sightline.service.engine.messages import FrameCounts
from sightline.service.engine.meter import Meter
from sightline.service.engine.scheduler import NO_FRAMES, Scheduler
from sightline.service.engine.wire import Attach, Begin, Command, End, Stop
from sightline.service.rules import Scene
from sightline.service.steady import SteadyClock
from sightline.structures import Detections, Frame

PATIENCE = 60.0
PICTURE = np.zeros((48, 64, 3), np.uint8)
Item = list[Taken] | Retired | Command


class Network:
    """A detector that does what it is told to, and remembers what it was given."""

    class_names: tuple[str, ...] = ("person",)

    def __init__(self, behave: Callable[[Sequence[Frame]], None]) -> None:
        self._behave = behave
        self.batches: list[int] = []

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        self.batches.append(len(frames))
        self._behave(frames)
        return [Detections([[0, 0, 9, 9]], [0.9], [0]) for _ in frames]


def begin(stream: str, ring: str, **fields: object) -> Begin:
    values: dict[str, object] = {
        "stream": stream,
        "epoch": 1,
        "scene": Scene(),
        "process_fps": None,
        "waits": False,
        "ring": ring,
        "first_number": 1,
        "last_number": 0,
        "state": None,
        "since": (),
        "sequence": 0,
        "counts": NO_FRAMES,
    }
    return Begin(**{**values, **fields})  # type: ignore[arg-type]


class Bench:
    """A collector in a thread, between rings and a queue that the test empties."""

    def __init__(self, network: Network, size: int) -> None:
        self.scheduler, self.lock = Scheduler(size, PATIENCE), threading.Lock()
        self.meter = Meter(Collector.name, batch_limit=size)
        self.output: queue.Queue[Item] = queue.Queue()
        self.collector = Collector(
            network, self.scheduler, self.lock, SteadyClock(0.0), self.meter, self.output
        )
        self.error: Exception | None = None
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.collector.run()
        except ModelError as error:
            self.error = error

    def next(self, kind: type) -> Item:
        """The next item of a kind; what comes before it is done with."""
        while True:
            item = self.output.get(timeout=PATIENCE)
            self.output.task_done()
            if isinstance(item, kind):
                return item

    def frames(self) -> list[Taken]:
        item = self.next(list)
        assert isinstance(item, list)
        return item


@contextmanager
def bench(
    network: Network, size: int, streams: Sequence[str], **fields: object
) -> Iterator[tuple[Bench, list[FrameRing]]]:
    rings = [
        FrameRing.create(f"sightline-test-{os.getpid()}-{name}", *PICTURE.shape[:2])
        for name in streams
    ]
    made = Bench(network, size)
    for name, ring in zip(streams, rings, strict=True):
        made.collector.give(begin(name, ring.name, **fields))
    made.thread.start()
    try:
        yield made, rings
    finally:
        made.collector.give(Stop())
        made.thread.join(PATIENCE)
        for ring in rings:
            ring.close()
            ring.unlink()


def test_a_gpu_whose_memory_is_short_gets_smaller_batches_and_no_frame_is_lost() -> None:
    def at_most_two(frames: Sequence[Frame]) -> None:
        if len(frames) > 2:
            raise ModelError("the network failed: bfc_arena.cc: Failed to allocate memory")

    network = Network(at_most_two)
    with bench(network, 5, "abcde") as (made, rings):
        for ring in rings:
            ring.write(PICTURE, sequence=1, captured_at=1.0)
        first = made.frames()
        for ring in rings:
            ring.write(PICTURE, sequence=2, captured_at=2.0)
        second = made.frames()
    assert sorted(taken.stream for taken in first) == list("abcde")
    assert all(taken.detections is not None for taken in first)
    assert len(second) <= 2
    beat = made.meter.beat({})
    assert beat.batch_limit == 2
    assert "batches of" in beat.last_error
    assert network.batches[:4] == [5, 2, 2, 1]
    assert max(beat.batches) == 2


def test_other_faults_lose_their_frames_and_many_in_a_row_end_the_process() -> None:
    def always(frames: Sequence[Frame]) -> None:
        raise ModelError("the device is gone")

    network = Network(always)
    with bench(network, 1, "a") as (made, (ring,)):
        for sequence in (1, 2):
            ring.write(PICTURE, sequence=sequence, captured_at=float(sequence))
            (taken,) = made.frames()
            assert taken.detections is None
            with made.lock:
                made.scheduler.finish("a", processed=False)
        ring.write(PICTURE, sequence=3, captured_at=3.0)
        made.thread.join(PATIENCE)
        assert str(made.error) == "the device is gone"
    assert made.scheduler.counts("a") == FrameCounts(3, 0, 2, 0, 1)


def test_a_ring_that_is_replaced_gives_up_its_frame_and_is_let_go() -> None:
    entered, leave = threading.Event(), threading.Event()

    def hold(frames: Sequence[Frame]) -> None:
        entered.set()
        assert leave.wait(PATIENCE)

    with bench(Network(hold), 1, "ab") as (made, (old, new)):
        old.write(PICTURE, sequence=1, captured_at=1.0)
        assert entered.wait(PATIENCE)
        old.write(PICTURE, sequence=3, captured_at=3.0)
        made.collector.give(Attach("a", new.name))
        leave.set()
        (taken,) = made.frames()
        assert (taken.stream, taken.frame.index) == ("a", 1)
        retired = made.next(Retired)
        assert isinstance(retired, Retired)
        assert retired.ring.name == old.name
        retired.ring.close()
        new.write(PICTURE, sequence=4, captured_at=4.0)
        (taken,) = made.frames()
        assert taken.frame.index == 4
        assert made.scheduler.counts("a").dropped == 2
        made.collector.give(End("a"))
        assert isinstance(made.next(End), End)


def test_the_meter_knows_who_is_quiet_and_how_busy_detection_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    meter = Meter("a", "b", batch_limit=4)
    for _ in range(5):
        now[0] += 1
        meter.alive("a")
        quiet = meter.beat({}).quiet
    assert quiet == 5
    with meter.excused("b"):
        assert meter.beat({}).quiet == 0
    with meter.detecting(is_first=True):
        now[0] += 3
        beat = meter.beat({})
        assert beat.is_preparing
        assert beat.utilisation == pytest.approx(3 / 8)
    now[0] += 1
    beat = meter.beat({})
    assert not beat.is_preparing
    assert beat.stage_seconds["detect"] == 3
    meter.problems("door", ["no such class"])
    assert meter.beat({}).problems == {"door": "no such class"}
    meter.problems("door", [])
    assert meter.beat({}).problems == {}


def test_a_process_that_was_stopped_as_a_whole_blames_no_thread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    meter = Meter("a", batch_limit=1)
    now[0] += 0.5
    assert meter.beat({}).quiet == 0.5
    now[0] += 30
    assert meter.beat({}).quiet == 2.5


def test_a_file_is_not_held_up_by_frames_that_are_skipped() -> None:
    network = Network(lambda frames: None)
    with bench(network, 1, "ab", waits=True, process_fps=2) as (made, (ring, other)):
        ring.write(PICTURE, sequence=1, captured_at=1.0)
        (taken,) = made.frames()
        assert taken.ring is not None
        assert ring.taken == 0  # until the frame is worked on
        taken.ring.taken = 1
        ring.write(PICTURE, sequence=2, captured_at=1.1)
        for sequence in (1, 2):  # after the second, the collector has looked at the first file
            other.write(PICTURE, sequence=sequence, captured_at=float(sequence))
            assert made.frames()[0].stream == "b"
        assert ring.taken == 2
        assert made.scheduler.counts("a").skipped == 1
