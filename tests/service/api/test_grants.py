"""No answer to a key that is limited to streams tells of another one."""

from __future__ import annotations

import numpy as np
import pytest

from sightline.service.access.principals import ROLES, Role
from sightline.service.engine.messages import TrackRecord
from sightline.service.rules import Event
from sightline.service.store.counts import add_counts
from sightline.service.store.events import StoredEvent, insert_events
from sightline.service.store.identifiers import new_id
from sightline.service.store.tracks import upsert_tracks
from tests.service.api.conftest import MakeService, Service
from tests.service.api.test_openapi import ENDLESS
from tests.service.api.test_roles import guarded_routes

SEEN = {"/v1/streams", "/v1/events", "/v1/tracks", "/v1/counts"}
"""Lists that do tell of the stream that is granted, or the test would prove nothing."""


@pytest.fixture
def service(make_service: MakeService) -> Service:
    hook = {"url": "https://hooks.test/", "secret": "hook-secret"}
    service = make_service(
        streams=[{"id": name, "url": f"rtsp://camera.test/{name}"} for name in ("mine", "hidden")],
        alerts=[{"id": "bell", "webhook": hook, "streams": ["hidden"]}],
    )
    now = service.clock.time - 3600
    events = [
        Event(name, "line_cross", "gate", now, now, track=1, class_name="person", direction="in")
        for name in ("mine", "hidden")
    ]
    path = np.array([[0, 0.1, 0.1, 0.2, 0.2]], np.float32)
    with service.context.database.session() as session:
        insert_events(session, [StoredEvent(new_id(), event) for event in events])
        add_counts(session, events)
        upsert_tracks(
            session,
            [TrackRecord(event.stream, 1, "person", now, now + 9, True, path) for event in events],
        )
    return service


@pytest.mark.parametrize("role", ROLES[:2])
def test_no_list_tells_of_a_stream_that_is_not_granted(service: Service, role: Role) -> None:
    client = service.client(service.token(role, "mine"))
    asked = set()
    for route in guarded_routes(service):
        if route.method != "GET" or "{" in route.path or route.path in ENDLESS:
            continue
        answer = client.get(route.path)
        if route.path != "/v1/openapi.json":
            assert "hidden" not in answer.text, route
        if "mine" in answer.text:
            asked.add(route.path)
    assert asked >= SEEN


def test_asking_for_a_stream_that_is_not_granted_is_asking_for_one_that_is_not_there(
    service: Service,
) -> None:
    client = service.client(service.token("viewer", "mine"))
    for path in SEEN - {"/v1/streams"}:
        hidden = client.get(path, params={"stream": "hidden"})
        nowhere = client.get(path, params={"stream": "nowhere"})
        assert hidden.status_code == 404
        assert hidden.text.replace("hidden", "nowhere") == nowhere.text
