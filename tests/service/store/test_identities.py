"""Identities across cameras as they are stored: numbers that stay, and what erasing leaves."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from sightline.service.config import Retention
from sightline.service.store.database import Database
from sightline.service.store.erase import erase_tracks
from sightline.service.store.events import StoredEvent, insert_events, list_events
from sightline.service.store.identities import (
    Join,
    identities_of,
    join_tracks,
    joined_since,
    list_identities,
    members_of,
    take_out,
)
from sightline.service.store.retention import DAY, delete_expired_rows
from sightline.service.store.tracks import get_track, list_tracks, upsert_tracks
from sightline.service.store.writer import Writer
from tests.service.store.samples import START, an_event, stored, track

WALK = (("lobby", 1), ("hall", 2), ("yard", 3))


def join(earlier: tuple[str, int], later: tuple[str, int]) -> Join:
    return Join(earlier, later, f"{earlier[0]}-{later[0]}", 12.5, 3.0)


def add_walk(session: Session) -> None:
    upsert_tracks(
        session,
        [
            track(number, stream=stream, started_at=START + 20 * place, seen_at=START + 20 * place)
            for place, (stream, number) in enumerate(WALK)
        ],
    )


def test_all_tracks_of_a_chain_have_one_number(database: Database) -> None:
    with database.session() as session:
        first = join_tracks(session, [join(WALK[0], WALK[1])], START)
        second = join_tracks(session, [join(WALK[1], WALK[2])], START + 20)
        known = identities_of(session, WALK)
    assert set(known) == set(WALK)
    assert {one.identity for one in (*first, *second)} == set(known.values())
    assert len(set(known.values())) == 1


def test_chains_that_meet_late_get_the_smaller_number(database: Database) -> None:
    ends = (("shop", 4), ("exit", 5))
    with database.session() as session:
        join_tracks(session, [join(WALK[0], WALK[1]), join(*ends)], START)
        apart = identities_of(session, [*WALK[:2], *ends])
        join_tracks(session, [join(WALK[1], ends[0])], START)
        met = identities_of(session, [*WALK[:2], *ends])
    assert len(set(apart.values())) == 2
    assert set(met.values()) == {min(apart.values())}


def test_an_end_and_a_beginning_are_joined_once(database: Database) -> None:
    with database.session() as session:
        join_tracks(session, [join(WALK[0], WALK[1])], START)
        again = join_tracks(
            session,
            [join(WALK[0], WALK[1]), join(WALK[0], WALK[2]), join(("x", 9), WALK[1])],
            START,
        )
        assert again == []
        assert joined_since(session, START) == ({WALK[0]}, {WALK[1]})
        assert joined_since(session, START + 1) == (set(), set())


def test_numbers_are_never_given_twice(database: Database) -> None:
    with database.session() as session:
        (first,) = join_tracks(session, [join(WALK[0], WALK[1])], START)
        assert take_out(session, WALK[:2]) == 1  # the other one went with it: one track is none
        (second,) = join_tracks(session, [join(WALK[0], WALK[1])], START)
    assert second.identity > first.identity


def test_what_is_listed_is_what_the_filters_want(database: Database) -> None:
    with database.session() as session:
        add_walk(session)
        upsert_tracks(session, [track(8, stream="shop"), track(9, stream="exit")])
        join_tracks(session, [join(WALK[0], WALK[1]), join(WALK[1], WALK[2])], START)
        join_tracks(session, [join(("shop", 8), ("exit", 9))], START)
    with database.reading() as session:
        newest, oldest = list_identities(session).items
        assert list_identities(session, streams=["yard"]).items == (oldest,)
        assert list_identities(session, streams=["nowhere"]).items == ()
        assert list_identities(session, begin=START + 30).items == (oldest,)
        page = list_identities(session, limit=1)
        assert page.items == (newest,)
        assert list_identities(session, limit=1, cursor=page.next_cursor).items == (oldest,)
        members = members_of(session, [oldest])[oldest]
        assert [(one.track.stream, one.track.number) for one in members] == list(WALK)
        assert [one.previous for one in members] == [None, WALK[0], WALK[1]]
        assert len(members_of(session, [oldest], streams=["hall"])[oldest]) == 1


def test_tracks_and_events_are_found_by_their_number(database: Database) -> None:
    with database.session() as session:
        add_walk(session)
        (joined,) = join_tracks(session, [join(WALK[0], WALK[1])], START)
        insert_events(
            session, [stored(stream=stream, track=number) for stream, number in (*WALK, ("x", 1))]
        )
    with database.reading() as session:
        found = list_tracks(session, identity=joined.identity).items
        assert {(one.stream, one.number) for one in found} == set(WALK[:2])
        assert {one.identity for one in found} == {joined.identity}
        alone = get_track(session, *WALK[2])
        assert alone is not None
        assert alone.identity is None
        events = list_events(session, identity=joined.identity).items
        assert {(one.event.stream, one.event.track) for one in events} == set(WALK[:2])
        assert {one.event.identity for one in list_events(session).items} == {
            joined.identity,
            None,
        }


def test_erasing_a_track_takes_it_out_of_its_identity(database: Database) -> None:
    with database.session() as session:
        add_walk(session)
        join_tracks(session, [join(WALK[0], WALK[1]), join(WALK[1], WALK[2])], START)
    erase_tracks(database, [WALK[1]], START + 60, remove_pictures=lambda _: None)
    with database.reading() as session:
        known = identities_of(session, WALK)
        assert set(known) == {WALK[0], WALK[2]}
        (members,) = members_of(session, set(known.values())).values()
        assert [one.previous for one in members] == [None, None]


def test_identities_go_with_their_tracks(database: Database) -> None:
    with database.session() as session:
        add_walk(session)
        join_tracks(session, [join(WALK[0], WALK[1])], START)
    retention = Retention(tracks_days=1)
    list(delete_expired_rows(database, retention, START + 2 * DAY))
    with database.reading() as session:
        assert identities_of(session, WALK) == {}


def test_a_join_of_tracks_that_are_not_stored_yet_waits_for_them(database: Database) -> None:
    with database.session() as session:
        (joined,) = join_tracks(session, [join(WALK[0], WALK[1])], START)
        assert members_of(session, [joined.identity]) == {}
        add_walk(session)
        assert len(members_of(session, [joined.identity])[joined.identity]) == 2
        assert replace(joined, identity=joined.identity) == joined


def test_what_is_told_of_an_event_has_the_number(database: Database) -> None:
    told: list[StoredEvent] = []
    with database.session() as session:
        add_walk(session)
        (joined,) = join_tracks(session, [join(WALK[0], WALK[1])], START)
    writer = Writer(database, on_events=told.extend)
    writer.start()
    writer.put(an_event(stream="hall", track=2))
    writer.put(an_event(stream="yard", track=3))
    assert writer.flush(30)
    writer.close()
    assert [one.event.identity for one in told] == [joined.identity, None]
