"""What a route says of itself: who may use it, and whether it changes anything.

    @router.get("/v1/streams/{stream_id}/tracks")
    def tracks_now(stream_id: str, principal: Viewer, context: CurrentContext) -> TracksNow: ...

A path parameter `stream_id` is checked against the streams that the key is limited to; one that is
not granted is answered as one that does not exist.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from fastapi.requests import HTTPConnection

from sightline.service.access.credentials import SAFE_METHODS, credentials_of
from sightline.service.access.principals import Principal, Role
from sightline.service.api.audit import begin_entry
from sightline.service.api.context import context_of
from sightline.service.errors import AuthenticationError, ForbiddenError, unknown_stream

__all__ = [
    "Admin",
    "AdminEverywhere",
    "Operator",
    "OperatorEverywhere",
    "Probe",
    "Viewer",
    "probe",
    "public",
    "requires",
]


class requires:  # noqa: N801 - reads as a word where it is used
    """A dependency: who uses the route has at least this role.

    Args:
        role: The least role.
        everywhere: Whether a key that is limited to streams is refused, since the route concerns
            all streams.
        changes: Whether a call by POST, PUT, PATCH or DELETE changes something and is audited.
    """

    def __init__(self, role: Role, *, everywhere: bool = False, changes: bool = True) -> None:
        self.role = role
        self.everywhere = everywhere
        self.changes = changes

    async def __call__(self, connection: HTTPConnection) -> Principal:
        """The principal, once role and grants are checked.

        Raises:
            AuthenticationError: No token, a wrong one, or a session that is over.
            ForbiddenError: The role is too low, or the CSRF header is missing.
            TooManyError: Too many wrong tokens from this address.
            UnknownError: The stream of the path is not granted.
        """
        principal = await _principal(connection)
        if not principal.may(self.role):
            raise ForbiddenError(f"this needs the role {self.role}; the key has {principal.role}")
        if self.everywhere and principal.streams is not None:
            raise ForbiddenError("this concerns all streams; the key is limited to some")
        stream = connection.path_params.get("stream_id")
        if stream is not None and not principal.sees(stream):
            raise unknown_stream(stream)
        if self.changes and connection.scope.get("method", "GET") not in SAFE_METHODS:
            begin_entry(connection, principal)
        return principal


async def public() -> None:
    """A dependency: everybody may use the route, on purpose."""


async def probe(connection: HTTPConnection) -> None:
    """A dependency of probes: everybody, or who has a token, as `auth.probes` says.

    Raises:
        AuthenticationError: A token is needed and missing or wrong.
        TooManyError: Too many wrong tokens from this address.
    """
    if context_of(connection).config.auth.probes == "token":
        await _principal(connection)


Viewer = Annotated[Principal, Depends(requires("viewer"))]
Operator = Annotated[Principal, Depends(requires("operator"))]
OperatorEverywhere = Annotated[Principal, Depends(requires("operator", everywhere=True))]
Admin = Annotated[Principal, Depends(requires("admin"))]
AdminEverywhere = Annotated[Principal, Depends(requires("admin", everywhere=True))]
Probe = Annotated[None, Depends(probe)]


async def _principal(connection: HTTPConnection) -> Principal:
    access = context_of(connection).access
    credentials = credentials_of(connection)
    if credentials is None:
        raise AuthenticationError("no token; send `Bearer TOKEN` in the header Authorization")
    principal: Principal = await access.authenticate(credentials)
    connection.state.principal = principal
    return principal
