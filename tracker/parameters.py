"""Every parameter of the engine, with its range: read by the command line, the docs and the tuner.

Times are seconds, noise is relative to the size of the box, limits are costs from 0 (certain) to
1; nothing depends on a picture's size or a sequence's frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from sightline.errors import ConfigError
from sightline.tracker.state import Records

__all__ = ["PARAMETERS", "Parameter", "applied_parameters", "check_parameters", "pack_parameters"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of the engine.

    Args:
        default: Value of the preset `sightline`.
        low: Smallest value allowed.
        high: Largest value allowed.
        unit: What the number counts; empty for plain numbers.
        description: What it does, in one sentence.
        choices: The values of an enumeration, in the order of their codes; empty for numbers.
    """

    default: float | str
    low: float
    high: float
    unit: str
    description: str
    choices: tuple[str, ...] = ()


def _number(default: float, low: float, high: float, unit: str, description: str) -> Parameter:
    return Parameter(default, low, high, unit, description)


def _limit(default: float, description: str) -> Parameter:
    return Parameter(default, 0, 2, "cost", f"{description} 0 leaves the stage out.")


def _weight(default: float, description: str) -> Parameter:
    return Parameter(default, 0, 2, "", description)


def _switch(default: int, description: str) -> Parameter:
    return Parameter(default, 0, 1, "", description)


def _choice(default: str, choices: tuple[str, ...], description: str) -> Parameter:
    return Parameter(default, 0, len(choices) - 1, "", description, choices)


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "frame_seconds": _number(
            1 / 30, 1e-4, 10, "s", "Length of a nominal frame: what noise and velocities count in."
        ),
        "high_score": _number(0.65, 0, 1, "", "Detections from here up are matched first."),
        "low_score": _number(0.1, 0, 1, "", "Detections below it are left out."),
        "birth_score": _number(
            0.7, 0, 1, "", "A detection that belongs to no track starts one from here up."
        ),
        "confirm_hits": _number(
            2,
            1,
            20,
            "",
            "Detections that confirm a track; those of the first update are confirmed at once.",
        ),
        "report_streak": _number(1, 1, 20, "", "Detections in a row before a track is reported."),
        "tentative_patience": _number(
            0, 0, 10, "s", "How long an unconfirmed track may be unseen."
        ),
        "patience": _number(2, 0, 600, "s", "How long a confirmed track may be unseen."),
        "coast_patience": _number(
            0.1, 0, 2, "s", "How long the predicted box of an unseen track is reported."
        ),
        "coast_hits": _number(
            5, 1, 100, "", "Detections before a track's predicted box is reported."
        ),
        "duplicate_overlap": _number(
            1,
            0,
            1,
            "IoU",
            "Of a lost and a tracked track that overlap more, the shorter lived ends.",
        ),
        "max_tracks": _number(
            4000, 1, 100_000, "", "Tracks remembered, and detections taken in one update, at most."
        ),
        "position_noise": _number(
            0.05, 1e-4, 1, "size", "Process noise of the position in a nominal frame."
        ),
        "velocity_noise": _number(
            1 / 360, 1e-6, 1, "size", "Process noise of the velocity in a nominal frame."
        ),
        "measurement_noise": _number(0.09, 1e-4, 1, "size", "Noise of a detected box."),
        "score_noise": _number(
            0, 0, 0.99, "", "Share of the measurement noise that a score of 1 takes away."
        ),
        "initial_position_noise": _number(
            0.1, 1e-4, 1, "size", "Uncertainty of the position at birth."
        ),
        "initial_velocity_noise": _number(
            0.0625, 1e-5, 1, "size", "Uncertainty of the velocity at birth."
        ),
        "freeze_lost_size": _switch(1, "Whether a lost track keeps its width and height."),
        "reobserve": _switch(
            0,
            "Whether a found track restarts from the line across its gap.",
        ),
        "camera_motion": _switch(1, "Whether given camera motion is used."),
        "consensus_motion": _switch(
            1, "Whether the boxes' common step stands in for camera motion that is not given."
        ),
        "report_box": _choice(
            "state", ("state", "detection"), "Whether the filtered or the detected box is reported."
        ),
        "cascade_limit": _limit(
            0,
            "Deep SORT's cascade: confirmed tracks in their gates, the last seen first.",
        ),
        "strict_limit": _limit(0.9, "Confirmed tracks against high detections."),
        "loose_limit": _limit(
            0, "Tracked ones that are left against high detections that are left."
        ),
        "low_limit": _limit(0.5, "Tracked ones that are left against low detections."),
        "recovery_limit": _limit(0, "Last observed boxes against high detections that are left."),
        "tentative_limit": _number(
            0.7,
            0,
            2,
            "cost",
            "Unconfirmed tracks against high detections left over; 0 matches them at first.",
        ),
        "reidentify_limit": _number(
            0.8,
            0,
            2,
            "limits",
            "Distance, in appearance limits, up to which a lost track is found by its looks alone; "
            "0 leaves that out.",
        ),
        "height_weight": _weight(
            1, "Exponent of the vertical overlap in the overlap of high detections."
        ),
        "low_height_weight": _weight(1, "The same for low detections and unconfirmed tracks."),
        "score_weight": _number(1, 0, 1, "", "How much a detection's score scales its overlap."),
        "confidence_weight": _weight(0.1, "Weight of the distance from the extrapolated score."),
        "corner_weight": _weight(0, "Weight of the angles of the corners' steps."),
        "direction_weight": _weight(0, "Weight of the angle of the centre's step."),
        "direction_window": _number(0.1, 0.01, 2, "s", "Time over which a direction is measured."),
        "mahalanobis_gate": _number(
            9.4877,
            0.1,
            100,
            "",
            "Squared gate of the cascade: 95 % of a χ² with 4 degrees of freedom.",
        ),
        "appearance_trust": _choice(
            "full",
            ("full", "veto"),
            "Whether embeddings may join, or, where they are poor, only forbid.",
        ),
        "appearance_weight": _weight(
            0.5, "Weight of the embeddings where overlap leaves a choice open."
        ),
        "appearance_limit": _number(
            0.33,
            0.001,
            2,
            "cosine",
            "Distance at which two crops are as likely of one person as of two; the network's.",
        ),
        "appearance_veto": _number(
            1.5, 0, 100, "limits", "Distance, in appearance limits, from which a pair is forbidden."
        ),
        "appearance_memory": _number(
            1, 0.001, 600, "s", "Time constant of the running mean at a score of 1."
        ),
        "appearance_refresh": _number(
            0.5, 0, 600, "s", "How old the newest embedding of a track in plain sight may become."
        ),
        "appearance_overlap": _number(
            0.3, 0, 1, "share", "Detections of which others cover more teach no appearance."
        ),
        "gallery_size": _number(8, 1, 200, "", "Exemplars remembered for each track."),
        "gallery_spacing": _number(
            0.4, 0, 2, "limits", "Distance, in appearance limits, between two exemplars."
        ),
        "reidentify_patience": _number(
            10, 0, 600, "s", "How long appearance alone can find a lost track; embeddings only."
        ),
        "reidentify_speed": _number(
            2,
            0,
            100,
            "heights/s",
            "How fast a lost track may have moved to be found by appearance.",
        ),
        "reidentify_fade": _number(
            10, 0.1, 10_000, "s", "Time unseen after which a distance counts double."
        ),
        "reidentify_margin": _number(
            0.15,
            0,
            2,
            "limits",
            "By how much the lost track that is most alike must be nearer than the next, in "
            "appearance limits.",
        ),
        "reidentify_tracks": _number(
            500, 0, 100_000, "", "Lost tracks beyond `patience` that are remembered, at most."
        ),
        "adoption_patience": _number(
            2,
            0,
            60,
            "s",
            "Age up to which a new track's identity gives way to that of a lost one that it looks "
            "like.",
        ),
        "meeting_overlap": _number(
            0.4, 0, 1, "share", "Cover of the smaller box from which two tracks may be mistaken."
        ),
        "meeting_margin": _number(
            0.3,
            0,
            2,
            "limits",
            "By how much an exchange must fit better after two have parted, in appearance limits; "
            "0 never exchanges.",
        ),
        "class_mode": _choice(
            "off",
            ("off", "strict", "grouped"),
            "Which classes a track may match: any, its own, its group's.",
        ),
    }
)
"""All parameters by name, with the defaults of the preset `sightline`."""

_WHOLE = frozenset(
    {"confirm_hits", "report_streak", "coast_hits", "max_tracks", "gallery_size"}
) | {"reidentify_tracks"}


def check_parameters(values: Mapping[str, Any]) -> dict[str, float | str]:
    """Defaults with `values` over them.

    Raises:
        ConfigError: A name is unknown or a value is outside its range.
    """
    for name in values:
        if name not in PARAMETERS:
            raise ConfigError(
                f"tracker parameter {name!r} is unknown; known are {', '.join(PARAMETERS)}"
            )
    return {
        name: _checked(name, parameter, values.get(name, parameter.default))
        for name, parameter in PARAMETERS.items()
    }


def applied_parameters(values: Mapping[str, float | str]) -> dict[str, float | str]:
    """What the engine works with: embeddings of low trust find and exchange nobody."""
    if values["appearance_trust"] == "full":
        return dict(values)
    return {**values, "reidentify_limit": 0.0, "meeting_margin": 0.0}


def pack_parameters(values: Mapping[str, float | str]) -> Records:
    """One record of float64 with a field a parameter; choices as their codes."""
    record = np.zeros(1, np.dtype([(name, np.float64) for name in PARAMETERS]))
    for name, parameter in PARAMETERS.items():
        value = values[name]
        record[name] = parameter.choices.index(str(value)) if parameter.choices else value
    return record


def _checked(name: str, parameter: Parameter, value: Any) -> float | str:
    if parameter.choices:
        # YAML reads a bare `off` as false.
        value = "off" if value is False else value
        if value not in parameter.choices:
            raise ConfigError(
                f"tracker parameter {name} is one of {', '.join(parameter.choices)}; got {value!r}"
            )
        return str(value)
    is_number = isinstance(value, int | float | np.integer | np.floating)
    if not is_number or not parameter.low <= value <= parameter.high:
        raise ConfigError(
            f"tracker parameter {name} is a number from {parameter.low:g} to {parameter.high:g}"
            f"{' ' + parameter.unit if parameter.unit else ''}; got {value!r}"
        )
    if name in _WHOLE and value != int(value):
        raise ConfigError(f"tracker parameter {name} is a whole number; got {value!r}")
    return int(value) if name in _WHOLE else float(value)
