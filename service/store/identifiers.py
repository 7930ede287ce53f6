"""Identifiers of rows: UUIDs that sort by the time they were made."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

__all__ = ["new_id"]

_COUNTER_BITS = 74


class _Maker:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def make(self) -> int:
        """Milliseconds, then 74 random bits; always above the last one of this process."""
        value = (time.time_ns() // 1_000_000 << _COUNTER_BITS) | secrets.randbits(_COUNTER_BITS)
        with self._lock:
            # Within a millisecond, or after the machine's clock was set back: a random step on.
            if value <= self._last:
                value = self._last + 1 + secrets.randbits(32)
            self._last = value
        return value


_maker = _Maker()


def new_id() -> str:
    """A UUID of version 7 (RFC 9562) as text; later ones of one process sort behind it.

    Example:
        >>> first, second = new_id(), new_id()
        >>> len(first), first < second
        (36, True)
    """
    value = _maker.make()
    low = value & ((1 << 62) - 1)
    middle = (value >> 62) & 0xFFF
    milliseconds = value >> _COUNTER_BITS
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | middle << 64 | 0b10 << 62 | low))
