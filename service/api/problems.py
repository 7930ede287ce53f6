"""Problem documents (RFC 9457): what every refusal of the interface looks like.

`code` is stable and meant for programs, `detail` for people. `errors` names the places of a
request that does not fit; values are never repeated, since they may be secrets.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import pydantic
from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from sightline.errors import (
    ConfigError,
    InputError,
    ModelError,
    SightlineError,
    SourceError,
    StateError,
)
from sightline.service.api.redaction import without_secrets
from sightline.service.errors import ErrorCode, ServiceError, TooLargeError, TooManyError
from sightline.service.store.errors import StoreError

__all__ = [
    "MEDIA_TYPE",
    "PROBLEMS",
    "Kind",
    "Problem",
    "ProblemPlace",
    "answer_status",
    "deny",
    "failure",
    "install",
    "problem",
    "refuse",
]

_log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
"""Content type of problem documents."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of problem: its HTTP status and what it is called."""

    status: int
    title: str


PROBLEMS: Mapping[ErrorCode, Kind] = {
    "invalid_request": Kind(422, "The request does not fit"),
    "unauthenticated": Kind(401, "A valid token is needed"),
    "forbidden": Kind(403, "The key does not allow this"),
    "csrf_failed": Kind(403, "The CSRF header is missing or wrong"),
    "origin_refused": Kind(403, "Pages of this site may not use the service"),
    "not_found": Kind(404, "There is no such thing"),
    "method_not_allowed": Kind(405, "The address does not take this method"),
    "conflict": Kind(409, "It does not fit what is there"),
    "too_large": Kind(413, "It is larger than allowed"),
    "unsupported_media_type": Kind(415, "This kind of content is not taken"),
    "rate_limited": Kind(429, "Too many attempts"),
    "internal_error": Kind(500, "Something went wrong in the service"),
    "unavailable": Kind(503, "A part of the service is not there now"),
    "storage_full": Kind(507, "There is no room left on the disk"),
    "stream_auth_failed": Kind(422, "The source refuses user and password"),
    "stream_timeout": Kind(422, "The source does not answer"),
    "stream_not_found": Kind(422, "The source has no such stream"),
    "stream_tls": Kind(422, "The source's certificate is not trusted"),
    "stream_codec": Kind(422, "The source's video cannot be decoded"),
    "stream_ended": Kind(422, "The source ended"),
    "stream_corrupt": Kind(422, "The source's video is damaged"),
    "stream_refused": Kind(422, "The configuration does not allow this source"),
}
"""Every code, in the order of docs/api.md."""

_STORE = Kind(503, "The store cannot be used now")
_BY_STATUS: Mapping[int, ErrorCode] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_request",
    429: "rate_limited",
    503: "unavailable",
}
_JSON = "application/json"


class ProblemPlace(pydantic.BaseModel):
    """One place of a request that does not fit."""

    location: str = pydantic.Field(examples=["body.zones.0.points"])
    message: str = pydantic.Field(examples=["edges 0 and 2 cross"])


class Problem(pydantic.BaseModel):
    """A problem document (RFC 9457)."""

    type: str = pydantic.Field(
        description="Identifier of the kind of problem.", examples=["urn:sightline:not_found"]
    )
    title: str = pydantic.Field(examples=["There is no such thing"])
    status: int = pydantic.Field(examples=[404])
    code: str = pydantic.Field(description="Stable, for programs.", examples=["not_found"])
    detail: str = pydantic.Field(
        description="What came, what was expected, what to do.",
        examples=["there is no stream 'yard'; GET /v1/streams lists those there are"],
    )
    errors: list[ProblemPlace] | None = pydantic.Field(
        default=None, description="Places of a request that does not fit (`invalid_request`)."
    )


def problem(
    code: str,
    detail: str,
    *,
    kind: Kind | None = None,
    errors: list[ProblemPlace] | None = None,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document as a response.

    Args:
        code: A key of `PROBLEMS`, or one of another table together with its `kind`.
        detail: What came, what was expected, what to do; without secrets.
        kind: Status and title of a code that is not in `PROBLEMS`.
        errors: Places of the request that do not fit.
        headers: Headers besides.
    """
    found = kind or PROBLEMS[code]  # type: ignore[index]
    document = Problem(
        type=f"urn:sightline:{code}",
        title=found.title,
        status=found.status,
        code=code,
        detail=without_secrets(detail),
        errors=errors,
    )
    extra = dict(headers or {})
    if found.status == HTTPStatus.UNAUTHORIZED:
        extra["WWW-Authenticate"] = 'Bearer realm="sightline"'
    return JSONResponse(
        document.model_dump(exclude_none=True),
        status_code=found.status,
        headers=extra,
        media_type=MEDIA_TYPE,
    )


def refuse(error: SightlineError) -> JSONResponse:
    """The problem document of one of our errors."""
    if isinstance(error, StoreError):
        return problem(error.code, str(error), kind=_STORE, headers={"Retry-After": "5"})
    headers = {}
    if isinstance(error, TooManyError):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, TooLargeError):
        headers["Connection"] = "close"  # else the server would read the rest of it
    return problem(_code(error), str(error), headers=headers)


def failure(path: str, error: Exception) -> JSONResponse:
    """The problem document of an error that nobody expected; the log gets the error itself."""
    _log.error("unexpected error at %s", path, exc_info=error)
    return problem("internal_error", "the service's log says more; please report it")


def answer_status(
    status: int,
    path: str,
    *,
    detail: str = "",
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The problem document of an HTTP status that a library chose.

    Args:
        status: 400 or above.
        path: Path of the request.
        detail: What to say where we have no sentence for the status.
        headers: Headers besides.
    """
    code = _BY_STATUS.get(status)
    said = {
        404: f"there is nothing at {path}; docs/api.md lists the addresses",
        405: f"{path} does not take this method; the header Allow lists those it takes",
        413: "the body is larger than this address takes",
    }.get(status, detail or "the request is not one that the service understands")
    if code is None:
        kind = Kind(status, HTTPStatus(status).phrase)
        return problem("invalid_request", said, kind=kind, headers=headers)
    return problem(code, said, headers=headers)


async def deny(websocket: WebSocket, response: JSONResponse) -> None:
    """Answer a WebSocket that is not accepted, with a document where the server can send one."""
    if "websocket.http.response" in websocket.scope.get("extensions", {}):
        await websocket.send_denial_response(response)
    else:
        await websocket.close(code=1008, reason=f"HTTP {response.status_code}")


def install(app: FastAPI) -> None:
    """Make an application answer every error with a problem document."""
    for kind, handler in (
        (SightlineError, _refuse),
        (RequestValidationError, _refuse_request),
        (HTTPException, _refuse_status),
    ):
        # Starlette's types know handlers of requests or of WebSockets, not of both.
        app.add_exception_handler(kind, handler)  # type: ignore[arg-type]


async def _refuse(connection: Request | WebSocket, error: Exception) -> JSONResponse | None:
    assert isinstance(error, SightlineError)
    return await _answer(connection, refuse(error))


async def _refuse_request(connection: Request | WebSocket, error: Exception) -> JSONResponse | None:
    assert isinstance(error, RequestValidationError)
    places = [
        ProblemPlace(
            location=".".join(map(str, one["loc"])),
            message=str(one["msg"]).removeprefix("Value error, "),
        )
        for one in error.errors()
    ]
    kind = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if any(one["loc"] == ("body",) for one in error.errors()) and kind and kind != _JSON:
        detail = f"the body is {kind}; expected {_JSON}"
        return await _answer(connection, problem("unsupported_media_type", detail))
    first = places[0]
    more = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    detail = f"{first.location}: {first.message}{more}"
    return await _answer(connection, problem("invalid_request", detail, errors=places))


async def _refuse_status(connection: Request | WebSocket, error: Exception) -> JSONResponse | None:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        # The framework knows only the first route of an address.
        headers["Allow"] = ", ".join(sorted(_methods(connection)))
    answer = answer_status(
        error.status_code, connection.url.path, detail=str(error.detail), headers=headers
    )
    return await _answer(connection, answer)


async def _answer(connection: Request | WebSocket, response: JSONResponse) -> JSONResponse | None:
    if not isinstance(connection, WebSocket):
        return response
    await deny(connection, response)
    return None


def _methods(connection: Request | WebSocket) -> set[str]:
    """What the address of a request can be asked with."""
    methods: set[str] = set()
    for route in iter_route_contexts(connection.app.routes):
        if route.methods and route.path_regex.match(connection.url.path):
            methods |= route.methods
    return methods


def _code(error: SightlineError) -> ErrorCode:
    match error:
        case ServiceError() | SourceError():
            return error.code
        case InputError() | ConfigError():
            return "invalid_request"
        case StateError():
            return "conflict"
        case ModelError():
            return "unavailable"
        case _:
            return "internal_error"
