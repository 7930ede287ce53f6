"""The service itself: what runs, how it is configured, who changed what, whether it is well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import pydantic
from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field

import sightline
from sightline.errors import SightlineError
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Admin, Viewer, probe
from sightline.service.api.filters import BetweenQuery
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.redaction import without_secrets
from sightline.service.api.schemas.times import Time
from sightline.service.errors import UnavailableError
from sightline.service.steady import rfc3339
from sightline.service.store.audit import AuditEntry, list_entries

__all__ = ["AuditAnswer", "Health", "Models", "router"]

router = APIRouter(tags=["service"])


class Health(pydantic.BaseModel):
    """The service answers."""

    status: Literal["ok"] = "ok"
    version: str = Field(examples=["0.1.0"])


class Models(pydantic.BaseModel):
    """What looks at the pictures."""

    state: str = Field(description="STARTING, RUNNING, BACKOFF, STOPPED.", examples=["RUNNING"])
    model: str = Field(examples=["sightline-n"])
    device_asked: str = Field(description="What the configuration asks for.", examples=["auto"])
    device: str = Field(description="Where it runs.", examples=["cpu"])
    providers: list[str] = Field(
        description="ONNX Runtime's, as the session has them.",
        examples=[["CPUExecutionProvider"]],
    )
    detector: dict[str, Any] = Field(description="What the network says of itself.")
    embedder: dict[str, Any] = Field(description="The same of re-identification, if it is on.")
    utilisation: float = Field(description="Share of time that detection runs.", examples=[0.93])
    frames: int = Field(description="Frames since the service started.", examples=[80_210])
    batch_limit: int = Field(description="Most frames of a batch now.", examples=[8])
    restarts: int = Field(description="Times it had to be started again.", examples=[0])
    last_error: str = Field(description="What went wrong last; empty if nothing did.")


class AuditAnswer(pydantic.BaseModel):
    """One change."""

    id: str = Field(examples=["0198c0de-7a7f-7e91-a26b-75ae6d5a083a"])
    at: Time
    key_id: str = Field(description="The key that made it.")
    key_name: str = Field(description="What the key was called.", examples=["front desk"])
    address: str = Field(description="Where it came from.", examples=["10.0.0.9"])
    action: str = Field(description="Name of the operation.", examples=["change_stream"])
    target: str = Field(description="To what.", examples=["entrance"])
    detail: dict[str, Any] = Field(
        description="What else is known of it.", examples=[{"fields": ["process_fps"]}]
    )


@router.get("/healthz", summary="Alive", dependencies=[Depends(probe)])
async def healthz() -> Health:
    """The service answers; nothing else is asked."""
    return Health(version=sightline.__version__)


@router.get("/readyz", summary="Ready", dependencies=[Depends(probe)])
def readyz(context: CurrentContext) -> Health:
    """Store, detector and at least one of the streams that should run are fine; else 503."""
    problems = _problems(context)
    if problems:
        raise UnavailableError(f"not ready: {'; '.join(problems)}")
    return Health(version=sightline.__version__)


@router.get("/v1/models", summary="What runs")
def read_models(_: Viewer, context: CurrentContext) -> Models:
    """The detector and what it really runs on."""
    report = context.engine.report()
    return Models(
        state=report.state,
        model=report.model,
        device_asked=report.device_asked,
        device=report.device,
        providers=list(report.providers),
        detector=_json(report.detector),
        embedder=_json(report.embedder),
        utilisation=round(report.utilisation, 4),
        frames=report.frames,
        batch_limit=report.batch_limit,
        restarts=report.restarts,
        last_error=without_secrets(report.last_error),
    )


@router.get("/v1/config", summary="Configuration")
def read_config(_: Admin, context: CurrentContext) -> dict[str, Any]:
    """The effective configuration; secrets show as `**********`."""
    return _json(context.config.model_dump(mode="json"))


@router.get("/v1/audit", summary="Who changed what")
def list_audit(
    _: Admin,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
    key: Annotated[str | None, Query(max_length=100, description="Only of this key.")] = None,
    action: Annotated[
        str | None,
        Query(max_length=100, description="Only of this operation.", examples=["change_stream"]),
    ] = None,
) -> Listing[AuditAnswer]:
    """Changes, the latest first."""
    with context.database.reading() as session:
        page = list_entries(
            session,
            key_id=key,
            action=action,
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    return Listing(items=list(map(_entry, page.items)), next_cursor=page.next_cursor)


@router.get("/v1/openapi.json", summary="This description")
def read_openapi(_: Viewer, request: Request) -> dict[str, Any]:
    """The OpenAPI document of the interface."""
    document: dict[str, Any] = request.app.openapi()
    return document


def _problems(context: Context) -> list[str]:
    problems = []
    try:
        context.database.check()
    except SightlineError as error:
        problems.append(f"store: {getattr(error, 'code', 'failed')}")
    state = context.engine.report().state
    if state != "RUNNING":
        problems.append(f"detector: {state}")
    wanted = [view for view in context.streams.views() if view.stream.enabled]
    if wanted and not any(view.status.state == "RUNNING" for view in wanted):
        problems.append(f"streams: none of {len(wanted)} runs")
    return problems


def _entry(entry: AuditEntry) -> AuditAnswer:
    return AuditAnswer(
        id=entry.id,
        at=rfc3339(entry.at),
        key_id=entry.key_id,
        key_name=entry.key_name,
        address=entry.address,
        action=entry.action,
        target=entry.target,
        detail=dict(entry.detail),
    )


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    """Plain values, with the credentials of any address in them left out."""
    return {str(name): _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    match value:
        case Mapping():
            return _json(value)
        case list() | tuple():
            return [_plain(one) for one in value]
        case str():
            return without_secrets(value)
        case bool() | int() | float() | None:
            return value
        case _:
            return str(value)
