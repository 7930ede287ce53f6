from __future__ import annotations

import asyncio
import json
import logging

import pytest

from sightline.service.access.access import Access
from sightline.service.access.keys import principal_of
from tests.service.api.conftest import ADMIN_TOKEN, MakeService, Service, code_of
from tests.service.api.test_roles import guarded_routes

NEW = {"id": "yard", "url": "rtsp://10.0.0.5/yard", "password": "n3w-secret"}


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(
        streams=[{"id": "door", "url": "rtsp://camera.test/door"}],
        security={"allowed_networks": ["10.0.0.0/8"]},
    )


def audit(service: Service, **query: str) -> list[dict[str, object]]:
    items: list[dict[str, object]] = service.client().get("/v1/audit", params=query).json()["items"]
    return items


def test_a_key_is_shown_once_and_stored_as_a_hash(service: Service) -> None:
    client = service.client()
    made = client.post("/v1/keys", json={"name": "front desk", "role": "viewer"})
    token = made.json()["token"]
    assert made.status_code == 201
    assert service.client(token).get("/v1/streams").status_code == 200
    secret = token.split("_", 2)[2]
    assert secret not in client.get("/v1/keys").text
    key = service.context.access.keys.all()[0]
    assert key.hash.startswith("$argon2id$")
    assert secret not in repr(key)


def test_a_key_ends_at_once_when_it_is_revoked(service: Service) -> None:
    client = service.client()
    made = client.post("/v1/keys", json={"name": "guard", "role": "viewer"}).json()
    guard = service.client(made["token"])
    assert guard.get("/v1/streams").status_code == 200
    assert client.delete(f"/v1/keys/{made['id']}").status_code == 204
    assert code_of(guard.get("/v1/streams")) == "unauthenticated"
    assert code_of(client.delete(f"/v1/keys/{made['id']}")) == "not_found"


def test_a_key_that_another_process_revoked_ends_within_five_seconds(service: Service) -> None:
    key, token = service.context.access.keys.add("guard", "viewer")
    guard = service.client(token)
    assert guard.get("/v1/streams").status_code == 200
    other = Access(service.context.config, service.context.database, service.context.clock)
    other.keys.revoke(key.id, keep_an_admin=False)
    service.clock.time += 5.1
    assert code_of(guard.get("/v1/streams")) == "unauthenticated"


def test_a_key_ends_by_itself(service: Service) -> None:
    now = service.clock.time
    _, token = service.context.access.keys.add("guest", "viewer", expires_at=now + 60)
    guest = service.client(token)
    assert guard_status(guest) == 200
    service.clock.time += 61
    assert guard_status(guest) == 401


def guard_status(client: object) -> int:
    status: int = client.get("/v1/streams").status_code  # type: ignore[attr-defined]
    return status


@pytest.mark.parametrize(
    "body",
    [
        {"name": "", "role": "viewer"},
        {"name": "   ", "role": "viewer"},
        {"name": "a\u0000b", "role": "viewer"},
        {"name": "x", "role": "root"},
        {"name": "x", "role": "admin", "streams": ["door"]},
        {"name": "x", "role": "viewer", "streams": ["no such id"]},
        {"name": "x", "role": "viewer", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "role": "viewer", "expires_at": "9999-12-31T23:59:59-14:00"},
        {"name": "x", "role": "viewer", "expires_at": "2030-01-01T00:00:00"},
        {"name": "x", "role": "viewer", "id": "chosen"},
    ],
)
def test_a_key_that_makes_no_sense_is_refused(service: Service, body: dict[str, object]) -> None:
    answer = service.client().post("/v1/keys", json=body)
    assert (answer.status_code, code_of(answer)) == (422, "invalid_request")
    assert service.context.access.keys.all() == []


def test_what_a_key_allows_changes_at_once_and_its_token_stays(service: Service) -> None:
    client = service.client()
    body = {"name": "guard", "role": "viewer", "streams": ["yard"]}
    made = client.post("/v1/keys", json=body).json()
    guard = service.client(made["token"])
    assert guard.get("/v1/streams/door").status_code == 404
    address = f"/v1/keys/{made['id']}"
    changed = client.patch(address, json={"streams": ["door", "yard", "door"], "name": " Guard "})
    assert changed.status_code == 200, changed.text
    assert (changed.json()["name"], changed.json()["streams"]) == ("Guard", ["door", "yard"])
    assert guard.get("/v1/streams/door").status_code == 200
    assert guard.post("/v1/streams/door/stop").status_code == 403
    client.patch(address, json={"role": "operator", "streams": None}).raise_for_status()
    assert guard.post("/v1/streams/door/stop").status_code == 200
    end = {"expires_at": "2027-01-15T08:01:00Z"}
    client.patch(address, json=end).raise_for_status()
    service.clock.time += 61
    assert guard_status(guard) == 401
    entry = audit(service, action="change_key")[0]
    assert entry["detail"] == {"name": "Guard", "role": "operator", "streams": None}


def test_a_live_connection_ends_when_its_key_allows_something_else(service: Service) -> None:
    access = service.context.access
    key, _ = access.keys.add("guard", "viewer", ["door", "yard"])
    principal = principal_of(key, None)
    assert access.keys.current(key.id) is not None
    assert asyncio.run(access.holds(principal))
    service.client().patch(f"/v1/keys/{key.id}", json={"streams": ["yard"]}).raise_for_status()
    assert not asyncio.run(access.holds(principal))


def test_a_key_is_not_changed_into_one_that_makes_no_sense(make_service: MakeService) -> None:
    service = make_service(auth={})
    keys = service.context.access.keys
    [first] = keys.all()
    _, token = keys.add("second", "admin", expires_at=service.clock.time + 60)
    client = service.client(token)
    refused = {
        "conflict": {"role": "viewer"},
        "invalid_request": {"streams": ["door"]},
    }
    for code, changes in refused.items():
        assert code_of(client.patch(f"/v1/keys/{first.id}", json=changes)) == code
    assert code_of(client.patch("/v1/keys/none", json={"name": "x"})) == "not_found"
    assert client.patch(f"/v1/keys/{first.id}", json={"name": None}).json()["role"] == "admin"
    assert keys.all()[0] == first


def test_the_first_start_makes_one_token_and_later_ones_none(make_service: MakeService) -> None:
    service = make_service(auth={})
    [key] = service.context.access.keys.all()
    assert key.role == "admin"
    assert service.context.access.prepare() is None
    service.context.access.keys.revoke(key.id, keep_an_admin=False)
    token = service.context.access.prepare()
    assert service.client(token).get("/v1/keys").status_code == 200


def test_the_last_administrator_is_not_revoked_by_the_interface(make_service: MakeService) -> None:
    service = make_service(auth={})
    keys = service.context.access.keys
    [first] = keys.all()
    second, token = keys.add("second", "admin")
    client = service.client(token)
    assert client.delete(f"/v1/keys/{first.id}").status_code == 204
    assert code_of(client.delete(f"/v1/keys/{second.id}")) == "conflict"
    assert client.get("/v1/keys").status_code == 200


def test_changes_are_audited_with_who_from_where_and_what(service: Service) -> None:
    key, token = service.context.access.keys.add("night shift", "operator")
    client = service.client(token, address="10.1.2.3")
    client.post("/v1/streams", json=NEW)
    client.patch("/v1/streams/yard", json={"password": "an0ther", "name": "Yard"})
    client.put("/v1/streams/yard/zones", json={"zones": []})
    client.post("/v1/streams/yard/stop")
    client.delete("/v1/streams/yard")
    entries = audit(service, key=key.id)
    assert [entry["action"] for entry in reversed(entries)] == [
        *("create_stream", "change_stream", "replace_zones", "stop_stream", "delete_stream")
    ]
    assert {(entry["target"], entry["key_name"], entry["address"]) for entry in entries} == {
        ("yard", "night shift", "10.1.2.3")
    }
    assert {"fields": ["name", "password"]} in [entry["detail"] for entry in entries]
    assert "an0ther" not in json.dumps(entries)
    assert len(audit(service, key=key.id, action="stop_stream")) == 1


def test_what_was_refused_or_only_read_is_not_audited(service: Service) -> None:
    client = service.client()
    client.get("/v1/streams")
    client.post("/v1/streams", json={"id": "yard", "url": "rtsp://192.168.0.1/a"})
    client.delete("/v1/streams/door")
    service.client(service.token("viewer")).post("/v1/streams/door/stop")
    assert audit(service) == []


def test_log_in_and_log_out_are_audited(service: Service) -> None:
    client = service.client(None)
    csrf = client.post("/v1/session", json={"token": ADMIN_TOKEN}).json()["csrf"]
    client.delete("/v1/session", headers={"X-CSRF-Token": csrf})
    assert [entry["action"] for entry in audit(service)] == ["log_out", "log_in"]


def test_every_operation_that_may_change_something_begins_an_entry(service: Service) -> None:
    """Those that do not are named here, each on purpose."""
    silent = {
        route.path
        for route in guarded_routes(service)
        if route.method not in ("GET", "HEAD") and not route.changes
    }
    assert silent <= {
        *("/v1/rules/replay", "/v1/rules/check", "/v1/search"),
        *("/v1/streams/probe", "/v1/streams/{stream_id}/probe"),
    }


def test_an_audit_log_that_cannot_be_written_is_logged_and_denies_nothing(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*values: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(service.context.access, "record", fail)
    with caplog.at_level(logging.ERROR):
        assert service.client().post("/v1/streams/door/stop").status_code == 200
    assert "audit entry not stored: stop_stream door" in caplog.text


def test_tokens_are_in_no_log(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    token = service.token("viewer")
    with caplog.at_level(logging.DEBUG):
        service.client(token).get("/v1/streams")
        service.client("sl_wrong-token").get("/v1/streams")
        service.client(None).post("/v1/session", json={"token": token, "more": "s3cret"})
    for secret in (token.split("_", 2)[2], "sl_wrong-token", "s3cret"):
        assert secret not in caplog.text


def test_the_configuration_is_shown_without_secrets(make_service: MakeService) -> None:
    hook = {"url": "https://hooks.test/t0ken", "secret": "hook-secret"}
    service = make_service(
        streams=[{"id": "door", "url": "rtsp://u:p4ss@camera.test/a"}],
        alerts=[{"id": "hook", "webhook": hook}],
        telemetry={"opentelemetry_endpoint": "https://u:t3l@collector.test"},
    )
    answer = service.client().get("/v1/config")
    for secret in ("p4ss", "t0ken", "hook-secret", "t3l", ADMIN_TOKEN):
        assert secret not in answer.text
    assert answer.json()["streams"][0]["id"] == "door"


def test_ready_tells_what_is_missing(service: Service) -> None:
    client = service.client(None)
    assert client.get("/readyz").status_code == 200
    service.readers.running.clear()
    service.engine.state = "BACKOFF"
    answer = client.get("/readyz")
    assert (answer.status_code, code_of(answer)) == (503, "unavailable")
    assert "detector: BACKOFF" in answer.text
    assert "streams: none of 1 runs" in answer.text
    assert client.get("/healthz").status_code == 200
