"""What counts in each benchmark: the classes that are scored and the ones that are forgiven.

MOT16/17 class numbers (Milan et al., 2016): 1 pedestrian, 2 person on vehicle, 3 car, 4 bicycle,
5 motorbike, 6 non-motorised vehicle, 7 static person, 8 distractor, 9 occluder, 10 occluder on
the ground, 11 occluder full, 12 reflection; MOT20 (Dendorfer et al., 2020) adds 13 crowd.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sightline.errors import ConfigError

__all__ = ["PROTOCOLS", "Protocol", "get_protocol"]


@dataclass(frozen=True, slots=True)
class Protocol:
    """How ground truth and results are prepared before they are compared.

    Ground-truth rows with confidence 0 are zero-marked and never scored.

    Args:
        name: What the command line calls it.
        description: One line for tables and help.
        scored_class: The only ground-truth class that is scored, or None where the ground truth
            has no class column and every row is scored.
        distractors: Ground-truth classes whose matched tracker boxes are removed unpunished.
        classes: Every class number that the ground truth may hold.
    """

    name: str
    description: str
    scored_class: int | None
    distractors: frozenset[int] = frozenset()
    classes: frozenset[int] = frozenset()


_MOT16_CLASSES = frozenset(range(1, 14))
_MOT16_DISTRACTORS = frozenset({2, 7, 8, 12})

PROTOCOLS: Mapping[str, Protocol] = {
    protocol.name: protocol
    for protocol in (
        Protocol("mot15", "MOT15: no classes; zero-marked rows are left out", None),
        Protocol(
            "mot16", "MOT16, as MOT17", 1, distractors=_MOT16_DISTRACTORS, classes=_MOT16_CLASSES
        ),
        Protocol(
            "mot17",
            "MOT17: pedestrians; persons on vehicles, static persons, distractors and "
            "reflections are forgiven",
            1,
            distractors=_MOT16_DISTRACTORS,
            classes=_MOT16_CLASSES,
        ),
        Protocol(
            "mot20",
            "MOT20: as MOT17, and non-motorised vehicles are forgiven",
            1,
            distractors=_MOT16_DISTRACTORS | {6},
            classes=_MOT16_CLASSES,
        ),
        Protocol(
            "dancetrack",
            "DanceTrack: class 1 only, nothing is forgiven",
            1,
            classes=frozenset({1}),
        ),
        Protocol("plain", "every row that is not zero-marked, nothing is forgiven", None),
    )
}
"""Every protocol by its name."""


def get_protocol(protocol: str | Protocol) -> Protocol:
    """The protocol of a name; a `Protocol` is returned as it is.

    Raises:
        ConfigError: There is no protocol of that name.
    """
    if isinstance(protocol, Protocol):
        return protocol
    try:
        return PROTOCOLS[protocol.lower()]
    except KeyError:
        known = ", ".join(PROTOCOLS)
        raise ConfigError(f"no protocol {protocol!r}; known are {known}") from None
