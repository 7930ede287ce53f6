"""Opens what a camera's configuration names."""

from __future__ import annotations

import os
import re
from pathlib import Path

from sightline.errors import SourceError
from sightline.service.access.policy import AddressPolicy
from sightline.service.cameras.messages import Guard, Source
from sightline.service.cameras.peers import connected_addresses
from sightline.service.errors import RefusedError
from sightline.video.address import Address, parse_address
from sightline.video.container import ContainerSource, Taps
from sightline.video.files import open_file
from sightline.video.network import Route, open_network
from sightline.video.selection import Selection
from sightline.video.webcam import open_webcam

__all__ = ["open_camera"]

_WEBCAM = re.compile(r"^webcam:(.+)$")


def open_camera(source: Source, taps: Taps) -> ContainerSource:
    """Open a camera, or a file that plays one.

    Raises:
        SourceError: It cannot be opened; its `code` says why.
    """
    webcam = _WEBCAM.match(source.url)
    if webcam or source.url.startswith("/dev/video"):
        name = webcam[1] if webcam else source.url
        return open_webcam(name, Selection(), timeout=source.timeout, taps=taps)
    if "://" not in source.url:
        return open_file(Path(source.url), Selection(), taps=taps)
    return _open_address(source, taps)


def _checked_route(address: Address, guard: Guard) -> Route:
    """The one address that may be connected to, looked up anew: names change."""
    try:
        pinned = AddressPolicy(guard.networks).check_address(address)
    except RefusedError as error:
        raise SourceError(f"{address}: {error}", "stream_refused") from None
    return Route(pinned.address, guard.proxy)


def _open_address(source: Source, taps: Taps) -> ContainerSource:
    address = parse_address(source.url).with_credentials(source.username, source.password)
    route = None
    if source.guard is not None:
        route = _checked_route(address, source.guard)
        os.environ.pop("no_proxy", None)  # FFmpeg would go past the proxy that checks
    opened = open_network(
        address,
        Selection(),
        timeout=source.timeout,
        transport=source.transport,
        verify_tls=source.verify_tls,
        route=route,
        taps=taps,
    )
    if route is not None and address.scheme in ("rtsp", "rtsps"):
        # An RTSP server may send its callers on, and FFmpeg goes.
        strangers = connected_addresses() - {route.address}
        if strangers:
            opened.close()
            raise SourceError(
                f"{address}: it sends us on to {', '.join(sorted(strangers))}; name that address "
                "itself",
                "stream_refused",
            )
    return opened
