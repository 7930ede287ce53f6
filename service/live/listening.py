"""The socket that the service listens on."""

from __future__ import annotations

import socket

from sightline.errors import ConfigError

__all__ = ["open_listener"]

_BACKLOG = 2048
_UNREAD_MILLISECONDS = 30_000


def open_listener(host: str, port: int) -> socket.socket:
    """A TCP socket that listens.

    A client that takes nothing of what it was sent for 30 s is ended by the kernel: those who
    watch and listen are otherwise never found out, and keep what was written for them for ever.

    Args:
        host: An address or a name of this machine.
        port: TCP port; 0 for one that is free (`getsockname` tells which).

    Raises:
        ConfigError: The address is not this machine's, or the port is taken.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # accepted sockets inherit it
            option = socket.TCP_USER_TIMEOUT
            listener.setsockopt(socket.IPPROTO_TCP, option, _UNREAD_MILLISECONDS)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    listener.setblocking(False)
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> ConfigError:
    return ConfigError(
        f"server: cannot listen on {host} port {port}: {error.strerror}; server.host is an address "
        "of this machine, and server.port one that no other program has"
    )
