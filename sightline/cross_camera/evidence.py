"""What speaks for one person behind two tracks: looks and time, as log likelihood ratios.

Each cue says how much more likely it is where both tracks are of one person than where they are of
two (natural logarithm); cues are added, and a pair is worth a thought above 0. A weight of 0
switches a cue off.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sightline.cross_camera.passages import Passage
from sightline.cross_camera.sightings import Sighting
from sightline.errors import InputError
from sightline.reid.matching import match_score

__all__ = ["Evidence", "appearance_ratio", "time_ratio"]

_MOST = 6.0
"""No single cue is surer than this: e⁶ is 400 to 1."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How pairs of tracks are weighed.

    Args:
        threshold: Likeness at which two tracks are as likely of one person as of two
            (`Embedder.track_threshold`, or `calibrate_looks` at the cameras themselves).
        steepness: Log odds for each .1 of likeness beyond it.
        appearance: Weight of looks.
        time: Weight of how well the time fits.
        bias: Log odds that are asked for besides, as a wrong join costs more than one that is
            missed; negative joins more.

    Raises:
        InputError: A weight or the steepness is negative.
    """

    threshold: float
    steepness: float = 1.5
    appearance: float = 1.0
    time: float = 1.0
    bias: float = 1.0

    def __post_init__(self) -> None:
        for name in ("steepness", "appearance", "time"):
            if not getattr(self, name) >= 0:
                raise InputError(f"evidence: {name} is at least 0, got {getattr(self, name)}")

    def weigh(self, earlier: Sighting, later: Sighting, passage: Passage, arrivals: float) -> float:
        """Log odds that a passage's two tracks are of one person.

        Looks that are unknown, or were described by two networks, say nothing either way.

        Args:
            earlier: The track that ended.
            later: The track that began.
            passage: The way between them.
            arrivals: How many strangers come a second where the way ends.
        """
        worth = -self.bias
        first, second = earlier.vectors, later.vectors
        if (
            self.appearance > 0
            and first is not None
            and second is not None
            and earlier.network == later.network
        ):
            likeness = match_score(first, second)
            worth += self.appearance * appearance_ratio(likeness, self.threshold, self.steepness)
        if self.time > 0:
            worth += self.time * time_ratio(later.begin - earlier.end, passage, arrivals)
        return worth


def appearance_ratio(likeness: float, threshold: float, steepness: float) -> float:
    """Log likelihood ratio of a likeness, as a logistic regression has it.

    Args:
        likeness: `sightline.reid.matching.match_score`.
        threshold: Likeness at which it is 0.
        steepness: Its growth for each .1.

    Example:
        >>> round(appearance_ratio(0.8, 0.6, 1.5), 6)
        3.0
    """
    return _bounded(10 * steepness * (likeness - threshold))


def time_ratio(seconds: float, passage: Passage, arrivals: float) -> float:
    """Log likelihood ratio of a time: that of who goes the way against that of a stranger.

    Who goes the way needs about the typical time (a Laplace distribution), or where none is known
    any time of the gate; strangers come at a rate of their own (a Poisson process, as trackers
    weigh a measurement against clutter: Reid, 1979).

    Args:
        seconds: Time between the tracks.
        passage: The way.
        arrivals: How many strangers come a second, above 0.

    Example:
        >>> way = Passage("a", "b", 0, 10, typical=4.0, deviation=1.0)
        >>> round(time_ratio(4.0, way, arrivals=0.1), 3), round(time_ratio(9.0, way, 0.1), 3)
        (1.609, -3.391)
    """
    if passage.typical is None or passage.deviation is None:
        density = -math.log(max(passage.longest - passage.shortest, _LEAST_WIDTH))
    else:
        away = abs(seconds - passage.typical) / passage.deviation
        density = -math.log(2 * passage.deviation) - away
    return _bounded(density - math.log(arrivals))


_LEAST_WIDTH = 0.1


def _bounded(ratio: float) -> float:
    return min(max(ratio, -_MOST), _MOST)
