"""The OpenAPI document: what FastAPI derives, with every problem that an operation may answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from sightline.service.access.credentials import SAFE_METHODS
from sightline.service.api.dependencies import requires
from sightline.service.api.problems import MEDIA_TYPE, PROBLEMS, Problem

__all__ = ["describe", "role_of"]

_BODY = ("POST", "PUT", "PATCH")


def describe(app: FastAPI) -> dict[str, Any]:
    """The document of an application; made once, then kept by it."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description="Times are RFC 3339 in UTC; lists come in pages (`cursor`); errors are "
            "problem documents (RFC 9457) whose `code` is stable.",
            routes=app.routes,
        )
        components = document.setdefault("components", {})
        schemas = components.setdefault("schemas", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        schemas.update(_problem_schemas())
        components["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer", "description": "An API key."},
        }
        for method, operation, route in _operations(app, document):
            _complete(method, operation, route)
        app.openapi_schema = document
    return app.openapi_schema


def role_of(route: Any) -> requires | None:
    """What a route says of who may use it; None where it says nothing of that kind."""
    pending = [route.dependant]
    while pending:
        dependant = pending.pop()
        if isinstance(dependant.call, requires):
            return dependant.call
        pending.extend(dependant.dependencies)
    return None


def _operations(
    app: FastAPI, document: dict[str, Any]
) -> Iterator[tuple[str, dict[str, Any], Any]]:
    for route in iter_route_contexts(app.routes):
        if not isinstance(route.original_route, APIRoute):
            continue
        for method in route.methods or ():
            operation = document["paths"].get(route.path_format, {}).get(method.lower())
            if operation is not None:
                yield method, operation, route


def _complete(method: str, operation: dict[str, Any], route: Any) -> None:
    role = role_of(route)
    codes = {"invalid_request", "unavailable"}
    if role is not None:
        operation["security"] = [{"token": []}]
        operation["x-role"] = role.role
        codes |= {"unauthenticated", "forbidden", "rate_limited"}
    elif method not in SAFE_METHODS:
        codes |= {"unauthenticated", "rate_limited"}
    if "{" in route.path_format:
        codes |= {"not_found"}
    if method not in SAFE_METHODS:
        codes |= {"conflict", "origin_refused"}
    if method in _BODY and "requestBody" in operation:
        codes |= {"too_large", "unsupported_media_type"}
    responses = operation["responses"]
    for status in sorted({PROBLEMS[code].status for code in codes}):  # type: ignore[index]
        named = [f"`{code}`" for code, kind in PROBLEMS.items() if kind.status == status]
        responses[str(status)] = _response(f"Codes {', '.join(named)}.")
    responses["default"] = _response("Any other problem.")


def _response(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": description, "content": {MEDIA_TYPE: {"schema": schema}}}


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    nested = schema.pop("$defs", {})
    return {"Problem": schema, **nested}
