"""Stored tracks: who was where, and how to be forgotten."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import APIRouter, Path, Query, Request

from sightline.errors import InputError
from sightline.service.access.principals import Principal
from sightline.service.api.audit import note
from sightline.service.api.context import Context, CurrentContext
from sightline.service.api.dependencies import Admin, Viewer
from sightline.service.api.filters import BetweenQuery, Span, StreamsQuery, granted_streams
from sightline.service.api.pagination import Listing, PageQuery
from sightline.service.api.schemas.tracks import (
    ErasedAnswer,
    ExemplarsSummary,
    TrackAnswer,
    TrackPath,
    TrackSummary,
)
from sightline.service.errors import UnknownError
from sightline.service.settings import Identifier
from sightline.service.store.erase import ErasedEvent, erase_period, erase_tracks
from sightline.service.store.exemplars import exemplars_of
from sightline.service.store.tracks import (
    get_track,
    list_tracks,
    parse_track_id,
    track_path,
    track_paths,
)

router = APIRouter(tags=["tracks"])

TrackId = Annotated[str, Path(max_length=100, examples=["entrance:17"])]


@router.get("/v1/tracks")
def get_tracks(
    principal: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    classes: Annotated[
        list[Annotated[str, Query(max_length=200)]] | None,
        Query(alias="class", max_length=100, description="Of these classes; all if left out."),
    ] = None,
    zones: Annotated[
        list[Identifier] | None,
        Query(alias="zone", max_length=500, description="With an event of these zones or lines."),
    ] = None,
    identity: Annotated[
        int | None,
        Query(ge=1, le=2**63 - 1, description="Joined under this identity across cameras."),
    ] = None,
) -> Listing[TrackSummary]:
    """List tracks, those that began last first.

    `begin` and `end` select the tracks that were there at some time between them.
    """
    wanted = granted_streams(principal, streams)
    with context.database.reading() as session:
        page = list_tracks(
            session,
            streams=wanted,
            classes=classes,
            zones=zones,
            identity=identity,
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
    items = [TrackSummary.of(track) for track in page.items]
    return Listing(items=items, next_cursor=page.next_cursor)


@router.get("/v1/tracks/{track_id}")
def get_track_with_path(
    principal: Viewer, context: CurrentContext, track_id: TrackId
) -> TrackAnswer:
    """One track with its path, and whether search by appearance knows it."""
    stream, number = parse_track_id(track_id)
    with context.database.reading() as session:
        track = get_track(session, stream, number) if principal.sees(stream) else None
        if track is None:
            raise _unknown(track_id)
        path = track_path(session, stream, number)
        looks = exemplars_of(session, stream, number)
    if path is None:
        raise _unknown(track_id)
    summary = None if looks is None else ExemplarsSummary(count=len(looks[0]), embedder=looks[1])
    return TrackAnswer.with_path(track, path, summary)


@router.get("/v1/streams/{stream_id}/paths", summary="Paths of tracks")
def get_paths(
    stream_id: str,
    _: Viewer,
    context: CurrentContext,
    paging: PageQuery,
    between: BetweenQuery,
) -> Listing[TrackPath]:
    """Tracks of one stream with their paths, those that began last first.

    `begin` and `end` select the tracks that were there at some time between them; their paths are
    not cut.
    """
    with context.database.reading() as session:
        page = list_tracks(
            session,
            streams=[stream_id],
            begin=between.begin,
            end=between.end,
            cursor=paging.cursor,
            limit=paging.limit,
        )
        paths = track_paths(session, stream_id, [track.number for track in page.items])
    items = [
        TrackPath.with_rows(track, paths[track.number])
        for track in page.items
        if track.number in paths
    ]
    return Listing(items=items, next_cursor=page.next_cursor)


@router.delete("/v1/tracks", name="erase_tracks")
def delete_tracks(
    request: Request,
    principal: Admin,
    context: CurrentContext,
    between: BetweenQuery,
    streams: StreamsQuery = None,
    tracks: Annotated[
        list[Annotated[str, Query(max_length=100)]] | None,
        Query(
            alias="track",
            max_length=100,
            description="These tracks; or everything of a time by `begin` and `end`.",
            examples=[["entrance:17"]],
        ),
    ] = None,
) -> ErasedAnswer:
    """Erase tracks, or everything of a time, with all that shows whom they were of.

    Paths, appearance vectors, rows of recordings and event pictures go; that something happened,
    and how often, stays. Tracks that are still in view stay erased. Either `track` is given, or
    all of `stream`, `begin` and `end`. Done again, it finishes what was cut short.
    """
    by_time = streams is not None or between != Span(None, None)
    if (tracks is not None) == by_time:
        raise InputError("give either track, or all of stream, begin and end")
    if tracks is not None:
        names = _granted_tracks(principal, tracks)
        note(request, target=",".join(tracks))
        return ErasedAnswer.sum_of(
            [
                erase_tracks(
                    context.database,
                    names,
                    context.clock.now(),
                    remove_pictures=_remover(context),
                )
            ]
        )
    chosen = granted_streams(principal, streams)
    if not chosen or streams is None or between.begin is None or between.end is None:
        raise InputError("to erase a time, give all of stream, begin and end")
    note(request, target=",".join(chosen), begin=between.begin, end=between.end)
    parts = [
        erase_period(
            context.database,
            stream,
            between.begin,
            between.end,
            context.clock.now(),
            remove_pictures=_remover(context),
        )
        for stream in chosen
    ]
    return ErasedAnswer.sum_of(parts)


def _granted_tracks(principal: Principal, tracks: Sequence[str]) -> list[tuple[str, int]]:
    names = [parse_track_id(track) for track in tracks]
    for track, (stream, _) in zip(tracks, names, strict=True):
        if not principal.sees(stream):
            raise _unknown(track)
    return names


def _remover(context: Context) -> Callable[[ErasedEvent], object]:
    pictures = context.event_pictures
    return lambda event: pictures.remove(event.stream, event.time, event.id)


def _unknown(track: str) -> UnknownError:
    """The one answer about a track that is not there, and about one that is not granted."""
    return UnknownError(f"there is no track {track!r}; GET /v1/tracks lists those there are")
