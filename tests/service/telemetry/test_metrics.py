"""Metrics: what Prometheus can read, without addresses, bounded by what is configured."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sightline.service.cameras.status import StreamState, StreamStatus
from sightline.service.store.deliveries import Delivery, DeliveryState
from sightline.service.store.jobs import Job, add_job
from sightline.service.telemetry.metrics import Metrics
from tests.service.live.live_service import LiveService, make_event, make_result

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def _read(text: str) -> Samples:
    samples: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples[(sample.name, frozenset(sample.labels.items()))] = sample.value
    return samples


def _value(samples: Samples, name: str, **labels: str) -> float:
    return samples[(f"sightline_{name}", frozenset(labels.items()))]


def _text(metrics: Metrics) -> str:
    return metrics.render()[0].decode()


def test_every_part_is_seen_and_no_address_is(live: LiveService) -> None:
    live.streams.tell("gate", "RUNNING", fps=12.5, received=100, corrupt=2, last_frame_at=1.0)
    live.streams.tell("yard", "FAILED", error="rtsp://10.0.0.5/1 refuses", error_code="x")
    result = make_result("gate", 9, [[10, 10, 20, 20]])
    live.streams.results["gate"] = result
    live.metrics.observe_frame(result)
    live.metrics.observe_events([make_event()])
    with live.database.session() as session:
        add_job(session, Job("j1", "walk.mp4", "QUEUED", "k1", {}, 10, 1.0))
    text = httpx.get(f"{live.url}/metrics", trust_env=False).text
    samples = _read(text)
    assert _value(samples, "stream_state", stream="gate", state="RUNNING") == 1
    assert _value(samples, "stream_state", stream="gate", state="FAILED") == 0
    assert _value(samples, "stream_state", stream="yard", state="FAILED") == 1
    assert _value(samples, "stream_frames_received_total", stream="gate") == 100
    assert _value(samples, "frames_total", stream="gate", outcome="processed") == 9
    assert _value(samples, "tracks", stream="gate") == 1
    assert _value(samples, "frame_age_seconds_count", stream="gate") == 1
    assert _value(samples, "frame_age_seconds_bucket", stream="gate", le="0.02") == 0
    assert _value(samples, "frame_age_seconds_bucket", stream="gate", le="0.05") == 1
    assert _value(samples, "events_total", stream="gate", kind="line_cross") == 1
    assert _value(samples, "detector_up", model="sightline-n", device="cpu") == 1
    assert _value(samples, "detector_utilisation_ratio") == 0.93
    assert _value(samples, "stage_seconds_total", stage="detect") == 1.5
    assert _value(samples, "detector_batches_total", size="2") == 4
    assert _value(samples, "store_written_total", kind="events") == 7
    assert _value(samples, "store_waiting", kind="events") == 2
    assert _value(samples, "store_up") == 1
    assert _value(samples, "event_pictures_total", outcome="clips") == 4
    assert _value(samples, "event_pictures_total", outcome="failed") == 3
    assert _value(samples, "event_pictures_bytes") == 2048
    assert _value(samples, "jobs", state="QUEUED") == 1
    assert _value(samples, "jobs", state="RUNNING") == 0
    assert _value(samples, "live_clients") == 0
    assert "://" not in text
    assert "10.0.0.5" not in text
    assert "gate:1" not in text


def test_latency_is_counted_by_template_and_not_by_address(live: LiveService) -> None:
    with httpx.Client(base_url=live.url, headers=live.headers(), trust_env=False) as client:
        client.get("/v1/streams/gate/tracks")
        client.get("/v1/streams/secret-name/tracks")
        client.get("/nothing/here-either")
        text = client.get("/metrics").text
    samples = _read(text)
    route = "/v1/streams/{stream_id}/tracks"
    for status in ("200", "404"):
        name = "http_request_seconds_count"
        assert _value(samples, name, route=route, method="GET", status=status) == 1
    assert _value(samples, name, route="none", method="GET", status="404") == 1
    assert "secret-name" not in text
    assert "here-either" not in text


def test_openmetrics_is_given_to_who_asks_for_it(live: LiveService) -> None:
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    answer = httpx.get(f"{live.url}/metrics", headers=accept, trust_env=False)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


def test_a_store_that_is_gone_is_said_and_breaks_no_metrics(
    live: LiveService, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sightline.service.store.errors import StoreError

    def fail(_: object) -> None:
        raise StoreError("the store is gone", "store_gone")

    monkeypatch.setattr("sightline.service.telemetry.parts.pending_counts", fail)
    samples = _read(_text(live.metrics))
    assert _value(samples, "store_up") == 0
    assert _value(samples, "detector_restarts_total") == 1


def test_interruptions_are_counted_once_each() -> None:
    metrics = Metrics()
    states: list[StreamState] = ["CONNECTING", "RUNNING", "STALLED", "BACKOFF", "CONNECTING"]
    for state in states:
        metrics.observe_state(StreamStatus("gate", state, 0.0))
    assert _value(_read(_text(metrics)), "stream_interruptions_total", stream="gate") == 1
    states = ["RUNNING", "FAILED"]
    for state in states:
        metrics.observe_state(StreamStatus("gate", state, 0.0))
    assert _value(_read(_text(metrics)), "stream_interruptions_total", stream="gate") == 2


def test_deliveries_are_counted_by_alert_and_outcome() -> None:
    metrics = Metrics()
    states: list[DeliveryState] = ["pending", "pending", "delivered"]
    for state in states:
        metrics.observe_delivery(
            Delivery("1", "desk", "2", "line_cross", "gate", "door", state, 1, 0.0, None)
        )
    samples = _read(_text(metrics))
    assert _value(samples, "delivery_attempts_total", alert="desk", state="pending") == 2
    assert _value(samples, "delivery_attempts_total", alert="desk", state="delivered") == 1


def test_a_camera_that_is_gone_leaves_no_series() -> None:
    metrics = Metrics()
    metrics.observe_frame(make_result("gone"))
    metrics.observe_state(StreamStatus("gone", "RUNNING", 0.0))
    metrics.observe_events([make_event("gone")])
    metrics.observe_frame(make_result("stays"))
    metrics.forget("gone")
    metrics.forget("never-there")
    assert 'stream="gone"' not in _text(metrics)
    assert 'stream="stays"' in _text(metrics)
