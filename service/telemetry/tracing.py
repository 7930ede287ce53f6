"""Traces of requests by OpenTelemetry, for those who collect them; its packages are an extra."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import sightline
from sightline.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span

__all__ = ["Tracing", "start_tracing"]


def start_tracing(endpoint: str) -> Tracing:
    """Send traces to a collector; `Tracing.close` sends the last ones.

    Args:
        endpoint: Address of an OTLP collector over HTTP, such as http://collector:4318.

    Raises:
        ConfigError: OpenTelemetry is not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    except ImportError as error:
        raise ConfigError(
            "telemetry.opentelemetry_endpoint asks for traces, and OpenTelemetry is not installed; "
            "pip install 'sightline[telemetry]', or leave the setting out"
        ) from error
    return Tracing(OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces"))


class Tracing:
    """Makes a span of every request.

    Args:
        exporter: Where spans go.
    """

    def __init__(self, exporter: SpanExporter) -> None:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        names = {"service.name": "sightline", "service.version": sightline.__version__}
        self._provider: TracerProvider = TracerProvider(resource=Resource.create(names))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("sightline.service")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def request(self, method: str, headers: Mapping[str, str]) -> Iterator[RequestSpan]:
        """A span for the time that a request is answered; part of the caller's trace, if any.

        Args:
            method: HTTP method.
            headers: The request's, with names in lower case.
        """
        from opentelemetry.trace import SpanKind

        with self._tracer.start_as_current_span(
            method,
            context=self._propagator.extract(headers),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method},
        ) as span:
            yield RequestSpan(span)

    def close(self) -> None:
        """Send what was not sent yet."""
        self._provider.shutdown()


class RequestSpan:
    """The span of one request.

    Args:
        span: OpenTelemetry's.
    """

    def __init__(self, span: Span) -> None:
        self._span = span

    def finish(self, route: str, method: str, status: int) -> None:
        """Say what it was, once that is known.

        Args:
            route: Template of the route.
            method: HTTP method.
            status: HTTP status.
        """
        from opentelemetry.trace import StatusCode

        self._span.update_name(f"{method} {route}")
        self._span.set_attribute("http.route", route)
        self._span.set_attribute("http.response.status_code", status)
        if status >= 500:
            self._span.set_status(StatusCode.ERROR)
