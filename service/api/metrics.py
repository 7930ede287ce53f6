"""What Prometheus reads."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Response

from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Probe

__all__ = ["router"]

router = APIRouter(tags=["probes"])


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {}}, "description": "docs/observability.md."}},
)
def read_metrics(
    _: Probe, context: CurrentContext, accept: Annotated[str, Header()] = ""
) -> Response:
    """Counters and gauges of every stage and stream; open, or with a token (`auth.probes`)."""
    body, content_type = context.metrics.render(accept)
    return Response(body, headers={"Content-Type": content_type})
