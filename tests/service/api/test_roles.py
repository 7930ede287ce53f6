"""Every route of the application × role × camera; the table is the application itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any, NoReturn, cast, get_args

import pytest
from fastapi.routing import APIRoute, APIWebSocketRoute, iter_route_contexts
from starlette.websockets import WebSocketDisconnect

from sightline.service.access.principals import ROLES, Role
from sightline.service.api.app import create_app
from sightline.service.api.dependencies import probe, public
from sightline.service.api.openapi import role_of
from sightline.service.errors import UnavailableError
from tests.service.api.conftest import MakeService, Service, code_of

SAFE = {"GET", "HEAD"}
PUBLIC = {("POST", "/v1/session"), ("GET", "/"), ("GET", "/assets/{name}")}
PROBES = {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/metrics")}
CONTRACT = {
    "viewer": {
        "GET /v1/streams",
        "GET /v1/streams/{stream_id}",
        "GET /v1/streams/{stream_id}/zones",
        "GET /v1/streams/{stream_id}/lines",
        "GET /v1/streams/{stream_id}/masks",
        "GET /v1/models",
    },
    "operator": {
        "POST /v1/streams",
        "PATCH /v1/streams/{stream_id}",
        "DELETE /v1/streams/{stream_id}",
        "POST /v1/streams/{stream_id}/start",
        "POST /v1/streams/{stream_id}/stop",
        "PUT /v1/streams/{stream_id}/zones",
        "PUT /v1/streams/{stream_id}/lines",
        "PUT /v1/streams/{stream_id}/masks",
    },
    "admin": {
        "GET /v1/keys",
        "POST /v1/keys",
        "PATCH /v1/keys/{key_id}",
        "DELETE /v1/keys/{key_id}",
        "GET /v1/config",
        "GET /v1/audit",
        "GET /v1/storage",
    },
}


@dataclass(frozen=True)
class Route:
    """One method of one address."""

    method: str
    path: str
    role: Role
    everywhere: bool
    changes: bool

    def at(self, stream: str) -> str:
        """Its address for a stream; other parameters get a name that nothing has."""
        parts = self.path.replace("{stream_id}", stream).split("/")
        return "/".join("nothing" if part.startswith("{") else part for part in parts)


class Reached:
    """A part of the service that tells that a handler came to it."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UnavailableError("reached")


def all_routes(service: Service) -> Iterator[Any]:
    for route in iter_route_contexts(service.app.routes):
        assert isinstance(route.original_route, APIRoute | APIWebSocketRoute), route
        yield route


def guarded_routes(service: Service) -> list[Route]:
    found = []
    for route in all_routes(service):
        role = role_of(route)
        if role is not None and isinstance(route.original_route, APIRoute):
            found += [
                Route(method, route.path, role.role, role.everywhere, role.changes)
                for method in route.methods or ()
            ]
    return found


def calls_of(dependant: Any) -> set[object]:
    return {dependant.call}.union(*map(calls_of, dependant.dependencies))


@pytest.fixture
def service(make_service: MakeService) -> Service:
    """Real access; behind it nothing but the notice that a handler was reached."""
    whole = make_service(
        streams=[{"id": name, "url": f"rtsp://camera.test/{name}"} for name in ("mine", "hidden")]
    )
    access = {"config", "clock", "database", "access"}
    parts = {field.name: Reached() for field in fields(whole.context) if field.name not in access}
    context: Any = replace(whole.context, **cast("dict[str, Any]", parts))
    return replace(whole, app=create_app(context))


def test_every_route_says_who_may_use_it(service: Service) -> None:
    silent = []
    for route in all_routes(service):
        calls = calls_of(route.dependant)
        if role_of(route) is None and not calls & {public, probe}:
            silent.append(route.path)
    assert silent == []


def test_only_the_login_the_probes_and_the_page_are_open(service: Service) -> None:
    opened = {
        (method, route.path)
        for route in all_routes(service)
        if role_of(route) is None
        for method in route.methods or ()
    }
    assert opened <= PUBLIC | PROBES


def test_routes_have_the_roles_of_the_contract(service: Service) -> None:
    declared = {f"{route.method} {route.path}": route.role for route in guarded_routes(service)}
    for role, routes in CONTRACT.items():
        assert {name: declared.get(name) for name in routes} == dict.fromkeys(routes, role)


def test_names_of_operations_are_unique(service: Service) -> None:
    names = [route.name for route in all_routes(service)]
    assert sorted(names) == sorted(set(names))


def test_nobody_comes_in_without_a_token(service: Service) -> None:
    client = service.client(None)
    for route in guarded_routes(service):
        answer = client.request(route.method, route.at("mine"))
        assert (answer.status_code, code_of(answer)) == (401, "unauthenticated"), route
        assert answer.headers["www-authenticate"].startswith("Bearer"), route


@pytest.mark.parametrize("role", ROLES)
def test_each_role_may_what_it_includes_and_nothing_else(service: Service, role: Role) -> None:
    client = service.client(service.token(role))
    for route in guarded_routes(service):
        answer = client.request(route.method, route.at("mine"))
        if ROLES.index(role) < ROLES.index(route.role):
            assert (answer.status_code, code_of(answer)) == (403, "forbidden"), route
        else:
            # Reached, or found wanting only once it was clear that the caller may call.
            assert answer.status_code not in (401, 403), (route, answer.text)


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_a_stream_that_is_not_granted_is_as_one_that_is_not_there(
    service: Service, role: Role
) -> None:
    client = service.client(service.token(role, "mine"))
    routes = [route for route in guarded_routes(service) if "{stream_id}" in route.path]
    allowed = [route for route in routes if ROLES.index(role) >= ROLES.index(route.role)]
    assert len(allowed) > 5
    for route in allowed:
        hidden = client.request(route.method, route.at("hidden"))
        nowhere = client.request(route.method, route.at("nowhere"))
        assert (hidden.status_code, code_of(hidden)) == (404, "not_found"), route
        assert hidden.text.replace("hidden", "nowhere") == nowhere.text, route
        assert client.request(route.method, route.at("mine")).status_code != 404, route


def test_what_concerns_all_streams_is_not_for_a_key_that_is_limited(service: Service) -> None:
    client = service.client(service.token("operator", "mine"))
    routes = [route for route in guarded_routes(service) if route.everywhere]
    assert "POST /v1/streams" in {f"{route.method} {route.path}" for route in routes}
    for route in routes:
        answer = client.request(route.method, route.at("mine"))
        assert (answer.status_code, code_of(answer)) == (403, "forbidden"), route


def test_websockets_ask_for_a_token_too(service: Service) -> None:
    routes = [
        route
        for route in all_routes(service)
        if isinstance(route.original_route, APIWebSocketRoute)
    ]
    for route in routes:
        assert role_of(route) is not None
        with (
            pytest.raises(WebSocketDisconnect),
            service.client(None).websocket_connect(route.path),
        ):
            pass


def test_probes_are_open_or_ask_for_a_token_as_configured(make_service: MakeService) -> None:
    for probes, status in (("open", 200), ("token", 401)):
        auth = {"probes": probes, "admin_token": "an administrator's token"}
        service = make_service(auth=auth)
        for _, path in sorted(PROBES - {("GET", "/metrics")}):
            assert service.client(None).get(path).status_code == status
            assert service.client().get(path).status_code == 200


def test_roles_are_ordered_from_the_one_that_may_least() -> None:
    assert get_args(Role) == ("viewer", "operator", "admin")
