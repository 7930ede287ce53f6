"""API keys as text, and as the hash that is stored.

A key is `sl_`, its identifier, `_` and 256 random bits: the identifier finds the row without a
hash of the secret, and the prefix lets scanners of leaked secrets recognise it.
"""

from __future__ import annotations

import re
import secrets
import uuid

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

__all__ = ["key_id_of", "new_token", "token_digest", "token_fits"]

_TOKEN = re.compile(r"sl_([0-9a-f]{32})_[A-Za-z0-9_-]{43}")

# The least that OWASP's Password Storage Cheat Sheet asks of argon2id: 19 MiB and two passes. More
# would slow guesses that 256 random bits make hopeless as it is.
_hasher = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


def new_token(key_id: str) -> str:
    """A secret key.

    Args:
        key_id: Its identifier, a UUID.
    """
    return f"sl_{uuid.UUID(key_id).hex}_{secrets.token_urlsafe(32)}"


def key_id_of(token: str) -> str | None:
    """The identifier in a key, or None if it is none of ours."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else str(uuid.UUID(match[1]))


def token_digest(token: str) -> str:
    """The argon2id hash of a key, in its text form with parameters and salt."""
    return _hasher.hash(token)


def token_fits(token: str, digest: str) -> bool:
    """Whether a key is the one of a hash."""
    try:
        return _hasher.verify(digest, token)
    except (VerificationError, InvalidHashError):
        return False
