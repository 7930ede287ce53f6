"""Alerts by the interface: made, changed, tested, kept within grants, silent about secrets."""

from __future__ import annotations

from typing import Any

import pytest

from sightline.service.store.deliveries import Delivery, add_deliveries
from sightline.service.store.identifiers import new_id
from tests.service.api.conftest import MakeService, Service, code_of
from tests.service.receivers import Receiver

SECRETS = ("t0ken-of-the-path", "correct horse battery", "pa55 of the broker")
HOOK = {"url": f"https://hooks.example.org:8443/{SECRETS[0]}", "secret": SECRETS[1]}
BROKER = {"host": "10.0.0.2", "username": "ann", "password": SECRETS[2]}
FILE = {"id": "by-file", "webhook": HOOK, "streams": ["door"]}


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(alerts=[FILE])


def night(**fields: Any) -> dict[str, Any]:
    return {"id": "night", "webhook": HOOK, **fields}


def test_alert_is_made_shown_changed_and_deleted_without_a_secret(service: Service) -> None:
    client = service.client(service.token("operator"))
    made = client.post("/v1/alerts", json=night(kinds=["loitering"], cooldown=60))
    assert made.status_code == 201
    assert made.headers["location"] == "/v1/alerts/night"
    assert made.json() == {
        "id": "night",
        "origin": "api",
        "webhook": {"url": "https://hooks.example.org:8443/…"},
        "mqtt": None,
        "kinds": ["loitering"],
        "streams": [],
        "rules": [],
        "classes": [],
        "cooldown": 60.0,
        "waiting": 0,
    }
    moved = client.patch("/v1/alerts/night", json={"webhook": None, "mqtt": BROKER, "kinds": None})
    assert moved.json()["mqtt"] == {
        "host": "10.0.0.2",
        "port": 1883,
        "topic": "sightline/events",
        "username": "ann",
        "has_password": True,
        "tls": False,
    }
    assert moved.json()["kinds"] == []
    listed = client.get("/v1/alerts")
    assert [one["id"] for one in listed.json()["items"]] == ["by-file", "night"]
    assert client.delete("/v1/alerts/night").status_code == 204
    assert code_of(client.delete("/v1/alerts/night")) == "not_found"
    audit = service.client().get("/v1/audit")
    assert [one["action"] for one in audit.json()["items"]] == [
        "delete_alert",
        "change_alert",
        "create_alert",
    ]
    for answer in (made, moved, listed, audit):
        assert not any(secret in answer.text for secret in SECRETS)


def test_bad_alerts_are_problems_that_repeat_no_secret(service: Service) -> None:
    client = service.client(service.token("operator"))
    client.post("/v1/alerts", json=night())
    wrong: list[tuple[str, str, dict[str, Any], str]] = [
        ("POST", "", night(), "conflict"),
        ("POST", "", {**night(), "id": "by-file"}, "conflict"),
        ("POST", "", {"id": "x"}, "invalid_request"),
        ("POST", "", {"id": "x", "webhook": HOOK, "mqtt": BROKER}, "invalid_request"),
        ("POST", "", {"id": "x", "webhook": {**HOOK, "url": "ftp://x"}}, "invalid_request"),
        ("POST", "", {"id": "x", "webhook": {**HOOK, "secret": "short"}}, "invalid_request"),
        ("POST", "", {"id": "x", "mqtt": {**BROKER, "topic": "a/#"}}, "invalid_request"),
        ("PATCH", "/night", {"cooldown": -1}, "invalid_request"),
        ("PATCH", "/night", {"mqtt": BROKER}, "invalid_request"),
        ("PATCH", "/night", {"webhook": {"secret": None}}, "invalid_request"),
        ("PATCH", "/night", {"id": "other"}, "invalid_request"),
        ("PATCH", "/by-file", {"cooldown": 1}, "conflict"),
        ("DELETE", "/by-file", {}, "conflict"),
        ("PATCH", "/nobody", {"cooldown": 1}, "not_found"),
    ]
    for method, path, body, code in wrong:
        answer = client.request(method, f"/v1/alerts{path}", json=body)
        assert code_of(answer) == code, (method, path, body, answer.text)
        assert not any(secret in answer.text for secret in (*SECRETS, 'short"'))


def test_no_file_of_the_machine_is_read_for_the_interface(service: Service, tmp_path: Any) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a secret of the machine")
    client = service.client()
    for body in (
        night(webhook={"url": "https://example.org", "secret_file": str(secret)}),
        {"id": "night", "mqtt": {"host": "10.0.0.2", "password_file": str(secret)}},
    ):
        answer = client.post("/v1/alerts", json=body)
        assert code_of(answer) == "invalid_request"
        assert "a secret" not in answer.text
    client.post("/v1/alerts", json={"id": "night", "mqtt": {"host": "10.0.0.2"}})
    answer = client.patch("/v1/alerts/night", json={"mqtt": {"password_file": str(secret)}})
    assert code_of(answer) == "invalid_request"


def test_limited_key_has_the_alerts_of_its_streams_alone(service: Service) -> None:
    admin, yard = service.client(), service.client(service.token("operator", "yard", "gate"))
    admin.post("/v1/alerts", json=night())
    admin.post("/v1/alerts", json={**night(streams=["yard", "door"]), "id": "mixed"})
    made = yard.post("/v1/alerts", json={**night(streams=["yard"]), "id": "own"})
    assert made.status_code == 201
    assert [one["id"] for one in yard.get("/v1/alerts").json()["items"]] == ["own"]
    for name in ("night", "mixed", "by-file", "nobody"):
        for method, path in (
            ("PATCH", ""),
            ("DELETE", ""),
            ("POST", "/test"),
            ("GET", "/deliveries"),
        ):
            answer = yard.request(method, f"/v1/alerts/{name}{path}", json={})
            assert code_of(answer) == "not_found", (name, method)
    for streams in ([], ["door"], ["yard", "door"]):
        refused = yard.post("/v1/alerts", json={**night(streams=streams), "id": "more"})
        assert code_of(refused) == "forbidden"
        refused = yard.patch("/v1/alerts/own", json={"streams": streams})
        assert code_of(refused) == "forbidden"
    assert code_of(yard.patch("/v1/alerts/own", json={"streams": None})) == "forbidden"
    assert yard.patch("/v1/alerts/own", json={"streams": ["gate"]}).status_code == 200


def test_viewers_have_no_alerts(service: Service) -> None:
    client = service.client(service.token("viewer"))
    assert code_of(client.get("/v1/alerts")) == "forbidden"


def test_test_message_and_deliveries_are_told(make_service: MakeService) -> None:
    service = make_service(security={"allowed_networks": ["127.0.0.0/8"]})
    alerts, client = service.context.alerts, service.client(service.token("operator"))
    client.post("/v1/alerts", json=night(webhook={"url": "http://127.0.0.1:9/", "secret": "x" * 8}))
    assert code_of(client.post("/v1/alerts/night/test")) == "unavailable"  # nothing runs yet
    alerts.start()
    try:
        failed = client.post("/v1/alerts/night/test").json()
        with Receiver().running() as receiver:
            client.patch("/v1/alerts/night", json={"webhook": {"url": receiver.url}})
            arrived = client.post("/v1/alerts/night/test").json()
    finally:
        alerts.close()
    assert (failed["state"], arrived["state"]) == ("dead", "delivered")
    assert "ConnectError" in failed["error"]
    assert arrived["event"] is None
    page = client.get("/v1/alerts/night/deliveries").json()["items"]
    assert {one["id"] for one in page} == {failed["id"], arrived["id"]}
    dead = client.get("/v1/alerts/night/deliveries", params={"state": "dead"}).json()["items"]
    assert dead == [failed]


def test_what_waits_is_counted(service: Service) -> None:
    client = service.client()
    client.post("/v1/alerts", json=night())
    delivery = Delivery(
        new_id(), "night", "e", "loitering", "yard", "", "pending", 1, 1.8e9, 1.8e9 + 1
    )
    with service.context.database.session() as session:
        add_deliveries(session, [delivery])
    waiting = {one["id"]: one["waiting"] for one in client.get("/v1/alerts").json()["items"]}
    assert waiting == {"by-file": 0, "night": 1}
    (told,) = client.get("/v1/alerts/night/deliveries").json()["items"]
    assert (told["state"], told["next_at"]) == ("pending", "2027-01-15T08:00:01.000Z")
