"""Whom this process is connected to."""

from __future__ import annotations

import ipaddress
import re
import struct
from contextlib import suppress
from pathlib import Path

__all__ = ["connected_addresses"]

_SOCKET = re.compile(r"socket:\[(\d+)\]")
_PROCESS = Path("/proc/self")


def connected_addresses() -> set[str]:
    """IP addresses that this process has TCP connections to (Linux; empty elsewhere)."""
    own: set[str] = set()
    with suppress(OSError):
        for descriptor in (_PROCESS / "fd").iterdir():
            with suppress(OSError):  # the folder's own descriptor is gone by now
                match = _SOCKET.match(str(descriptor.readlink()))
                own.update(match.groups() if match else ())
    found = set()
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in (_PROCESS / "net" / table).read_text().splitlines()[1:]:
                _, _, remote, *_, inode = line.split()[:10]
                if inode in own and not remote.endswith(":0000"):
                    found.add(_address(remote.partition(":")[0]))
    return found


def _address(text: str) -> str:
    """The address of a row in /proc/net/tcp: words of 32 bits in the machine's own order."""
    words = struct.unpack(f">{len(text) // 8}I", bytes.fromhex(text))
    address = ipaddress.ip_address(b"".join(struct.pack("=I", word) for word in words))
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return str(address)
