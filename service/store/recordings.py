"""Recorded tracks of all frames: what rules are replayed on."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

import numpy as np
import numpy.typing as npt
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from sightline.service.engine.messages import Recording
from sightline.service.store.packing import pack_recording, unpack_recording
from sightline.service.store.statements import insert_into
from sightline.service.store.tables import recordings

__all__ = ["insert_recordings", "list_recordings", "recorded_span", "without_tracks"]

_SLICE = 50


def insert_recordings(session: Session, items: Collection[Recording]) -> None:
    """Store recordings; those without a frame, or there already, change nothing."""
    rows = [
        {
            "stream": item.stream,
            "begin": float(item.frame_times[0]),
            "end": float(item.frame_times[-1]),
            "data": pack_recording(item),
        }
        for item in items
        if len(item.frame_times)
    ]
    if rows:
        statement = insert_into(session, recordings).on_conflict_do_nothing()
        session.execute(statement.returning(recordings.c.begin), rows)


def list_recordings(session: Session, stream: str, begin: float, end: float) -> Iterator[Recording]:
    """Recordings of one stream in the order of time, cut to the frames in `begin` ≤ t < `end`.

    Raises:
        StateError: A recording is damaged.
    """
    table = recordings.c
    after = -np.inf
    while True:
        query = (
            select(table.begin, table.data)
            .where(table.stream == stream, table.begin > after)
            .where(table.begin < end, table.end >= begin)
            .order_by(table.begin)
            .limit(_SLICE)
        )
        rows = session.execute(query).all()
        for row in rows:
            recording = _between(unpack_recording(stream, row.data), begin, end)
            if len(recording.frame_times):
                yield recording
        if len(rows) < _SLICE:
            return
        after = rows[-1].begin


def recorded_span(session: Session, stream: str) -> tuple[float, float] | None:
    """UNIX seconds of the first and the last recorded frame of a stream; None without any."""
    table = recordings.c
    query = select(func.min(table.begin), func.max(table.end)).where(table.stream == stream)
    first, last = session.execute(query).one()
    return None if first is None else (first, last)


def without_tracks(recording: Recording, numbers: Collection[int]) -> Recording:
    """The recording without some tracks; its frames stay."""
    return _rows(recording, ~np.isin(recording.numbers, list(numbers)))


def _between(recording: Recording, begin: float, end: float) -> Recording:
    times = recording.frame_times
    first, last = np.searchsorted(times, [begin, end])
    if first == 0 and last == len(times):
        return recording
    kept = _rows(recording, (recording.frames >= first) & (recording.frames < last))
    return dataclasses.replace(
        kept, frame_times=times[first:last], frames=kept.frames - np.int32(first)
    )


def _rows(recording: Recording, kept: npt.NDArray[np.bool_]) -> Recording:
    return dataclasses.replace(
        recording,
        frames=recording.frames[kept],
        numbers=recording.numbers[kept],
        boxes=recording.boxes[kept],
        scores=recording.scores[kept],
        classes=recording.classes[kept],
        seen=recording.seen[kept],
    )
