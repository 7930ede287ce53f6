"""Stored tracks, and those that have just been reported, as the association takes them."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from sightline.cross_camera import Sighting
from sightline.cross_camera.sightings import Place, feet
from sightline.service.engine.messages import TrackRecord
from sightline.service.store.statements import among
from sightline.service.store.tables import exemplars, tracks

__all__ = ["read_sightings", "sighting_of"]

_PLACE = 5
_NOWHERE: Place = (0.5, 1.0)


def sighting_of(record: TrackRecord) -> Sighting | None:
    """A track that the engine reports; None where it was never seen."""
    if not len(record.path):
        return None
    return Sighting(
        camera=record.stream,
        number=record.number,
        begin=record.started_at,
        end=max(record.seen_at, record.started_at),
        entry=feet(record.path[0, 1:]),
        exit=feet(record.path[-1, 1:]),
        class_name=record.class_name,
        over=record.ended,
        vectors=record.exemplars,
        network=record.embedder,
    )


def read_sightings(
    session: Session,
    *,
    streams: Collection[str] | None = None,
    begin: float | None = None,
    end: float | None = None,
    ended: bool = False,
) -> list[Sighting]:
    """Stored tracks by the time at which they began.

    Args:
        session: A transaction.
        streams: Of these streams; None is all.
        begin: Seen at or after these UNIX seconds.
        end: Begun before these UNIX seconds.
        ended: Take all of them as over: nobody is in view any more.
    """
    track, looks = tracks.c, exemplars.c
    query = (
        select(
            *(track.stream, track.number, track.class_name, track.started_at, track.seen_at),
            *(track.ended, track.path),
            *(looks.embedder, looks.count.label("vector_count"), looks.vectors),
        )
        .outerjoin(exemplars, and_(looks.stream == track.stream, looks.number == track.number))
        .where(among(track.stream, streams))
        .order_by(track.started_at, track.stream, track.number)
    )
    if begin is not None:
        query = query.where(track.seen_at >= begin)
    if end is not None:
        query = query.where(track.started_at < end)
    found = []
    for row in session.execute(query):
        path = np.frombuffer(row.path, "<f4").reshape(-1, _PLACE)
        vectors = None
        if row.vector_count:
            vectors = np.frombuffer(row.vectors, "<f2").reshape(row.vector_count, -1)
        found.append(
            Sighting(
                camera=row.stream,
                number=row.number,
                begin=row.started_at,
                end=max(row.seen_at, row.started_at),
                entry=feet(path[0, 1:]) if len(path) else _NOWHERE,
                exit=feet(path[-1, 1:]) if len(path) else _NOWHERE,
                class_name=row.class_name,
                over=row.ended or ended,
                vectors=vectors,
                network=row.embedder or "",
            )
        )
    return found
