"""The thread behind the detector, fed by hand: what counts, what is blurred, what a fault costs."""

from __future__ import annotations

import queue
import threading
from dataclasses import replace

import numpy as np
import pytest

from sightline.errors import InputError
from sightline.service import config
from sightline.service.engine.collector import Retired, Taken
from sightline.service.engine.identities import Identities
from sightline.service.engine.messages import FrameCounts, FrameResult
from sightline.service.engine.meter import Meter
from sightline.service.engine.scheduler import NO_FRAMES, Scheduler
from sightline.service.engine.tracking import Identification, Outcome, Seen, StreamTracking
from sightline.service.engine.wire import (
    Begin,
    Command,
    End,
    Left,
    Processed,
    Report,
    Stop,
    Stopped,
)
from sightline.service.rules import Scene
from sightline.service.steady import SteadyClock
from sightline.structures import Detections
from tests.service.engine.scenes import frame_at

HOW = Identification(config.Tracker(), ("person", "car"))
SEEN = Detections(
    [[10, 10, 60, 110], [200, 10, 250, 110], [300, 50, 400, 120], [500, 50, 600, 120]],
    [0.9, 0.2, 0.95, 0.3],
    [0, 0, 1, 1],
)
"""Two people and two cars, one of each hardly seen."""
BEGIN = Begin("door", 1, Scene(), None, False, None, 1, 0, None, (), 0, NO_FRAMES)


def told(settings: config.Detector, *frames: Detections | None) -> list[Report]:
    """What is told of some frames of one stream, and of its end."""
    scheduler, lock = Scheduler(1, 0), threading.Lock()
    scheduler.add("door")
    meter = Meter(Identities.name, batch_limit=1)
    work: queue.Queue[list[Taken] | Retired | Command] = queue.Queue()
    reports: list[Report] = []
    identities = Identities(
        HOW, settings, scheduler, lock, SteadyClock(0.0), meter, work, reports.append
    )
    work.put(BEGIN)
    for number, seen in enumerate(frames):
        frame = replace(frame_at(number), source="door")
        at = frame.captured_at
        assert at is not None
        scheduler.offer("door", frame.index, captured_at=at, now=at)
        scheduler.take("door", frame.index, captured_at=at, now=at)
        work.put([Taken("door", frame, seen, None)])
    for command in (End("door"), Stop()):
        work.put(command)
    identities.run()
    assert isinstance(reports[-1], Stopped)
    return reports


def results(reports: list[Report]) -> list[FrameResult]:
    return [report.result for report in reports if isinstance(report, Processed)]


def test_people_are_blurred_whatever_is_tracked() -> None:
    settings = config.Detector(classes=("car",), confidence=0.5)
    (result,) = results(told(settings, SEEN))
    assert result.tracks.classes.tolist() == [1]
    np.testing.assert_allclose(result.detected[:, 4], [0.9, 0.2])
    np.testing.assert_array_equal(result.detected[:, :4], SEEN.boxes[:2])
    assert result.detected.dtype == np.float32


def test_all_classes_count_where_none_is_named() -> None:
    (result,) = results(told(config.Detector(), SEEN))
    assert sorted(result.tracks.classes.tolist()) == [0, 1]


def test_a_frame_that_the_network_or_the_tracker_cannot_take_is_lost_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    step = StreamTracking._step
    calls: list[Seen] = []

    def second_fails(tracking: StreamTracking, seen: Seen) -> Outcome:
        calls.append(seen)
        if len(calls) == 2:
            raise InputError("too many")
        return step(tracking, seen)

    monkeypatch.setattr(StreamTracking, "_step", second_fails)
    reports = told(config.Detector(), SEEN, SEEN, None, SEEN)
    assert [result.sequence for result in results(reports)] == [1, 4]
    (left,) = [report for report in reports if isinstance(report, Left)]
    assert left.end.counts == FrameCounts(4, 2, 2, 0, 0)
    assert left.newest == 4
    assert {event.kind for event in left.end.events} == {"track_end"}
    assert all(record.ended for record in left.records)
