"""What Prometheus reads: counted where it happens, or asked of the parts when it reads.

Labels are identifiers that the configuration gives (streams, alerts), stages, states and route
templates: never an address, never a track, so that their number stays small.
"""

from __future__ import annotations

import threading

from prometheus_client import (
    CollectorRegistry,
    Counter,
    GCCollector,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

import sightline
from sightline.service.cameras.status import StreamState, StreamStatus
from sightline.service.engine.messages import FrameResult
from sightline.service.store.deliveries import Delivery
from sightline.service.store.events import StoredEvent
from sightline.service.telemetry.parts import Parts, PartsCollector

__all__ = ["Metrics"]

_AGES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
_LATENCIES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """All metrics of one service, in a registry of its own; from any thread.

    Example:
        >>> metrics = Metrics()
        >>> metrics.observe_request("/v1/streams", "GET", 200, 0.004)
        >>> b'route="/v1/streams"' in metrics.render()[0]
        True
    """

    def __init__(self) -> None:
        # A series more for each counter, that nothing reads.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        GCCollector(registry=self.registry)
        build = Info("sightline_build", "Which release runs.", registry=self.registry)
        build.info({"version": sightline.__version__})
        self._ages = Histogram(
            "sightline_frame_age_seconds",
            "From the capture of a frame until its tracks were known.",
            ["stream"],
            buckets=_AGES,
            registry=self.registry,
        )
        self._latencies = Histogram(
            "sightline_http_request_seconds",
            "From a request until its answer began.",
            ["route", "method", "status"],
            buckets=_LATENCIES,
            registry=self.registry,
        )
        self._events = Counter(
            "sightline_events_total",
            "Events that were stored.",
            ["stream", "kind"],
            registry=self.registry,
        )
        self._interruptions = Counter(
            "sightline_stream_interruptions_total",
            "How often a stream that ran did no longer.",
            ["stream"],
            registry=self.registry,
        )
        self._deliveries = Counter(
            "sightline_delivery_attempts_total",
            "Attempts to deliver a message: delivered, pending (to be tried again) or dead.",
            ["alert", "state"],
            registry=self.registry,
        )
        self._lock = threading.Lock()
        self._states: dict[str, StreamState] = {}

    def watch(self, parts: Parts) -> None:
        """Ask the parts of a service whenever Prometheus reads; once."""
        self.registry.register(PartsCollector(parts))

    def observe_frame(self, result: FrameResult) -> None:
        """A frame was looked at."""
        self._ages.labels(result.stream).observe(result.finished_at - result.captured_at)

    def observe_events(self, events: list[StoredEvent]) -> None:
        """Events were stored."""
        for stored in events:
            self._events.labels(stored.event.stream, stored.event.kind).inc()

    def observe_state(self, status: StreamStatus) -> None:
        """A stream's state may have changed."""
        with self._lock:
            before = self._states.get(status.stream)
            self._states[status.stream] = status.state
        broken = status.state in ("BACKOFF", "FAILED", "CONNECTING")
        counter = self._interruptions.labels(status.stream)
        if broken and before in ("RUNNING", "STALLED"):
            counter.inc()

    def observe_delivery(self, delivery: Delivery) -> None:
        """A message was tried to deliver."""
        self._deliveries.labels(delivery.alert, delivery.state).inc()

    def observe_request(self, route: str, method: str, status: int, seconds: float) -> None:
        """A request was answered.

        Args:
            route: Template of the route, `/v1/streams/{stream_id}`.
            method: HTTP method.
            status: HTTP status.
            seconds: Until the answer began.
        """
        self._latencies.labels(route, method, str(status)).observe(seconds)

    def forget(self, stream: str) -> None:
        """A stream is no longer there."""
        with self._lock:
            self._states.pop(stream, None)
        self._ages.remove_by_labels({"stream": stream})
        self._interruptions.remove_by_labels({"stream": stream})
        self._events.remove_by_labels({"stream": stream})

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """The metrics as text, and its content type.

        Args:
            accept: Header `Accept` of the request: OpenMetrics for who asks for it.
        """
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
