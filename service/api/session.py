"""Log in and out: a cookie for pages, which cannot keep a token safe."""

from __future__ import annotations

import pydantic
from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from sightline.service.access.credentials import (
    Bearer,
    cookie_name,
    cookie_of,
    csrf_token,
    is_secure,
)
from sightline.service.access.principals import Principal, Role
from sightline.service.api.audit import begin_entry
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Viewer, public
from sightline.service.api.schemas.times import Time
from sightline.service.steady import rfc3339

__all__ = ["LoginRequest", "Who", "router"]

router = APIRouter(tags=["access"])


class LoginRequest(pydantic.BaseModel):
    """What a person logs in with."""

    model_config = pydantic.ConfigDict(extra="forbid")

    token: pydantic.SecretStr = Field(
        min_length=1, max_length=1000, description="An API key.", examples=["sl_0198…"]
    )


class Who(pydantic.BaseModel):
    """Who is asking."""

    id: str = Field(description="Identifier of the key.", examples=["0198c0de-…"])
    name: str = Field(examples=["front desk"])
    role: Role = Field(examples=["viewer"])
    streams: list[str] | None = Field(
        description="Streams that the key is limited to; null for all.", examples=[["entrance"]]
    )
    csrf: str | None = Field(
        default=None,
        description="What the header X-CSRF-Token has to be with every change that the cookie "
        "makes; null without a cookie.",
    )
    expires_at: Time | None = Field(default=None, description="When the login just made ends.")


@router.post("/v1/session", status_code=201, summary="Log in", dependencies=[Depends(public)])
async def log_in(
    body: LoginRequest, request: Request, response: Response, context: CurrentContext
) -> Who:
    """Change a token for a cookie, which scripts cannot read and other sites cannot send."""
    address = request.client.host if request.client else ""
    principal = await context.access.authenticate(Bearer(body.token.get_secret_value(), address))
    login = await context.access.log_in(principal)
    response.set_cookie(
        cookie_name(request),
        login.cookie,
        max_age=int(context.config.auth.session_hours * 3600),
        path="/",
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )
    begin_entry(request, principal)
    return _who(principal, csrf=login.csrf, expires_at=rfc3339(login.expires_at))


@router.get("/v1/session", summary="Who am I")
async def read_session(principal: Viewer, request: Request) -> Who:
    """Who the token or cookie stands for; a page that was opened anew finds its CSRF value here."""
    cookie = cookie_of(request)
    by_cookie = principal.session is not None and cookie is not None
    return _who(principal, csrf=csrf_token(cookie) if by_cookie and cookie else None)


@router.delete("/v1/session", status_code=204, summary="Log out")
async def log_out(
    principal: Viewer, request: Request, response: Response, context: CurrentContext
) -> None:
    """End the login, wherever its cookie is used; live connections of it end within seconds."""
    await context.access.log_out(principal)
    response.delete_cookie(
        cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="strict"
    )


def _who(principal: Principal, *, csrf: str | None, expires_at: str | None = None) -> Who:
    return Who(
        id=principal.id,
        name=principal.name,
        role=principal.role,
        streams=None if principal.streams is None else list(principal.streams),
        csrf=csrf,
        expires_at=expires_at,
    )
