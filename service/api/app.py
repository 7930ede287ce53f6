"""Puts the interface together: routers, guards, errors, the OpenAPI document."""

from __future__ import annotations

from types import ModuleType

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

import sightline
from sightline.service.access.credentials import CSRF_HEADER
from sightline.service.api import (
    alerts,
    corrections,
    counts,
    evaluations,
    events,
    identities,
    jobs,
    keys,
    live,
    metrics,
    openapi,
    page,
    pictures,
    presence,
    problems,
    replay,
    scenes,
    search,
    session,
    storage,
    streams,
    system,
    tracks,
)
from sightline.service.api.audit import AuditMiddleware
from sightline.service.api.context import Context
from sightline.service.api.security import OriginMiddleware, ProblemMiddleware, SecurityHeaders

__all__ = ["create_app"]

_LARGEST_BODY = 1 << 20
_LARGEST_BODIES: dict[ModuleType, int | None] = {
    jobs: None,  # limits itself while it streams
    corrections: 4 << 20,
    evaluations: 64 << 20,
    search: 20 << 20,
}
_ROUTERS = (
    *(session, keys, streams, scenes, live, events, pictures, tracks, counts, presence),
    *(replay, search, identities, alerts, jobs, corrections, evaluations),
    *(storage, system, metrics, page),
)


def create_app(context: Context) -> FastAPI:
    """The interface of a service.

    Args:
        context: What its handlers work with; started and stopped by the caller.
    """
    app = FastAPI(
        title="Sightline",
        version=sightline.__version__,
        generate_unique_id_function=lambda route: route.name,
        summary="Who is where, which one is which, and what happened.",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(ProblemMiddleware),
            Middleware(OriginMiddleware, allowed=context.config.security.allowed_origins),
            Middleware(
                CORSMiddleware,
                allow_origins=context.config.security.allowed_origins,
                allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
                allow_headers=["Authorization", "Content-Type", "Last-Event-ID", CSRF_HEADER],
                expose_headers=["Location", "Retry-After", "X-Request-ID"],
            ),
            Middleware(AuditMiddleware),
        ],
    )
    app.state.context = context
    problems.install(app)
    for module in _ROUTERS:
        app.include_router(module.router, max_body_size=_LARGEST_BODIES.get(module, _LARGEST_BODY))
    app.openapi = lambda: openapi.describe(app)  # type: ignore[method-assign]
    return app
