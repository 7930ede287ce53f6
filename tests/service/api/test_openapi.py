"""The OpenAPI document: complete, and true of whatever is sent."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.specs.openapi import checks

from sightline.service.api.problems import MEDIA_TYPE
from tests.service.api.conftest import MakeService, Service

METHODS = {"get", "post", "put", "patch", "delete"}
ENDLESS = {
    "/v1/live/sse",
    "/v1/streams/{stream_id}/live.mjpeg",
    "/v1/streams/{stream_id}/snapshot.jpg",
    "/v1/streams/probe",
    "/v1/streams/{stream_id}/probe",
}
"""Answers that have no end, or wait for a picture that nobody sends."""

EXAMPLES = 4


@pytest.fixture
def service(make_service: MakeService) -> Service:
    return make_service(
        streams=[{"id": "door", "url": "rtsp://camera.test/door"}],
        security={"allowed_networks": ["10.0.0.0/8"]},
        auth={"admin_token": "an administrator's token", "attempts_per_minute": 10_000},
    )


def operations(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]


def test_every_operation_says_who_may_use_it_and_what_can_go_wrong(service: Service) -> None:
    document = service.client().get("/v1/openapi.json").json()
    for path, method, operation in operations(document):
        place = f"{method} {path}"
        assert operation["summary"], place
        assert operation["description"], place
        answers = operation["responses"]
        assert MEDIA_TYPE in answers["default"]["content"], place
        assert all(
            MEDIA_TYPE in answer["content"]
            for status, answer in answers.items()
            if status.startswith(("4", "5"))
        ), place
        if operation.get("security"):
            assert operation["x-role"] in ("viewer", "operator", "admin"), place
            assert {"401", "403", "429"} <= set(answers), place
        if "{" in path:
            assert "404" in answers, place


def test_every_json_body_has_an_example(service: Service) -> None:
    document = service.client().get("/v1/openapi.json").json()
    for path, method, operation in operations(document):
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            if kind != "application/json":
                continue
            text = json.dumps(resolved(document, content))
            assert '"example' in text, f"{method} {path}"


def resolved(document: dict[str, Any], content: dict[str, Any]) -> Any:
    """The content with the first level of references replaced."""
    schema = content.get("schema", {})
    name = schema.get("$ref", "").rpartition("/")[2]
    return [content, document["components"]["schemas"].get(name)]


def test_whatever_is_sent_is_answered_as_documented_and_never_by_a_5xx(service: Service) -> None:
    schema = schemathesis.openapi.from_dict(service.app.openapi())
    client = service.client()
    tried = 0
    results: Iterable[Any] = schema.get_all_operations()
    for result in results:
        operation = result.ok()
        if operation.path in ENDLESS:
            continue
        try_out(operation, GenerationMode.POSITIVE, client)
        # Where everything that can be sent is right, there is nothing wrong to make up.
        with contextlib.suppress(Unsatisfiable):
            try_out(operation, GenerationMode.NEGATIVE, client)
        tried += 1
    assert tried > 20


def try_out(operation: Any, mode: GenerationMode, client: Any) -> None:
    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        try:
            answer = client.request(case.method, case.formatted_path, **sendable(case))
        except httpx.InvalidURL:
            return  # longer than httpx sends
        case.validate_response(
            answer,
            checks=[
                schemathesis.checks.not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_schema_conformance,
            ],
        )

    send()


def sendable(case: Any) -> dict[str, Any]:
    """A case as httpx takes it."""
    values: dict[str, Any] = {"params": dict(case.query or {})}
    headers = {
        str(name): str(value).encode("latin-1", "replace")
        for name, value in dict(case.headers or {}).items()
        if str(name).lower() not in ("authorization", "content-length")
    }
    body = case.body
    if isinstance(body, bytes):
        values["content"] = body
    elif not type(body).__name__.startswith("NotSet"):
        values["content"] = json.dumps(body).encode()
    if "content" in values:
        headers["Content-Type"] = (case.media_type or "application/json").encode()
    return {**values, "headers": headers}
