"""Where cameras are best placed, by what they were measured to cost: no Ray, no clock in here."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sightline.service.config import Place

__all__ = ["Cost", "Move", "Site", "choose", "load", "rebalance"]

_BUSY = 0.7
"""Load below which nothing is moved for the sake of balance."""
_GAIN = 0.15
"""Load that a move has to take off the busiest: every move costs a new connection."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a camera takes.

    Args:
        rate: Frames a second that are to be looked at.
        reading: Share of a core that reading and decoding take.
    """

    rate: float = 10.0
    reading: float = 0.05


@dataclass(frozen=True, slots=True)
class Site:
    """A node, as far as placing cares.

    Args:
        name: The node's.
        labels: What Ray knows of where it stands.
        cores: That it has.
        detecting: Seconds of the device that a frame takes there.
        tracking: CPU seconds of a frame behind the network.
        has_device: Whether detection runs beside the cores, on a device of its own.
        cameras: What is placed there.
    """

    name: str
    labels: Mapping[str, str]
    cores: int
    detecting: float
    tracking: float
    has_device: bool
    cameras: Mapping[str, Cost]


@dataclass(frozen=True, slots=True)
class Move:
    """A camera that had better be elsewhere."""

    camera: str
    target: str


def load(site: Site, cameras: Collection[Cost]) -> float:
    """How busy a node is with cameras: 1 where it can do no more.

    Detection is one after the other. On a CPU it takes the cores that reading needs, too; beside a
    GPU the cores have their own limit.
    """
    rate = sum(camera.rate for camera in cameras)
    cores = sum(camera.reading for camera in cameras) + rate * site.tracking
    share = cores / max(site.cores, 1)
    detecting = rate * site.detecting
    return max(detecting, share) if site.has_device else detecting + share


def choose(camera: str, cost: Cost, sites: Sequence[Site], places: Sequence[Place]) -> str | None:
    """The node for a camera: near it where that is asked for, then the least busy with it.

    Returns:
        None where no node may have it.
    """
    allowed = _allowed(camera, sites, places)
    if not allowed:
        return None
    best = min(
        allowed,
        key=lambda site: (load(site, [*site.cameras.values(), cost]), len(site.cameras), site.name),
    )
    return best.name


def rebalance(sites: Sequence[Site], places: Sequence[Place]) -> Move | None:
    """The one move that takes most off the busiest node, if any is worth a reconnection."""
    if len(sites) < 2:
        return None
    loads = {site.name: load(site, site.cameras.values()) for site in sites}
    busiest = max(sites, key=lambda site: loads[site.name])
    if loads[busiest.name] < _BUSY:
        return None
    best: tuple[float, Move] | None = None
    for camera, cost in busiest.cameras.items():
        rest = [other for name, other in busiest.cameras.items() if name != camera]
        for site in _allowed(camera, sites, places):
            if site is busiest:
                continue
            after = max(load(busiest, rest), load(site, [*site.cameras.values(), cost]))
            if after <= loads[busiest.name] - _GAIN and (best is None or after < best[0]):
                best = (after, Move(camera, site.name))
    return None if best is None else best[1]


def _allowed(camera: str, sites: Sequence[Site], places: Sequence[Place]) -> list[Site]:
    """Nodes near the camera; all others only where nearness is a wish and none is near."""
    for place in places:
        if any(fnmatch.fnmatchcase(camera, pattern) for pattern in place.streams):
            near = [site for site in sites if place.labels.items() <= site.labels.items()]
            return near if near or place.required else list(sites)
    return list(sites)
