from __future__ import annotations

import pytest
from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.service.api.conftest import ADMIN_TOKEN, MakeService, Service, code_of

CAMERA = {"id": "door", "url": "rtsp://camera.test/door"}


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(streams=[CAMERA], security={"allowed_origins": ["https://wall.test"]})


def test_a_token_becomes_a_cookie_that_scripts_cannot_read(service: Service) -> None:
    client = service.client(None)
    answer = client.post("/v1/session", json={"token": service.token("viewer")})
    assert answer.status_code == 201
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie
    assert client.get("/v1/streams").status_code == 200
    who = client.get("/v1/session").json()
    assert (who["role"], who["csrf"]) == ("viewer", answer.json()["csrf"])


def test_behind_tls_the_cookie_is_of_this_host_alone(service: Service) -> None:
    client = service.client(None, url="https://sightline.test")
    answer = client.post("/v1/session", json={"token": ADMIN_TOKEN})
    assert answer.headers["set-cookie"].startswith("__Host-")
    assert "Secure" in answer.headers["set-cookie"]
    assert "max-age" in answer.headers["strict-transport-security"]
    assert client.get("/v1/streams").status_code == 200


def test_a_change_by_cookie_needs_the_csrf_header(service: Service) -> None:
    client = service.client(None)
    csrf = client.post("/v1/session", json={"token": ADMIN_TOKEN}).json()["csrf"]
    for header in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": csrf[:-1]}):
        answer = client.post("/v1/streams/door/stop", headers=header)
        assert (answer.status_code, code_of(answer)) == (403, "csrf_failed")
    assert service.readers.running == {"door"}
    assert client.post("/v1/streams/door/stop", headers={"X-CSRF-Token": csrf}).status_code == 200


def test_a_change_by_token_needs_no_csrf_header(service: Service) -> None:
    assert service.client().post("/v1/streams/door/stop").status_code == 200


def test_a_log_out_ends_the_login_in_every_window(service: Service) -> None:
    first, second = service.client(None), service.client(None)
    csrf = first.post("/v1/session", json={"token": ADMIN_TOKEN}).json()["csrf"]
    second.cookies.update(first.cookies)
    assert second.get("/v1/streams").status_code == 200
    assert first.delete("/v1/session", headers={"X-CSRF-Token": csrf}).status_code == 204
    assert code_of(second.get("/v1/streams")) == "unauthenticated"


def test_a_login_ends_with_its_key(service: Service) -> None:
    key, token = service.context.access.keys.add("guard", "viewer")
    client = service.client(None)
    client.post("/v1/session", json={"token": token})
    assert client.get("/v1/streams").status_code == 200
    assert service.client().delete(f"/v1/keys/{key.id}").status_code == 204
    assert code_of(client.get("/v1/streams")) == "unauthenticated"


def test_a_login_ends_by_itself(service: Service) -> None:
    client = service.client(None)
    client.post("/v1/session", json={"token": ADMIN_TOKEN})
    service.clock.time += 12 * 3600 + 1
    assert code_of(client.get("/v1/streams")) == "unauthenticated"


def test_logins_of_the_configured_token_end_with_a_restart(service: Service) -> None:
    client = service.client(None)
    client.post("/v1/session", json={"token": ADMIN_TOKEN})
    service.context.access.prepare()
    service.clock.time += 6
    assert code_of(client.get("/v1/streams")) == "unauthenticated"


def test_wrong_tokens_are_slowed_down_by_address(service: Service) -> None:
    guesser, other = service.client(None, address="10.1.1.1"), service.client(None)
    known = service.token("viewer")
    trusted = service.client(known, address="10.1.1.1")
    assert trusted.get("/v1/streams").status_code == 200
    answers = [guesser.post("/v1/session", json={"token": f"guess {n}"}) for n in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    # Also the right token of the configuration, or guesses could go on.
    assert code_of(guesser.post("/v1/session", json={"token": ADMIN_TOKEN})) == "rate_limited"
    # Who was known before is not locked out by a neighbour.
    assert trusted.get("/v1/streams").status_code == 200
    assert other.post("/v1/session", json={"token": ADMIN_TOKEN}).status_code == 201
    service.clock.time += 60.1
    assert guesser.post("/v1/session", json={"token": ADMIN_TOKEN}).status_code == 201


def test_right_tokens_are_not_counted(service: Service) -> None:
    client = service.client()
    assert {client.get("/v1/streams").status_code for _ in range(30)} == {200}


def test_an_attacker_of_ipv6_cannot_change_the_address_within_its_network(
    service: Service,
) -> None:
    for number in range(10):
        client = service.client("guess", address=f"2001:db8::{number + 1:x}")
        assert client.get("/v1/streams").status_code == 401
    assert service.client("guess", address="2001:db8::ffff").get("/v1/streams").status_code == 429
    assert service.client("guess", address="2001:db9::1").get("/v1/streams").status_code == 401


@pytest.mark.parametrize("origin", ["https://evil.test", "null", "http://sightline.test.evil.test"])
def test_changes_of_another_site_are_refused(service: Service, origin: str) -> None:
    answer = service.client().post("/v1/streams/door/stop", headers={"Origin": origin})
    assert (answer.status_code, code_of(answer)) == (403, "origin_refused")
    assert service.readers.running == {"door"}
    read = service.client().get("/v1/streams", headers={"Origin": origin})
    assert "access-control-allow-origin" not in read.headers


@pytest.mark.parametrize("origin", ["http://sightline.test", "https://wall.test"])
def test_changes_of_this_and_of_named_sites_are_taken(service: Service, origin: str) -> None:
    answer = service.client().post("/v1/streams/door/stop", headers={"Origin": origin})
    assert answer.status_code == 200


def test_named_sites_may_read_with_a_token_and_never_with_a_cookie(service: Service) -> None:
    preflight = service.client(None).options(
        "/v1/streams",
        headers={
            "Origin": "https://wall.test",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type",
        },
    )
    assert preflight.headers["access-control-allow-origin"] == "https://wall.test"
    assert "access-control-allow-credentials" not in preflight.headers
    answer = service.client().get("/v1/streams", headers={"Origin": "https://wall.test"})
    assert answer.headers["access-control-allow-origin"] == "https://wall.test"


def test_a_websocket_of_another_site_is_refused(service: Service) -> None:
    async def greet(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text("welcome")

    service.app.add_api_websocket_route("/v1/greeting", greet)
    client, url = service.client(), "ws://sightline.test/v1/greeting"
    with (
        pytest.raises(WebSocketDisconnect),
        client.websocket_connect(url, headers={"Origin": "https://evil.test"}),
    ):
        pass
    for origin in ("http://sightline.test", "https://wall.test"):
        with client.websocket_connect(url, headers={"Origin": origin}) as websocket:
            assert websocket.receive_text() == "welcome"


@pytest.mark.parametrize("path", ["/healthz", "/v1/streams", "/v1/nothing"])
def test_every_answer_carries_the_security_headers(service: Service, path: str) -> None:
    headers = service.client().get(path).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"
