"""Identities across cameras: tracks that were joined, and what they are called together."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, and_, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from sightline.service.store.pages import Page, read_page
from sightline.service.store.statements import among, insert_into
from sightline.service.store.tables import identities, numbers, tracks
from sightline.service.store.tracks import StoredTrack

__all__ = [
    "Join",
    "Joined",
    "Member",
    "identities_of",
    "join_tracks",
    "joined_since",
    "list_identities",
    "members_of",
    "take_out",
]

_COUNTER = "identity"

Key = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Join:
    """A track that goes on as another one.

    Args:
        earlier: Stream and number of the track that ended.
        later: Of the one that began.
        passage: Name of the way between them.
        seconds: Time between them.
        evidence: Log odds that they are of one person.
    """

    earlier: Key
    later: Key
    passage: str
    seconds: float
    evidence: float


@dataclass(frozen=True, slots=True)
class Joined:
    """A join that is stored.

    Args:
        join: What was joined.
        identity: The number of all tracks that are joined with each other.
    """

    join: Join
    identity: int


@dataclass(frozen=True, slots=True)
class Member:
    """A track of an identity.

    Args:
        identity: The number.
        track: The track.
        previous: Stream and number of the track that it goes on from; None for the first.
        passage: Name of the way between them.
        seconds: Time between them.
        evidence: Log odds that both are of one person.
    """

    identity: int
    track: StoredTrack
    previous: Key | None
    passage: str | None
    seconds: float | None
    evidence: float | None


def join_tracks(session: Session, joins: Sequence[Join], now: float) -> list[Joined]:
    """Store joins; both tracks, and all that are joined with either, get one number.

    A number that is known already stays: the smaller one of two. A track whose beginning, or
    whose end, is joined already is left as it is.

    Args:
        session: A transaction for changes.
        joins: In the order of time.
        now: UNIX seconds.

    Returns:
        Those that were stored.
    """
    done = []
    for join in joins:
        if _is_taken(session, join):
            continue
        known = identities_of(session, [join.earlier, join.later])
        identity = min(known.values()) if known else _next_number(session)
        if len(set(known.values())) == 2:
            session.execute(
                update(identities)
                .where(identities.c.identity == max(known.values()))
                .values(identity=identity)
            )
        if join.earlier not in known:
            _insert(session, join.earlier, {"identity": identity, "joined_at": now})
        session.flush()
        facts = {
            "identity": identity,
            "joined_at": now,
            "previous_stream": join.earlier[0],
            "previous_number": join.earlier[1],
            "passage": join.passage,
            "seconds": join.seconds,
            "evidence": join.evidence,
        }
        _insert(session, join.later, facts)
        done.append(Joined(join, identity))
    return done


def identities_of(session: Session, keys: Collection[Key]) -> dict[Key, int]:
    """Numbers of those of some tracks that were joined with others; some hundreds at once."""
    if not keys:
        return {}
    table = identities.c
    query = select(table.stream, table.number, table.identity).where(
        tuple_(table.stream, table.number).in_(list(keys))
    )
    return {(row.stream, row.number): row.identity for row in session.execute(query)}


def joined_since(session: Session, since: float) -> tuple[set[Key], set[Key]]:
    """Tracks whose end, and tracks whose beginning, was joined at or after some UNIX seconds."""
    table = identities.c
    query = select(table.stream, table.number, table.previous_stream, table.previous_number).where(
        table.joined_at >= since, table.previous_stream.is_not(None)
    )
    left, entered = set(), set()
    for row in session.execute(query):
        left.add((row.previous_stream, row.previous_number))
        entered.add((row.stream, row.number))
    return left, entered


def list_identities(
    session: Session,
    *,
    streams: Collection[str] | None = None,
    begin: float | None = None,
    end: float | None = None,
    cursor: str | None = None,
    limit: int = 100,
) -> Page[int]:
    """Numbers of identities, the newest first, that have a track as the filters want it.

    Args:
        session: A transaction.
        streams: Of these streams; None is all.
        begin: Seen at or after these UNIX seconds.
        end: Begun before these UNIX seconds.
        cursor: Where the page before ended.
        limit: Most items of the page.

    Raises:
        InputError: As `read_page`.
    """
    table = identities.c
    query = (
        select(table.identity)
        .join(tracks, and_(tracks.c.stream == table.stream, tracks.c.number == table.number))
        .where(among(table.stream, streams))
        .group_by(table.identity)
    )
    if begin is not None:
        query = query.where(tracks.c.seen_at >= begin)
    if end is not None:
        query = query.where(tracks.c.started_at < end)
    return read_page(
        session, query, (table.identity,), lambda row: int(row.identity), cursor=cursor, limit=limit
    )


def members_of(
    session: Session, numbers_: Collection[int], streams: Collection[str] | None = None
) -> dict[int, list[Member]]:
    """The tracks of identities by the time at which they began; tracks that are gone are left out.

    Args:
        session: A transaction.
        numbers_: Identities; some hundreds at once.
        streams: Of these streams; None is all.
    """
    table, track = identities.c, tracks.c
    query = (
        select(
            *(track.stream, track.number, track.class_name),
            *(track.started_at, track.seen_at, track.ended),
            *(table.identity, table.previous_stream, table.previous_number),
            *(table.passage, table.seconds, table.evidence),
        )
        .join(tracks, and_(track.stream == table.stream, track.number == table.number))
        .where(table.identity.in_(list(numbers_)), among(table.stream, streams))
        .order_by(track.started_at, track.stream, track.number)
    )
    found: dict[int, list[Member]] = {}
    rows: Iterable[Row[Any]] = session.execute(query)
    for row in rows:
        found.setdefault(row.identity, []).append(_member(row))
    return found


def take_out(session: Session, keys: Iterable[Key]) -> int:
    """Undo what is known of tracks; returns how many were joined.

    What was joined before and behind such a track stays together: it is still one person by what
    is known. An identity of one track is none.
    """
    removed = 0
    for stream, number in keys:
        table = identities.c
        mine = and_(table.stream == stream, table.number == number)
        identity = session.scalar(select(table.identity).where(mine))
        if identity is None:
            continue
        removed += 1
        session.execute(identities.delete().where(mine))
        session.execute(
            update(identities)
            .where(table.previous_stream == stream, table.previous_number == number)
            .values(previous_stream=None, previous_number=None, passage=None, seconds=None,
                    evidence=None)
        )  # fmt: skip
        rest = session.scalar(
            select(func.count()).select_from(identities).where(table.identity == identity)
        )
        if rest == 1:
            session.execute(identities.delete().where(table.identity == identity))
    return removed


def _is_taken(session: Session, join: Join) -> bool:
    table = identities.c
    used = or_(
        and_(
            table.previous_stream == join.earlier[0],
            table.previous_number == join.earlier[1],
        ),
        and_(
            table.stream == join.later[0],
            table.number == join.later[1],
            table.previous_stream.is_not(None),
        ),
    )
    return bool(session.scalar(select(exists().where(used))))


def _next_number(session: Session) -> int:
    insert = insert_into(session, numbers).values(name=_COUNTER, last=1)
    statement = insert.on_conflict_do_update(
        index_elements=["name"], set_={"last": numbers.c.last + 1}
    ).returning(numbers.c.last)
    return int(session.scalars(statement).one())


def _insert(session: Session, key: Key, facts: Mapping[str, Any]) -> None:
    insert = insert_into(session, identities).values(stream=key[0], number=key[1], **facts)
    session.execute(
        insert.on_conflict_do_update(index_elements=["stream", "number"], set_=dict(facts))
    )


def _member(row: Row[Any]) -> Member:
    track = StoredTrack(
        row.stream, row.number, row.class_name, row.started_at, row.seen_at, row.ended,
        row.identity,
    )  # fmt: skip
    known = row.previous_stream is not None
    previous = (row.previous_stream, row.previous_number) if known else None
    return Member(row.identity, track, previous, row.passage, row.seconds, row.evidence)
