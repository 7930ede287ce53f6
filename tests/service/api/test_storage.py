from __future__ import annotations

from typing import Any

import pytest

from sightline.service.disk import write_file
from sightline.service.store.events import insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.store.samples import START, stored, track

RETENTION = {"events_days": 3, "tracks_days": 4, "pictures_days": 5, "pictures_gib": 1}


@pytest.fixture
def service(make_service: MakeService, tmp_path: Any) -> Service:
    storage = {
        "url": f"sqlite:///{tmp_path / 'store.db'}",
        "folder": str(tmp_path / "files"),
        "retention": RETENTION,
    }
    return make_service(storage=storage)


def kinds(service: Service) -> dict[str, dict[str, Any]]:
    answer = service.client().get("/v1/storage")
    assert answer.status_code == 200, answer.text
    return {kind["kind"]: kind for kind in answer.json()["kinds"]}


def test_what_is_kept_is_counted_with_how_long_it_stays(service: Service) -> None:
    empty = kinds(service)
    assert {kind["rows"] for kind in empty.values()} == {0, None}
    assert {kind["oldest"] for kind in empty.values()} == {None}
    with service.context.database.session() as session:
        insert_events(session, [stored(), stored(time=START + 60)])
        upsert_tracks(session, [track()])
    full = kinds(service)
    events = full["events"]
    assert (events["rows"], events["days"], events["bytes"]) == (2, 3, None)
    assert events["oldest"] == "2023-11-14T22:13:20.000Z"
    assert (full["tracks"]["rows"], full["tracks"]["days"]) == (1, 4)
    assert full["recordings"]["days"] == 4


def test_files_of_jobs_and_pictures_are_added_up(service: Service) -> None:
    folder = service.context.jobs.folder
    (folder / "one" / "parts").mkdir(parents=True)
    write_file(folder / "one" / "input", [b"12345"])
    write_file(folder / "one" / "parts" / "000001.jsonl", [b"678"])
    service.context.event_pictures.files.write("door", START, new_id(), "jpg", b"jpeg")
    found = kinds(service)
    assert found["jobs"]["bytes"] == 8
    pictures = found["pictures"]
    assert (pictures["bytes"], pictures["days"], pictures["most_bytes"]) == (4, 5, 2**30)
    assert pictures["oldest"] == "2023-11-14T22:00:00.000Z"


def test_database_and_disk_have_a_size(service: Service) -> None:
    answer = service.client().get("/v1/storage").json()
    assert answer["database"]["kind"] == "sqlite"
    assert answer["database"]["bytes"] > 50_000
    disk = answer["disk"]
    assert 0 <= disk["free"] < disk["bytes"]
    assert disk["reserve"] == 256 * 2**20


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_what_is_kept_is_for_administrators(service: Service, role: Any) -> None:
    assert code_of(service.client(service.token(role)).get("/v1/storage")) == "forbidden"
