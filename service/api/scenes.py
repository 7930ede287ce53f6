"""What is drawn into a stream's picture: zones, lines, masks; in 0…1 of it."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request
from pydantic import Field

from sightline.service.api.audit import note
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Operator, Viewer
from sightline.service.rules import Line, Polygon, Scene, Zone, never_firing

__all__ = ["Lines", "Masks", "Zones", "router"]

router = APIRouter(tags=["scenes"])

Warnings = Annotated[
    list[str], Field(description="A sentence about each that can never fire.", examples=[[]])
]
_ZONE: dict[str, pydantic.JsonValue] = {
    "id": "hall",
    "points": [[0.1, 0.4], [0.9, 0.4], [0.9, 1], [0.1, 1]],
    "dwell": 30,
}
_LINE: dict[str, pydantic.JsonValue] = {"id": "door", "points": [[0.2, 0.5], [0.8, 0.5]]}
_MASK: list[pydantic.JsonValue] = [[0.8, 0], [1, 0], [1, 0.3], [0.8, 0.3]]


class ZonesRequest(pydantic.BaseModel):
    """All zones of a stream."""

    model_config = pydantic.ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"zones": [_ZONE]}]}
    )

    zones: Annotated[list[Zone], Field(max_length=1000)]


class Zones(pydantic.BaseModel):
    """All zones of a stream, and what cannot fire."""

    zones: list[Zone]
    warnings: Warnings


class LinesRequest(pydantic.BaseModel):
    """All lines of a stream."""

    model_config = pydantic.ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"lines": [_LINE]}]}
    )

    lines: Annotated[list[Line], Field(max_length=1000)]


class Lines(pydantic.BaseModel):
    """All lines of a stream, and what cannot fire."""

    lines: list[Line]
    warnings: Warnings


class Masks(pydantic.BaseModel):
    """All masks of a stream: black before detection and in every picture."""

    model_config = pydantic.ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"masks": [_MASK]}]}
    )

    masks: Annotated[list[Polygon], Field(max_length=100)]


@router.get("/v1/streams/{stream_id}/zones", summary="Zones")
def read_zones(stream_id: str, _: Viewer, context: CurrentContext) -> Zones:
    """The zones of a stream."""
    zones = context.streams.view(stream_id).stream.zones
    return Zones(zones=list(zones), warnings=never_firing(Scene(zones=zones)))


@router.put("/v1/streams/{stream_id}/zones", summary="Replace the zones")
def replace_zones(
    stream_id: str, body: ZonesRequest, _: Operator, request: Request, context: CurrentContext
) -> Zones:
    """Replace all zones at once; tracks keep their identities, zones that stay their visits."""
    context.streams.set_zones(stream_id, body.zones)
    note(request, zones=[zone.id for zone in body.zones])
    return read_zones(stream_id, _, context)


@router.get("/v1/streams/{stream_id}/lines", summary="Lines")
def read_lines(stream_id: str, _: Viewer, context: CurrentContext) -> Lines:
    """The lines of a stream."""
    lines = context.streams.view(stream_id).stream.lines
    return Lines(lines=list(lines), warnings=never_firing(Scene(lines=lines)))


@router.put("/v1/streams/{stream_id}/lines", summary="Replace the lines")
def replace_lines(
    stream_id: str, body: LinesRequest, _: Operator, request: Request, context: CurrentContext
) -> Lines:
    """Replace all lines at once; tracks keep their identities, lines that stay their memory."""
    context.streams.set_lines(stream_id, body.lines)
    note(request, lines=[line.id for line in body.lines])
    return read_lines(stream_id, _, context)


@router.get("/v1/streams/{stream_id}/masks", summary="Masks")
def read_masks(stream_id: str, _: Viewer, context: CurrentContext) -> Masks:
    """The privacy masks of a stream."""
    return Masks(masks=list(context.streams.view(stream_id).stream.privacy.masks))


@router.put("/v1/streams/{stream_id}/masks", summary="Replace the masks")
def replace_masks(
    stream_id: str, body: Masks, _: Operator, request: Request, context: CurrentContext
) -> Masks:
    """Replace all masks at once; they hold from the next frame that is decoded."""
    context.streams.set_masks(stream_id, body.masks)
    note(request, masks=len(body.masks))
    return read_masks(stream_id, _, context)
