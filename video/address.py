"""Addresses of network sources: credentials that survive any password, and never show.

A camera's password may hold `@`, `:` and `/`, raw or percent-encoded; URL parsers cut such an
address at the wrong place. `parse_address` finds the host by what can be a host, keeps user and
password decoded as fields of their own, and encodes them again only for the one who connects.
"""

from __future__ import annotations

import ipaddress
import logging
import re
from dataclasses import dataclass, field, replace
from urllib.parse import quote, unquote

from sightline.errors import InputError

__all__ = ["Address", "hide_credentials", "hide_credentials_in_logs", "parse_address"]

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://(.*)$", re.DOTALL)
_HOST_NAME = re.compile(r"^(?!-)[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?$")
_USER_INFO = re.compile(r"(?<=://)[^\s'\"]*@(?=[^\s@'\"]*)")
_AUTHORIZATION = re.compile(r"(?i)(authorization:[ \t]*)[^\r\n]*")
# Names under which FFmpeg's protocols and demuxers log through PyAV.
_LOGGERS = (
    *("AVFormatContext", "generic", "hls", "http", "httpproxy", "https", "rtp", "rtsp"),
    *("tcp", "tls", "udp"),
)


@dataclass(frozen=True, slots=True)
class Address:
    """A URL in parts; its text form hides the credentials.

    Args:
        scheme: Lower case, without `://`.
        host: Host name or IP address (IPv6 without brackets).
        port: Port, or None for the scheme's own.
        path: Everything after host and port, with its leading `/` or `?`.
        username: Decoded, or None.
        password: Decoded, or None; never part of `str` or `repr`.
    """

    scheme: str
    host: str
    port: int | None
    path: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    def __str__(self) -> str:
        """The address without user and password."""
        return f"{self.scheme}://{self._place()}{self.path}"

    @property
    def url(self) -> str:
        """The address with its credentials percent-encoded, for the library that connects."""
        if self.username is None:
            return str(self)
        secret = "" if self.password is None else f":{quote(self.password, safe='')}"
        user = quote(self.username, safe="")
        return f"{self.scheme}://{user}{secret}@{self._place()}{self.path}"

    def with_credentials(self, username: str | None, password: str | None) -> Address:
        """This address with user and password that came as fields of their own, where given."""
        return replace(
            self,
            username=self.username if username is None else username,
            password=self.password if password is None else password,
        )

    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """Split a URL, whatever signs its password holds.

    Every `@` is tried as the end of the credentials, from the left. The first behind which an
    unmistakable host stands (an IP address, a dotted name, `localhost`, or a name with a port)
    wins; failing that, the first behind which any host name stands.

    Args:
        text: `scheme://[user[:password]@]host[:port][/path][?query]`; user and password raw or
            percent-encoded.

    Raises:
        InputError: There is no host in it.

    Example:
        >>> address = parse_address("rtsp://admin:p@ss:w/rd@10.0.0.5:554/live")
        >>> address.password, str(address)
        ('p@ss:w/rd', 'rtsp://10.0.0.5:554/live')
    """
    match = _SCHEME.match(text.strip())
    if match is None:
        raise InputError("an address begins with a scheme, such as rtsp:// or https://")
    scheme, rest = match[1].lower(), match[2]
    # A sign @ in a query is part of the query, unless nothing before the query is a host.
    query = next((at for at, sign in enumerate(rest) if sign in "?#"), len(rest))
    address = _best_split(scheme, rest, query) or _best_split(scheme, rest, len(rest))
    if address is None:
        raise InputError(
            f"{scheme}:// is not followed by a host; expected scheme://user:password@host/path, "
            "with signs other than letters and digits percent-encoded in user and password"
        )
    return address


def hide_credentials(text: str) -> str:
    """The text with the credentials of every URL and Authorization header in it left out.

    Example:
        >>> hide_credentials("cannot open rtsp://admin:p@ss@10.0.0.5/live: refused")
        'cannot open rtsp://***@10.0.0.5/live: refused'
    """
    return _AUTHORIZATION.sub(r"\1***", _USER_INFO.sub("***@", text))


def hide_credentials_in_logs() -> None:
    """Make the loggers of FFmpeg's network code leave credentials out.

    PyAV keeps FFmpeg silent unless a program calls `av.logging.set_level`; from the debug level
    on, FFmpeg then writes whole URLs and request headers.
    """
    for name in _LOGGERS:
        logger = logging.getLogger(f"libav.{name}")
        if not any(isinstance(known, _HideCredentials) for known in logger.filters):
            logger.addFilter(_HideCredentials())


class _HideCredentials(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = hide_credentials(record.getMessage()), None
        return True


def _best_split(scheme: str, rest: str, limit: int) -> Address | None:
    possible: Address | None = None
    for at in [-1, *(place for place, sign in enumerate(rest[:limit]) if sign == "@")]:
        address = _split(scheme, rest[: max(at, 0)] if at >= 0 else None, rest[at + 1 :])
        if address is None:
            continue
        if _is_unmistakable(address):
            return address
        possible = possible or address
    return possible


def _split(scheme: str, credentials: str | None, rest: str) -> Address | None:
    end = next((at for at, sign in enumerate(rest) if sign in "/?#"), len(rest))
    place, path = rest[:end], rest[end:]
    if place.startswith("["):
        host, _, port = place[1:].partition("]")
        port = port.removeprefix(":")
        if not _is_ip(host):
            return None
    else:
        host, _, port = place.partition(":")
        if not _HOST_NAME.match(host):
            return None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return None
    username = password = None
    if credentials is not None:
        user, colon, secret = credentials.partition(":")
        if "/" in user:  # that is a path, not a user
            return None
        username, password = unquote(user), unquote(secret) if colon else None
    return Address(scheme, host, int(port) if port else None, path, username, password)


def _is_unmistakable(address: Address) -> bool:
    host = address.host
    return address.port is not None or _is_ip(host) or "." in host or host == "localhost"


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
