"""Where alerts may go: an alert made through the interface must not reach into the machine.

Its target may be anywhere but at this machine, its link, a cloud's metadata and the like; those
have to be named in `security.allowed_networks`. Every address of a name is checked, and the
connection goes to the address that was checked, so that a name that changes its address in
between leads nowhere. Targets of the configuration file are trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import threading
from collections.abc import Callable, Sequence

from sightline.service.access.policy import AddressPolicy, resolve
from sightline.service.alerts.targets import DeliveryError

__all__ = ["Reachable"]

_EVERYWHERE = ("0.0.0.0/0", "::/0")


class Reachable:
    """Which addresses a target may have.

    Args:
        trusted: Whether the target is of the configuration file and may have any.
        allowed: Networks (127.0.0.0/8) that others may have although they are special.

    A value serves one target in one event loop.
    """

    def __init__(self, *, trusted: bool, allowed: Sequence[str] = ()) -> None:
        self._policy = None if trusted else AddressPolicy((*_EVERYWHERE, *allowed))
        self._lookup: asyncio.Future[list[str]] | None = None

    async def resolve(self, host: str, port: int) -> str:
        """An address of the host, checked.

        Raises:
            DeliveryError: There is none, or one of them is refused.
        """
        # One lookup at a time: a name server that hangs costs a target one thread, not many.
        if self._lookup is None or self._lookup.done():
            self._lookup = _look_up(host, port)
        try:
            addresses = await asyncio.shield(self._lookup)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"{host} has no address: {error}") from None
        if self._policy is not None and not all(map(self._policy.allows, addresses)):
            raise DeliveryError(
                f"{host} has an address that alerts made through the interface do not reach; "
                "name its network in security.allowed_networks"
            )
        return addresses[0]


def _look_up(host: str, port: int) -> asyncio.Future[list[str]]:
    """All addresses of a host, looked up in a thread that nobody has to wait for at the end."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[list[str]] = loop.create_future()
    # Whoever waited may have given up: the exception is seen here.
    future.add_done_callback(lambda done: done.cancelled() or done.exception())

    def work() -> None:
        try:
            answer: Callable[[], None] = functools.partial(future.set_result, resolve(host, port))
        except (OSError, UnicodeError) as error:
            answer = functools.partial(future.set_exception, error)
        # The loop is closed when the service stopped meanwhile.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(answer)

    threading.Thread(target=work, name=f"look up {host}", daemon=True).start()
    return future
