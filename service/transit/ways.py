"""The configured passages, with the zones that they name as they are drawn now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from sightline.cross_camera import Passage as Way
from sightline.cross_camera import Passages
from sightline.cross_camera.passages import Area
from sightline.errors import SightlineError
from sightline.service.config import Passage
from sightline.service.rules import Zone

__all__ = ["find_ways"]

ZonesOf = Callable[[str], Sequence[Zone]]


def find_ways(passages: Iterable[Passage], zones_of: ZonesOf) -> tuple[Passages, list[str]]:
    """The passages that can be used, and a sentence about each that cannot.

    Args:
        passages: As they are configured.
        zones_of: Zones of a stream; raises an error of ours where there is no such stream.
    """
    ways, problems = [], []
    for passage in passages:
        try:
            exit_ = _area(passage.exit, passage.leave, zones_of)
            entry = _area(passage.entry, passage.enter, zones_of)
        except (KeyError, SightlineError) as error:
            problems.append(f"passage {passage.name} is closed: {error.args[0]}")
            continue
        ways.append(
            Way(
                passage.leave,
                passage.enter,
                *passage.seconds,
                exit=exit_,
                entry=entry,
                typical=passage.typical,
                deviation=passage.deviation,
                name=passage.name,
            )
        )
    return Passages(ways), problems


def _area(place: str | Area | None, stream: str, zones_of: ZonesOf) -> Area | None:
    if not isinstance(place, str):
        return place
    for zone in zones_of(stream):
        if zone.id == place:
            return zone.points
    raise KeyError(f"stream {stream} has no zone {place}; draw it, or give corners")
