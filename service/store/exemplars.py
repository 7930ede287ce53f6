"""Appearance vectors of stored tracks, read in blocks: what search compares with."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from sightline.service.store.statements import among
from sightline.service.store.tables import exemplars, tracks
from sightline.service.store.tracks import StoredTrack

__all__ = ["ExemplarBlock", "count_embedders", "exemplar_blocks", "exemplars_of"]

Vectors = npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class ExemplarBlock:
    """The exemplars of some tracks.

    Args:
        tracks: The T tracks.
        counts: (T,) int32 number of exemplars of each track.
        vectors: (sum of counts, D) float16, of length 1, in the order of the tracks.
    """

    tracks: tuple[StoredTrack, ...]
    counts: npt.NDArray[np.int32]
    vectors: Vectors


def exemplar_blocks(
    session: Session,
    *,
    embedder: str,
    streams: Collection[str] | None = None,
    classes: Collection[str] | None = None,
    begin: float | None = None,
    end: float | None = None,
    limit: int = 100_000,
    block: int = 2000,
) -> Iterator[ExemplarBlock]:
    """Exemplars of the tracks that began last, without ever holding more than a block.

    Args:
        session: A transaction.
        embedder: Made by this network.
        streams: Of these streams; None is all, as for the following.
        classes: Of these classes.
        begin: Of tracks seen at or after these UNIX seconds.
        end: Of tracks begun before these UNIX seconds.
        limit: Most tracks in all.
        block: Most tracks of a block.
    """
    track = tracks.c
    query = (
        select(
            track.stream,
            track.number,
            track.class_name,
            track.started_at,
            track.seen_at,
            track.ended,
            exemplars.c.count.label("vector_count"),
            exemplars.c.vectors,
        )
        .join(
            exemplars,
            and_(exemplars.c.stream == track.stream, exemplars.c.number == track.number),
        )
        .where(
            # Not by the index of embedders: tracks come in their order, and nothing is sorted.
            exemplars.c.embedder.concat("") == embedder,
            exemplars.c.count > 0,
            among(track.stream, streams),
            among(track.class_name, classes),
        )
        .order_by(track.started_at.desc(), track.stream.desc(), track.number.desc())
        .limit(limit)
    )
    if begin is not None:
        query = query.where(track.seen_at >= begin)
    if end is not None:
        query = query.where(track.started_at < end)
    result = session.execute(query, execution_options={"yield_per": block})
    for rows in result.partitions():
        counts = np.array([row.vector_count for row in rows], np.int32)
        vectors = np.frombuffer(b"".join(row.vectors for row in rows), "<f2")
        yield ExemplarBlock(
            tuple(StoredTrack(*row[:6]) for row in rows),
            counts,
            vectors.reshape(int(counts.sum()), -1),
        )


def exemplars_of(session: Session, stream: str, number: int) -> tuple[Vectors, str] | None:
    """(E, D) float16 exemplars of one track and the network that made them, None without."""
    table = exemplars.c
    query = select(table.embedder, table.count.label("vector_count"), table.vectors).where(
        table.stream == stream, table.number == number, table.count > 0
    )
    row = session.execute(query).first()
    if row is None:
        return None
    return np.frombuffer(row.vectors, "<f2").reshape(row.vector_count, -1), row.embedder


def count_embedders(session: Session) -> dict[str, int]:
    """Tracks with exemplars, by the network that made them."""
    query = select(exemplars.c.embedder, func.count()).group_by(exemplars.c.embedder)
    return {name: int(number) for name, number in session.execute(query)}
