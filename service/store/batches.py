"""One batch of what cameras produce, written in one transaction."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from sightline.service.store.backlog import Batch
from sightline.service.store.counts import add_counts
from sightline.service.store.erased import erased_numbers
from sightline.service.store.errors import is_about_data
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identities import identities_of
from sightline.service.store.recordings import insert_recordings, without_tracks
from sightline.service.store.states import forget_state, note_numbers, save_states
from sightline.service.store.tracks import upsert_tracks

__all__ = ["EventHook", "write_batch"]

EventHook: TypeAlias = Callable[[Session, Sequence[StoredEvent]], None]
"""What else is to be stored in the transaction of new events."""

_log = logging.getLogger(__name__)


def write_batch(session: Session, batch: Batch, hook: EventHook | None) -> list[StoredEvent]:
    """Store a batch; what is there already changes nothing and is counted no second time.

    Args:
        session: A transaction for changes.
        batch: What to store; erased tracks are left out.
        hook: Called with the events that are new; where it fails they are stored all the same.

    Returns:
        The events as they are stored.
    """
    erased = erased_numbers(session, _streams(batch))
    events = _with_identities(session, [_without_erased(item, erased) for item in batch.events])
    inserted = insert_events(session, events)
    add_counts(session, [item.event for item in inserted])
    if hook is not None and inserted:
        _run_hook(session, inserted, hook)
    tracks = [item for item in batch.tracks if item.number not in erased[item.stream]]
    upsert_tracks(session, tracks)
    numbers: dict[str, int] = {}
    for item in batch.tracks:
        numbers[item.stream] = max(item.number, numbers.get(item.stream, 0))
    note_numbers(session, numbers)
    insert_recordings(
        session,
        [
            without_tracks(item, erased[item.stream]) if erased[item.stream] else item
            for item in batch.recordings
        ],
    )
    save_states(session, [state for state in batch.states.values() if state is not None])
    for stream, state in batch.states.items():
        if state is None:
            forget_state(session, stream)
    return events


def _streams(batch: Batch) -> set[str]:
    return {
        *(item.event.stream for item in batch.events),
        *(item.stream for item in batch.tracks),
        *(item.stream for item in batch.recordings),
    }


def _without_erased(item: StoredEvent, erased: Mapping[str, set[int]]) -> StoredEvent:
    event = item.event
    if event.track is None or event.track not in erased[event.stream]:
        return item
    return StoredEvent(item.id, dataclasses.replace(event, track=None))


def _with_identities(session: Session, items: list[StoredEvent]) -> list[StoredEvent]:
    """Events of tracks that were joined with others, with the number that they share."""
    keys = {(one.event.stream, one.event.track) for one in items if one.event.track is not None}
    known = identities_of(session, keys)
    return [
        StoredEvent(one.id, dataclasses.replace(one.event, identity=known[key]))
        if (key := (one.event.stream, one.event.track or 0)) in known
        else one
        for one in items
    ]


def _run_hook(session: Session, events: Sequence[StoredEvent], hook: EventHook) -> None:
    try:
        with session.begin_nested():
            hook(session, events)
    except Exception as error:
        if isinstance(error, SQLAlchemyError) and not is_about_data(error):
            raise
        _log.exception("what else belongs to %d events could not be stored", len(events))
