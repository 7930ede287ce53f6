"""Where alerts may go: an alert made through the interface must not reach into the machine.

Targets of the configuration file are trusted. Others are looked up first, every address is
checked, and the connection goes to the address that was checked, so that a name that changes its
address in between leads nowhere.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass

from sightline.service.alerts.targets import DeliveryError

__all__ = ["Reachable"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# Metadata services of clouds that are not link-local: Alibaba's, and AWS's over IPv6.
_METADATA = tuple(map(ipaddress.ip_network, ("100.100.100.200/32", "fd00:ec2::254/128")))


@dataclass(frozen=True, slots=True)
class Reachable:
    """Which addresses a target may have.

    Args:
        trusted: Whether the target is of the configuration file and may have any.
        allowed: Networks (127.0.0.0/8) that others may have although they are refused otherwise.
    """

    trusted: bool
    allowed: Sequence[str] = ()

    async def resolve(self, host: str, port: int) -> str:
        """An address of the host, checked.

        Raises:
            DeliveryError: There is none, or one of them is refused.
        """
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise DeliveryError(f"{host} has no address: {error}") from None
        addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
        refused = next((one for one in addresses if not self._permits(one)), None)
        if refused is not None:
            raise DeliveryError(
                f"{host} has the address {refused}, which alerts made through the interface do "
                "not reach; name its network in security.allowed_networks"
            )
        return str(addresses[0])

    def _permits(self, address: Address) -> bool:
        plain = getattr(address, "ipv4_mapped", None) or address
        return (
            self.trusted
            or any(plain in ipaddress.ip_network(network) for network in self.allowed)
            or not _is_inward(plain)
        )


def _is_inward(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or address.is_multicast
        or address.is_reserved
        or any(address in network for network in _METADATA)
    )
