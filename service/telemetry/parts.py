"""Metrics that are asked of the service's parts at the moment of reading."""

from __future__ import annotations

import typing
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sightline.service.cameras.status import StreamState, StreamStatus
from sightline.service.engine.messages import EngineReport, FrameCounts, FrameResult
from sightline.service.live.hub import HubStatistics
from sightline.service.live.pictures import PicturesStatistics
from sightline.service.recordings.keeper import EventPictureStatistics
from sightline.service.steady import SteadyClock
from sightline.service.store.database import Database
from sightline.service.store.deliveries import pending_counts
from sightline.service.store.errors import StoreError
from sightline.service.store.jobs import count_jobs
from sightline.service.store.writer import WriterStatistics

__all__ = ["Parts", "PartsCollector"]


class _View(Protocol):
    @property
    def status(self) -> StreamStatus: ...
    @property
    def result(self) -> FrameResult | None: ...
    @property
    def counts(self) -> FrameCounts | None: ...


class _Streams(Protocol):
    def views(self) -> Sequence[_View]: ...


class _Engine(Protocol):
    def report(self) -> EngineReport: ...


class _Writer(Protocol):
    @property
    def statistics(self) -> WriterStatistics: ...


class _Hub(Protocol):
    @property
    def statistics(self) -> HubStatistics: ...


class _Pictures(Protocol):
    @property
    def statistics(self) -> PicturesStatistics: ...


class _EventPictures(Protocol):
    @property
    def statistics(self) -> EventPictureStatistics: ...


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a service that are asked.

    Args:
        clock: Time.
        streams: The cameras.
        engine: The detector's process.
        writer: Where events and tracks are written.
        database: The store.
        hub: Live topics.
        pictures: Pictures of what is seen now.
        event_pictures: Pictures and clips that are kept of events.
    """

    clock: SteadyClock
    streams: _Streams
    engine: _Engine
    writer: _Writer
    database: Database
    hub: _Hub
    pictures: _Pictures
    event_pictures: _EventPictures


class PartsCollector(Collector):
    """Asks when Prometheus reads.

    Args:
        parts: Whom.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def describe(self) -> list[Metric]:
        """Nothing in advance: being registered must not ask parts that have not begun."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All families."""
        parts = self._parts
        yield from _streams(parts.streams.views(), parts.clock.now())
        yield from _engine(parts.engine.report())
        yield from _store(parts)
        yield from _live(parts.hub.statistics, parts.pictures.statistics)
        yield from _event_pictures(parts.event_pictures.statistics)


def _streams(views: Sequence[_View], now: float) -> Iterator[Metric]:
    state = _gauge("stream_state", "1 for the state that the stream is in.", "stream", "state")
    rate = _gauge("stream_fps", "Frames a second received lately.", "stream")
    quiet = _gauge("stream_last_frame_age_seconds", "Since the newest frame.", "stream")
    received = _counter("stream_frames_received", "Frames received.", "stream")
    corrupt = _counter("stream_frames_corrupt", "Frames that were damaged.", "stream")
    outcomes = _counter("frames", "Where received frames went.", "stream", "outcome")
    waiting = _gauge("frames_waiting", "Frames in flight.", "stream")
    tracks = _gauge("tracks", "Tracks in the last frame.", "stream")
    for view in views:
        status, result = view.status, view.result
        name = status.stream
        for one in typing.get_args(StreamState):
            state.add_metric([name, one], float(status.state == one))
        rate.add_metric([name], status.fps)
        received.add_metric([name], status.received)
        corrupt.add_metric([name], status.corrupt)
        if status.last_frame_at is not None:
            quiet.add_metric([name], max(now - status.last_frame_at, 0.0))
        if view.counts is not None:
            for outcome in ("processed", "dropped", "skipped"):
                outcomes.add_metric([name, outcome], getattr(view.counts, outcome))
            waiting.add_metric([name], view.counts.waiting)
        if result is not None:
            tracks.add_metric([name], len(result.tracks))
    yield from (state, rate, quiet, received, corrupt, outcomes, waiting, tracks)


def _engine(report: EngineReport) -> Iterator[Metric]:
    up = _gauge("detector_up", "1 while the detector runs.", "model", "device")
    up.add_metric([report.model, report.device], float(report.state == "RUNNING"))
    yield up
    yield _single(
        GaugeMetricFamily, "detector_utilisation_ratio", "Time detecting.", report.utilisation
    )
    yield _single(CounterMetricFamily, "detector_frames", "Frames processed.", report.frames)
    yield _single(CounterMetricFamily, "detector_restarts", "Starts after an end.", report.restarts)
    yield _single(GaugeMetricFamily, "detector_batch_limit", "Most frames.", report.batch_limit)
    stages = _counter("stage_seconds", "Seconds that a stage took.", "stage")
    for stage, seconds in report.stage_seconds.items():
        stages.add_metric([stage], seconds)
    batches = _counter("detector_batches", "Batches of a size.", "size")
    for size, count in report.batches.items():
        batches.add_metric([str(size)], count)
    yield from (stages, batches)


def _store(parts: Parts) -> Iterator[Metric]:
    statistics = parts.writer.statistics
    for name, text, numbers in (
        ("store_written", "What was stored.", statistics.written),
        ("store_lost", "What had to be given up.", statistics.lost),
    ):
        counter = _counter(name, text, "kind")
        for kind, number in asdict(numbers).items():
            counter.add_metric([kind], number)
        yield counter
    waiting = _gauge("store_waiting", "What is to be stored.", "kind")
    for kind, number in asdict(statistics.waiting).items():
        waiting.add_metric([kind], number)
    yield waiting
    yield _single(
        CounterMetricFamily, "store_failures", "Transactions that failed.", statistics.failures
    )
    yield _single(
        GaugeMetricFamily, "store_seconds", "What the last transaction took.", statistics.seconds
    )
    up = _gauge("store_up", "1 while the store can be read.")
    deliveries = _gauge("deliveries_waiting", "Messages that are not delivered yet.", "alert")
    jobs = _gauge("jobs", "Offline jobs in a state.", "state")
    try:
        with parts.database.reading() as session:
            for state, number in count_jobs(session).items():
                jobs.add_metric([state], number)
            for alert, number in pending_counts(session).items():
                deliveries.add_metric([alert], number)
        up.add_metric([], 1)
    except StoreError:
        up.add_metric([], 0)
    yield from (up, deliveries, jobs)


def _live(hub: HubStatistics, pictures: PicturesStatistics) -> Iterator[Metric]:
    gauge, counter = GaugeMetricFamily, CounterMetricFamily
    yield _single(gauge, "live_clients", "Clients of live topics.", hub.listeners)
    yield _single(counter, "live_messages", "Messages to clients.", hub.delivered)
    yield _single(
        counter, "live_messages_skipped", "Track messages replaced by newer ones.", hub.skipped
    )
    yield _single(counter, "live_clients_too_slow", "Clients ended for it.", hub.too_slow)
    yield _single(
        gauge, "live_held_bytes", "Bytes that wait for the slowest client.", hub.most_held
    )
    yield _single(gauge, "picture_viewers", "Viewers of pictures.", pictures.viewers)
    yield _single(counter, "pictures_rendered", "Pictures made.", pictures.rendered)


def _event_pictures(kept: EventPictureStatistics) -> Iterator[Metric]:
    outcomes = _counter("event_pictures", "What became of events' pictures and clips.", "outcome")
    for outcome in ("snapshots", "clips", "failed", "dropped"):
        outcomes.add_metric([outcome], getattr(kept, outcome))
    yield outcomes
    yield _single(GaugeMetricFamily, "event_pictures_bytes", "Size of those kept.", kept.bytes)


def _gauge(name: str, text: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"sightline_{name}", text, labels=labels)


def _counter(name: str, text: str, *labels: str) -> CounterMetricFamily:
    return CounterMetricFamily(f"sightline_{name}", text, labels=labels)


def _single(
    family: type[GaugeMetricFamily | CounterMetricFamily], name: str, text: str, value: float
) -> Metric:
    return family(f"sightline_{name}", text, value=value)
