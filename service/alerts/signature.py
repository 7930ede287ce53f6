"""The signature of a webhook: proves who sent it and when, to a receiver who knows the secret.

    Sightline-Signature: t=UNIX,v1=hex(HMAC-SHA256(secret, t + "." + body))

The time is inside, so that a message that somebody recorded is refused when it comes again later.
"""

from __future__ import annotations

import hmac
import re

__all__ = ["HEADER", "sign", "verify"]

HEADER = "Sightline-Signature"
"""Name of the header that carries it."""

_FORM = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(secret: str, body: bytes, time: int) -> str:
    """The header's value for a body that is sent at `time` (UNIX seconds).

    Example:
        >>> sign("secret", b"{}", 1_700_000_000)[:24]
        't=1700000000,v1=b8569b78'
    """
    return f"t={time},v1={_digest(secret, body, str(time))}"


def verify(secret: str, body: bytes, header: str, *, now: float, tolerance: float = 300.0) -> bool:
    """Whether a body came from who knows the secret, not longer ago than the tolerance.

    Args:
        secret: The key that both sides know.
        body: The body as it came, byte for byte.
        header: Value of `Sightline-Signature`.
        now: UNIX seconds.
        tolerance: Seconds by which the sender's time may differ.
    """
    match = _FORM.fullmatch(header)
    if match is None or abs(now - int(match[1])) > tolerance:
        return False
    return hmac.compare_digest(match[2], _digest(secret, body, match[1]))


def _digest(secret: str, body: bytes, time: str) -> str:
    return hmac.new(secret.encode(), time.encode() + b"." + body, "sha256").hexdigest()
