"""Wrong tokens are counted by address; who tries too many has to wait."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sightline.service.errors import AuthenticationError, TooManyError

__all__ = ["Attempts"]

_WINDOW = 60.0
_MOST_ADDRESSES = 10_000


class Attempts:
    """Failed attempts of the last minute, by address. For one thread.

    Args:
        per_minute: Failures that an address may have.
        now: Seconds of a clock that only grows.
    """

    def __init__(self, per_minute: int, now: Callable[[], float]) -> None:
        self._most = per_minute
        self._now = now
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    @contextmanager
    def attempt(self, address: str) -> Iterator[None]:
        """One attempt: it counts until its end shows that it was none of a wrong token.

        Counting first keeps a burst of simultaneous guesses within the limit.

        Raises:
            TooManyError: The address has to wait first.
        """
        failures = self._of(_network(address))
        if len(failures) >= self._most:
            wait = failures[0] + _WINDOW - self._now()
            raise TooManyError(
                f"{self._most} wrong tokens within a minute; try again in {wait:.0f} s", wait
            )
        begin = self._now()
        failures.append(begin)
        try:
            yield
        except AuthenticationError:
            raise
        except BaseException:
            _forget(failures, begin)
            raise
        else:
            _forget(failures, begin)

    def _of(self, network: str) -> deque[float]:
        failures = self._failures.setdefault(network, deque())
        self._failures.move_to_end(network)
        while failures and failures[0] <= self._now() - _WINDOW:
            failures.popleft()
        if len(self._failures) > _MOST_ADDRESSES:
            self._failures.popitem(last=False)
        return failures


def _forget(failures: deque[float], time: float) -> None:
    # It may have grown out of the window while the token was checked.
    if time in failures:
        failures.remove(time)


def _network(address: str) -> str:
    """The address, or of IPv6 the /64 that one host usually has all of."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(known, ipaddress.IPv4Address):
        return address
    if known.ipv4_mapped is not None:
        return str(known.ipv4_mapped)
    return str(ipaddress.ip_network((int(known) >> 64 << 64, 64)))
