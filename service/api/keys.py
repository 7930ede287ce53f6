"""API keys."""

from __future__ import annotations

from typing import Annotated

import pydantic
from fastapi import APIRouter, Request, Response
from pydantic import Field

from sightline.service.access.principals import Role
from sightline.service.api.audit import note
from sightline.service.api.context import CurrentContext
from sightline.service.api.dependencies import Admin
from sightline.service.api.pagination import Listing, PageQuery, slice_page
from sightline.service.api.schemas.times import Time
from sightline.service.settings import Identifier
from sightline.service.steady import rfc3339
from sightline.service.store.keys import Key

__all__ = ["KeyAnswer", "KeyChanges", "KeyRequest", "NewKey", "router"]

router = APIRouter(tags=["access"])

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Streams = Annotated[list[Identifier], Field(max_length=10_000)]


class KeyRequest(pydantic.BaseModel):
    """A key to be made."""

    model_config = pydantic.ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "front desk", "role": "viewer", "streams": ["entrance"]}]
        },
    )

    name: Name = Field(description="Whose it is.")
    role: Role = Field(description="What it allows.")
    streams: Streams | None = Field(
        default=None, description="Streams that it is limited to; all, also future ones, if null."
    )
    expires_at: pydantic.AwareDatetime | None = Field(
        default=None, description="When it ends by itself."
    )


class KeyChanges(pydantic.BaseModel):
    """Fields of a key that change (RFC 7396); its token stays."""

    model_config = pydantic.ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"streams": ["entrance", "yard"]}]}
    )

    name: Name | None = Field(default=None, description="Whose it is; null leaves that.")
    role: Role | None = Field(default=None, description="What it allows; null leaves that.")
    streams: Streams | None = Field(
        default=None, description="Streams that it is limited to; null for all, also future ones."
    )
    expires_at: pydantic.AwareDatetime | None = Field(
        default=None, description="When it ends by itself; null for never."
    )


class KeyAnswer(pydantic.BaseModel):
    """A key, without its secret."""

    id: str = Field(examples=["0198c0de-7a7f-7e91-a26b-75ae6d5a083a"])
    name: str = Field(examples=["front desk"])
    role: Role = Field(examples=["viewer"])
    streams: list[str] | None = Field(
        description="Streams that it is limited to; null for all.", examples=[["entrance"]]
    )
    created_at: Time
    expires_at: Time | None
    used_at: Time | None = Field(description="Its last use, to some minutes.")


class NewKey(KeyAnswer):
    """A key just made."""

    token: str = Field(
        description="The secret; shown this once and stored nowhere.", examples=["sl_0198c0de…"]
    )


@router.get("/v1/keys", summary="List keys")
def list_keys(_: Admin, context: CurrentContext, paging: PageQuery) -> Listing[KeyAnswer]:
    """All keys that are not revoked, the oldest first."""
    page, following = slice_page(context.access.keys.all(), lambda key: key.id, paging)
    return Listing(
        items=[KeyAnswer.model_validate(_fields(key)) for key in page], next_cursor=following
    )


@router.post("/v1/keys", status_code=201, summary="Make a key")
def make_key(
    body: KeyRequest,
    _: Admin,
    request: Request,
    response: Response,
    context: CurrentContext,
) -> NewKey:
    """Make a key; its token is in this answer and nowhere else."""
    expires_at = None if body.expires_at is None else body.expires_at.timestamp()
    key, token = context.access.keys.add(body.name, body.role, body.streams, expires_at=expires_at)
    note(request, target=key.id, name=key.name, role=key.role, streams=body.streams)
    response.headers["Location"] = f"/v1/keys/{key.id}"
    return NewKey.model_validate({**_fields(key), "token": token})


@router.patch("/v1/keys/{key_id}", summary="Change a key")
def change_key(
    key_id: str, body: KeyChanges, _: Admin, request: Request, context: CurrentContext
) -> KeyAnswer:
    """Change whose it is, what it allows or when it ends; it holds at once, live within seconds."""
    changes = body.model_dump(exclude_unset=True)
    for name in ("name", "role"):
        if changes.get(name, name) is None:
            del changes[name]
    if body.expires_at is not None:
        changes["expires_at"] = body.expires_at.timestamp()
    key = context.access.change_key(key_id, changes)
    note(request, name=key.name, role=key.role, streams=_fields(key)["streams"])
    return KeyAnswer.model_validate(_fields(key))


@router.delete("/v1/keys/{key_id}", status_code=204, summary="Revoke a key")
def revoke_key(key_id: str, _: Admin, context: CurrentContext) -> None:
    """End a key and its logins at once; its live connections end within seconds."""
    context.access.revoke(key_id)


def _fields(key: Key) -> dict[str, object]:
    return {
        "id": key.id,
        "name": key.name,
        "role": key.role,
        "streams": None if key.streams is None else list(key.streams),
        "created_at": rfc3339(key.created_at),
        "expires_at": None if key.expires_at is None else rfc3339(key.expires_at),
        "used_at": None if key.used_at is None else rfc3339(key.used_at),
    }
