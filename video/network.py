"""Video over the network: files and streams by HTTP(S), cameras by RTSP.

Two clocks end a dead read. FFmpeg's `timeout` (microseconds of silence on the socket) is the one
that its RTSP and HTTP code honours; `stimeout` is ignored, `rw_timeout` is ignored by RTSP. PyAV's
own timeout bounds a whole read besides, for a server that drips a byte at a time.
"""

from __future__ import annotations

import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import av

from sightline.errors import SourceError
from sightline.video.address import Address, hide_credentials, hide_credentials_in_logs
from sightline.video.container import ContainerSource, Taps
from sightline.video.selection import Selection

__all__ = ["Route", "open_network"]

_PROTOCOLS = {
    "http": "http,https,tcp,tls,crypto,data,httpproxy",
    "rtsp": "rtsp,rtsps,rtp,srtp,tcp,tls,udp",
}
_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}
_ENDLESS_FORMATS = {"mpjpeg", "mjpeg"}


@dataclass(frozen=True, slots=True)
class Route:
    """How to reach an address that somebody checked, and nothing but what they checked.

    Args:
        address: IP address that RTSP connects to in place of the host.
        proxy: Address of a proxy that HTTP goes through, which checks every connection.
    """

    address: str
    proxy: str | None = field(default=None, repr=False)


def open_network(
    address: Address,
    selection: Selection,
    *,
    timeout: float,
    transport: Literal["tcp", "udp"],
    verify_tls: bool,
    route: Route | None = None,
    taps: Taps | None = None,
) -> ContainerSource:
    """Open an HTTP(S) or RTSP(S) address.

    An HTTP source is live when it has no end: a multipart MJPEG, a playlist without a duration.

    Args:
        address: Where; its credentials are used for Basic and Digest authentication.
        selection: Which frames are wanted.
        timeout: Seconds without data after which the source is given up.
        transport: How RTSP carries pictures; `tcp` loses none.
        verify_tls: Whether the certificate of https and rtsps must be valid.
        route: How to reach it, if that was checked beforehand.
        taps: Who is told of packets, and what arrivals are told by.

    Raises:
        SourceError: The source did not answer, refused us or sends no video.
    """
    hide_credentials_in_logs()

    def name_failure(error: BaseException, seconds: float) -> SourceError:
        return _failure(address, error, seconds, timeout, verify_tls, route)

    rtsp = address.scheme in ("rtsp", "rtsps")
    options = {
        "timeout": str(int(timeout * 1e6)),
        "protocol_whitelist": _PROTOCOLS["rtsp" if rtsp else "http"],
    }
    if rtsp:
        # Without counting frames to learn their rate: cameras say it, and it took 20 of them.
        options |= {"fpsprobesize": "0"}
        options |= {"rtsp_transport": transport, "allowed_media_types": "video"}
    if address.scheme in ("https", "rtsps"):
        options |= {"tls_verify": str(int(verify_tls))}
        authorities = ssl.get_default_verify_paths().cafile
        if verify_tls and authorities:
            options |= {"ca_file": authorities}
    target = address
    if route is not None and rtsp:
        target = replace(address, host=route.address)
        options |= {"verifyhost": address.host}
    elif route is not None and route.proxy:
        options |= {"http_proxy": route.proxy}
    begin = time.monotonic()
    try:
        # Twice the time for whole reads: silence is FFmpeg's to notice, a drip is PyAV's.
        container = av.open(target.url, options=options, timeout=2 * timeout)
    except (av.FFmpegError, OSError) as error:
        raise name_failure(error, time.monotonic() - begin) from None
    return ContainerSource(
        container,
        name=address.host if rtsp else Path(address.path.split("?")[0]).stem or address.host,
        label=str(address),
        live=rtsp or _is_endless(container),
        selection=selection,
        name_failure=name_failure,
        taps=taps,
    )


def _is_endless(container: av.container.InputContainer) -> bool:
    if container.format.name in _ENDLESS_FORMATS:
        return True
    return container.duration is None and (container.format.name == "hls" or container.size <= 0)


def _failure(
    address: Address,
    error: BaseException,
    seconds: float,
    timeout: float,
    verify_tls: bool,
    route: Route | None,
) -> SourceError:
    if isinstance(error, av.error.HTTPUnauthorizedError | av.error.HTTPForbiddenError):
        given = "wrong user or password" if address.username else "it asks for user and password"
        return SourceError(f"{address}: access denied: {given}", "stream_auth_failed")
    if isinstance(error, av.error.HTTPNotFoundError):
        return SourceError(
            f"{address}: {address.host} answers, but has no such stream; check the path",
            "stream_not_found",
        )
    if isinstance(error, av.error.HTTPError | av.error.HTTPClientError):
        if route is not None and route.proxy is not None:
            # A proxy that cannot connect answers as a server would that has a fault.
            unreachable = _unreachable(address, route.address, timeout)
            if unreachable is not None:
                return unreachable
        reason = hide_credentials(error.strerror or "an HTTP error")
        return SourceError(f"{address}: {reason}; try later", "stream_timeout")
    if isinstance(error, TimeoutError | av.error.ExitError) or seconds >= 0.95 * timeout:
        return SourceError(
            f"{address}: no data for {seconds:.0f} s; check that the camera or server is up",
            "stream_timeout",
        )
    if isinstance(error, ConnectionError):
        return _nothing_listens(address, error)
    host = address.host if route is None else route.address
    return _diagnose(address, host, error, timeout, verify_tls)


def _nothing_listens(address: Address, error: ConnectionError) -> SourceError:
    return SourceError(
        f"{address}: {address.host} is there but nothing listens: {error.strerror}; check the port",
        "stream_timeout",
    )


def _unreachable(address: Address, host: str, timeout: float) -> SourceError | None:
    try:
        socket.create_connection((host, address.port or _PORTS[address.scheme]), timeout).close()
    except ConnectionError as problem:
        return _nothing_listens(address, problem)
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return SourceError(
            f"{address}: {address.host} cannot be reached: {reason}", "stream_timeout"
        )
    return None


def _diagnose(
    address: Address, host: str, error: BaseException, timeout: float, verify_tls: bool
) -> SourceError:
    """Tell apart what FFmpeg calls an input/output error: name, network, certificate, content."""
    port = address.port or _PORTS[address.scheme]
    try:
        with closing(socket.create_connection((host, port), timeout)) as connection:
            if address.scheme in ("https", "rtsps") and verify_tls:
                context = ssl.create_default_context()
                context.wrap_socket(connection, server_hostname=address.host).close()
    except socket.gaierror as problem:
        return SourceError(
            f"{address}: the host name {address.host} is not known: {problem.strerror}",
            "stream_timeout" if problem.errno == socket.EAI_AGAIN else "stream_not_found",
        )
    except ssl.SSLError as problem:
        reason = getattr(problem, "verify_message", "") or problem.reason or "handshake failed"
        return SourceError(
            f"{address}: no trusted TLS connection: {reason}; install the certificate or turn "
            "verification off for this source",
            "stream_tls",
        )
    except OSError as problem:
        reason = problem.strerror or str(problem)
        return SourceError(
            f"{address}: {address.host} cannot be reached: {reason}", "stream_timeout"
        )
    if isinstance(error, av.error.InvalidDataError):
        return SourceError(f"{address}: what it sends is not video", "stream_codec")
    reason = hide_credentials(getattr(error, "strerror", None) or type(error).__name__)
    return SourceError(f"{address}: the connection broke: {reason}", "stream_ended")
