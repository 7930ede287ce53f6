"""What the service refuses, each with a stable code that its HTTP interface hands on.

    SightlineError
     └─ ServiceError        (has a `code`)
         ├─ UnknownError        there is no such thing, or not for who asks
         ├─ ConflictError       it does not fit what is there
         ├─ RefusedError        well-formed, but not allowed by the configuration
         ├─ TooLargeError       more bytes or pixels than allowed
         ├─ UnsupportedError    a kind of content that is not taken
         ├─ AuthenticationError who asks is not known
         ├─ ForbiddenError      who asks is known and may not
         ├─ TooManyError        too often (has `retry_after`)
         ├─ UnavailableError    a part that is needed is not there now
         └─ FullError           there is no room left on the disk

`sightline.service.api.problems` gives every code its status and title.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from sightline.errors import SightlineError, SourceCode

__all__ = [
    "AuthenticationError",
    "ConflictError",
    "ErrorCode",
    "ForbiddenError",
    "FullError",
    "RefusedError",
    "ServiceCode",
    "ServiceError",
    "TooLargeError",
    "TooManyError",
    "UnavailableError",
    "UnknownError",
    "UnsupportedError",
    "unknown_stream",
]

ServiceCode = Literal[
    "invalid_request",
    "unauthenticated",
    "forbidden",
    "csrf_failed",
    "origin_refused",
    "not_found",
    "method_not_allowed",
    "conflict",
    "too_large",
    "unsupported_media_type",
    "rate_limited",
    "internal_error",
    "unavailable",
    "storage_full",
]
ErrorCode = ServiceCode | SourceCode
"""Every code of a problem document; the store's own (`store_…`) come besides."""


class ServiceError(SightlineError):
    """Base of what the service refuses.

    Args:
        message: What came, what was expected and what to do; never holds a secret.
        code: Stable machine-readable reason; the class's own if not given.
    """

    usual_code: ClassVar[ErrorCode]

    def __init__(self, message: str, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        self.code: ErrorCode = code or self.usual_code


class UnknownError(ServiceError):
    """There is no such thing, or none that who asks may know of."""

    usual_code = "not_found"


class ConflictError(ServiceError):
    """It does not fit what is there: an id that is taken, a stream that the file defines."""

    usual_code = "conflict"


class RefusedError(ServiceError):
    """Well-formed, but not allowed by the configuration."""

    usual_code = "stream_refused"


class TooLargeError(ServiceError):
    """More bytes or pixels than the configuration allows."""

    usual_code = "too_large"


class UnsupportedError(ServiceError):
    """A kind of content that is not taken."""

    usual_code = "unsupported_media_type"


class AuthenticationError(ServiceError):
    """Who asks is not known: no token, a wrong one, a session that is over."""

    usual_code = "unauthenticated"


class ForbiddenError(ServiceError):
    """Who asks is known, and may not do this."""

    usual_code = "forbidden"


class TooManyError(ServiceError):
    """Too many attempts.

    Args:
        message: What came and what to do.
        retry_after: Seconds to wait.
    """

    usual_code = "rate_limited"

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class UnavailableError(ServiceError):
    """A part that is needed is not there now; trying again later may help."""

    usual_code = "unavailable"


class FullError(ServiceError):
    """There is no room left on the disk."""

    usual_code = "storage_full"


def unknown_stream(stream: str) -> UnknownError:
    """The one answer about a stream that is not there, and about one that is not granted."""
    return UnknownError(f"there is no stream {stream!r}; GET /v1/streams lists those there are")
