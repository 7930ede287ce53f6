"""Which topics there are, and what was missed of the events while nobody listened."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Iterable

from sightline.errors import InputError
from sightline.service.live.messages import Message, event_message
from sightline.service.store.database import Database
from sightline.service.store.events import StoredEvent, events_after

__all__ = ["check_event_id", "check_topics", "missed_events", "stream_of"]

_TOPIC = re.compile(r"events|states|(?:tracks|pictures):[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_EVENT_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MOST_TOPICS = 500
_PAGE = 500


def check_topics(topics: Iterable[str], *, pictures: bool) -> list[str]:
    """The topics, if all are well-formed.

    Args:
        topics: `events`, `states`, `tracks:ID`, `pictures:ID`.
        pictures: Whether pictures are possible here.

    Raises:
        InputError: One is not, or there are too many.
    """
    found = list(dict.fromkeys(topics))
    for topic in found:
        if not _TOPIC.fullmatch(topic) or (topic.startswith("pictures:") and not pictures):
            known = "events, states, tracks:ID" + (", pictures:ID" if pictures else "")
            raise InputError(f"there is no topic {topic[:80]!r}; there are {known}")
    if len(found) > _MOST_TOPICS:
        raise InputError(f"{len(found)} topics at once; at most {_MOST_TOPICS}")
    return found


def stream_of(topic: str) -> str | None:
    """The stream that a topic is about, None if about all."""
    return topic.partition(":")[2] or None


def check_event_id(text: str) -> str:
    """The identifier of an event, if it is one.

    Raises:
        InputError: It is not.
    """
    if not _EVENT_ID.fullmatch(text):
        raise InputError(f"the last event's id is the id of an event, got {text[:80]!r}")
    return text


async def missed_events(
    database: Database, after: str, streams: Collection[str] | None
) -> AsyncIterator[Message]:
    """Every stored event behind one, the oldest first.

    Begin to listen before: what happens meanwhile comes twice then, and never not at all.

    Args:
        database: The store.
        after: Identifier of the last event that is known.
        streams: Identifiers of the streams to tell of; None for all.
    """
    while True:
        page = await asyncio.to_thread(_read, database, after, streams)
        for stored in page:
            yield event_message(stored)
        if len(page) < _PAGE:
            return
        after = page[-1].id


def _read(database: Database, after: str, streams: Collection[str] | None) -> list[StoredEvent]:
    with database.reading() as session:
        return events_after(session, after, streams=streams, limit=_PAGE)
