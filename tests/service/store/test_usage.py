from __future__ import annotations

from sightline.service.store.database import Database
from sightline.service.store.events import insert_events
from sightline.service.store.recordings import insert_recordings
from sightline.service.store.usage import read_usage
from tests.service.store.samples import START, recording, stored


def test_rows_and_the_oldest_of_every_kind_are_told(database: Database) -> None:
    with database.session() as session:
        insert_events(session, [stored(time=START + 9), stored(time=START)])
        insert_recordings(session, [recording(START + 20)])
    with database.reading() as session:
        found = {usage.kind: (usage.rows, usage.oldest) for usage in read_usage(session)}
    assert found["events"] == (2, START)
    assert found["recordings"] == (1, START + 20)
    assert found["tracks"] == (0, None)


def test_a_database_has_a_size_that_grows(database: Database) -> None:
    before = database.size()
    assert before > 0
    with database.session() as session:
        insert_events(session, [stored(time=START + number) for number in range(2000)])
    assert database.size() > before
