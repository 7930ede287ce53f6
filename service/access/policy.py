"""Where streams and jobs that come by the interface may connect to.

The service reaches networks that its users may not, so an address from outside is only taken if
`security.allowed_networks` holds it, and every address that its name has. Addresses that mean this
machine, its link, a cloud's metadata or many machines at once, and those of IPv6 that carry one of
IPv4, have to be named by a network inside their own range: `0.0.0.0/0` is no permission for
`127.0.0.1`. Streams of the configuration file are trusted and not asked about.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sightline.errors import InputError, SourceError
from sightline.service.errors import RefusedError
from sightline.video.address import Address, parse_address

__all__ = ["DEFAULT_PORTS", "AddressPolicy", "Pinned", "Resolver", "resolve"]

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], Sequence[str]]
"""All addresses of a host name."""

DEFAULT_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
"""Protocols that are taken, and their ports."""

# Registries: IANA's special-purpose addresses (RFC 6890 and what updates it); metadata services as
# their providers document them.
_SPECIAL: tuple[Network, ...] = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",  # this network, unspecified
            "127.0.0.0/8",  # loopback
            "169.254.0.0/16",  # link-local, most clouds' metadata
            "100.100.100.200/32",  # Alibaba's metadata
            "168.63.129.16/32",  # Azure's host
            "192.0.0.0/24",  # protocol assignments, Oracle's metadata
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, broadcast
            "::/128",  # unspecified
            "::1/128",  # loopback
            "fe80::/10",  # link-local
            "fd00:ec2::/32",  # Amazon's metadata
            "fd20:ce::/32",  # Google's metadata
            "fec0::/10",  # site-local, given up
            "ff00::/8",  # multicast
        ),
    )
)
# IPv6 that a gateway or the machine itself turns into IPv4, and how far right the IPv4 stands.
_CARRIERS: tuple[tuple[ipaddress.IPv6Network, int], ...] = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (
        ("::ffff:0:0/96", 0),  # mapped
        ("::ffff:0:0:0/96", 0),  # translated
        ("64:ff9b::/96", 0),  # NAT64
        ("64:ff9b:1::/48", 0),  # NAT64, local
        ("2002::/16", 80),  # 6to4
        ("2001::/32", 0),  # Teredo
        ("::/96", 0),  # compatible
    )
)


@dataclass(frozen=True, slots=True)
class Pinned:
    """A source that was checked, and the address to connect to.

    Args:
        host: Name or address as it was given.
        port: TCP port.
        address: The IP address that rtsp and rtsps connect to in place of the host.
    """

    host: str
    port: int
    address: str


def resolve(host: str, port: int) -> list[str]:
    """All addresses of a host name, in the order that the system prefers.

    Raises:
        OSError: The name is not known.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be connected to.

    Args:
        networks: Those that the configuration allows, such as `10.0.0.0/8`.
        resolver: How names are looked up.
    """

    networks: tuple[str, ...]
    resolver: Resolver = resolve

    def allows(self, address: str) -> bool:
        """Whether an IP address may be connected to."""
        try:
            return self._allows(ipaddress.ip_address(address))
        except ValueError:
            return False

    def check(self, source: str) -> Pinned:
        """Check a source that came by the interface.

        Args:
            source: rtsp://, rtsps://, http:// or https:// address.

        Raises:
            RefusedError: It is of another kind, or an address of its host is not allowed.
            SourceError: The host's name is not known (`stream_not_found`).
        """
        try:
            address = parse_address(source)
        except InputError as error:
            raise RefusedError(f"the source is no network address: {error}") from None
        return self.check_address(address)

    def check_address(self, address: Address) -> Pinned:
        """Check an address that is already in parts; as `check`.

        Raises:
            RefusedError: Its protocol or an address of its host is not allowed.
            SourceError: The host's name is not known (`stream_not_found`).
        """
        if address.scheme not in DEFAULT_PORTS:
            raise RefusedError(
                f"sources from the interface are read by {', '.join(DEFAULT_PORTS)}, not "
                f"{address.scheme}; others belong into the configuration file"
            )
        port = address.port or DEFAULT_PORTS[address.scheme]
        return Pinned(address.host, port, self.address_of(address.host, port))

    def address_of(self, host: str, port: int) -> str:
        """The IP address to connect to for a host, all of whose addresses are allowed.

        Raises:
            RefusedError: One of its addresses is not allowed.
            SourceError: The name is not known (`stream_not_found`).
        """
        try:
            addresses = self.resolver(host, port)
        except (OSError, UnicodeError) as error:
            busy = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            raise SourceError(
                f"the host name {host} is not known{' now' if busy else ''}; check it",
                "stream_timeout" if busy else "stream_not_found",
            ) from None
        if not addresses or not all(map(self.allows, addresses)):
            raise RefusedError(
                f"{host} has an address that security.allowed_networks does not hold; ask who "
                "runs the service to allow its network, or to put the stream into the "
                "configuration file"
            )
        return addresses[0]

    def _allows(self, address: IpAddress) -> bool:
        # A zone (fe80::1%eth0) never makes an address less special.
        plain = ipaddress.ip_address(int(address)) if address.version == 4 else _plain(address)
        holders = [
            network for network in map(ipaddress.ip_network, self.networks) if plain in network
        ]
        special = [network for network in _SPECIAL if plain in network]
        carried = _carried(plain)
        if carried is not None:
            special = [*special, carried[0]]
            if not self._allows(carried[1]):
                return False
        return bool(holders) and all(
            any(_inside(holder, network) for holder in holders) for network in special
        )


def _plain(address: IpAddress) -> ipaddress.IPv6Address:
    return ipaddress.IPv6Address(int(address))


def _carried(address: IpAddress) -> tuple[Network, ipaddress.IPv4Address] | None:
    """The IPv4 address that one of IPv6 stands for, and the range that it is so in."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    for network, shift in _CARRIERS:
        if address in network and int(address) > 1:
            value = int(address) >> shift & 0xFFFFFFFF
            # Teredo writes the client's address with all bits turned (RFC 4380, 4).
            if network.network_address == ipaddress.IPv6Address("2001::"):
                value ^= 0xFFFFFFFF
            return network, ipaddress.IPv4Address(value)
    return None


def _inside(network: Network, range_: Network) -> bool:
    if isinstance(network, ipaddress.IPv4Network) and isinstance(range_, ipaddress.IPv4Network):
        return network.subnet_of(range_)
    if isinstance(network, ipaddress.IPv6Network) and isinstance(range_, ipaddress.IPv6Network):
        return network.subnet_of(range_)
    return False
