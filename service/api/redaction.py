"""Text that leaves the service: without credentials, also those that stand in a query."""

from __future__ import annotations

import re

from sightline.video.address import hide_credentials

__all__ = ["without_secrets"]

# Some cameras take user and password in the query.
_QUERY = re.compile(
    r"([?&;][^=&;\s]*(?:pass|pwd|token|secret|key|auth|sig|user|usr|login|account)[^=&;\s]*=)"
    r"[^&;#\s'\"]*",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """The text with the credentials of every address in it left out.

    Example:
        >>> without_secrets("http://u:p@10.0.0.5/video?user=admin&pwd=1234&channel=2")
        'http://***@10.0.0.5/video?user=***&pwd=***&channel=2'
    """
    return _QUERY.sub(r"\1***", hide_credentials(text))
