"""Rules before they are kept: what is wrong with them, what they would have reported."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from sightline.errors import InputError
from sightline.service.access.principals import Principal
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Viewer, requires
from sightline.service.api.schemas.replay import (
    CheckAnswer,
    CheckBody,
    NeverFiringAnswer,
    RecordedAnswer,
    ReplayAnswer,
    ReplayBody,
)
from sightline.service.errors import UnknownError, unknown_stream
from sightline.service.replay import replay_stored
from sightline.service.rules.layout import find_never_firing
from sightline.service.rules.scene import Scene
from sightline.service.store.recordings import recorded_span

router = APIRouter(tags=["rules"])


@router.post("/v1/rules/check", summary="Check zones and lines")
def check_rules(
    _: Annotated[Principal, Depends(requires("operator", changes=False))], body: CheckBody
) -> CheckAnswer:
    """Say which zones and lines can never fire, without keeping them."""
    return CheckAnswer(warnings=list(map(NeverFiringAnswer.of, find_never_firing(body))))


@router.get("/v1/streams/{stream_id}/recorded", summary="What there is to replay")
def read_recorded(stream_id: str, _: Viewer, context: CurrentContext) -> RecordedAnswer:
    """When the tracks that are recorded of a stream begin and end."""
    with context.database.reading() as session:
        return RecordedAnswer.of(recorded_span(session, stream_id))


@router.post("/v1/rules/replay", response_model_exclude_unset=True)
def replay_rules(
    principal: Annotated[Principal, Depends(requires("operator", changes=False))],
    context: CurrentContext,
    body: ReplayBody,
) -> ReplayAnswer:
    """Try zones and lines on what was recorded of a stream.

    The same rules run over the same tracks as live, so the result is what they would have
    reported then. One replay runs at a time, in a process of its own, for at most a minute.
    """
    if not principal.sees(body.stream):
        raise unknown_stream(body.stream)
    replayed = replay_stored(
        context.config.storage.url.get_secret_value(),
        body.stream,
        _scene(context, body),
        body.begin.timestamp(),
        body.end.timestamp(),
        context.clock.now(),
    )
    return ReplayAnswer.of(replayed)


def _scene(context: Context, body: ReplayBody) -> Scene:
    """What is tried, completed by what the stream has.

    Raises:
        InputError: There is nothing to try.
    """
    try:
        own: Scene = context.streams.view(body.stream).stream
    except UnknownError:
        own = Scene()  # it was deleted, its recordings are still there
    drawn = body if body.model_fields_set & {"zones", "lines"} else own
    if not drawn.zones and not drawn.lines:
        raise InputError("there is neither a zone nor a line to try; give zones or lines")
    timing = body if "rules" in body.model_fields_set else own
    return Scene(zones=drawn.zones, lines=drawn.lines, rules=timing.rules)
