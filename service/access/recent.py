"""Values that may be used for some seconds before they are looked up again."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Recent"]

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Recent(Generic[Key, Value]):
    """A bounded cache whose values grow old; for many threads.

    Args:
        seconds: How long a value may be used.
        now: Seconds of a clock that only grows.
        size: Most values; those not used for the longest time go first.
    """

    def __init__(self, seconds: float, now: Callable[[], float], size: int = 10_000) -> None:
        self._seconds = seconds
        self._now = now
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[float, Value]] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """The value, None where there is none or it is too old."""
        with self._lock:
            found = self._values.get(key)
            if found is None or found[0] + self._seconds < self._now():
                return None
            self._values.move_to_end(key)
            return found[1]

    def put(self, key: Key, value: Value) -> None:
        """Remember a value from now on."""
        with self._lock:
            self._values[key] = self._now(), value
            self._values.move_to_end(key)
            if len(self._values) > self._size:
                self._values.popitem(last=False)

    def clear(self) -> None:
        """Forget all."""
        with self._lock:
            self._values.clear()
