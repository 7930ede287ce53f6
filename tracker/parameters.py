"""Every parameter of the engine, with its range: read by the command line, the docs and the tuner.

Times are seconds, speeds and noise are relative to the size of the box, limits are costs between
0 (certain) and 1; nothing depends on a picture's size or a sequence's frame rate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from sightline.errors import ConfigError

__all__ = ["PARAMETERS", "Parameter", "check_parameters", "pack_parameters"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of the engine.

    Args:
        default: Value of the default preset.
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


def _choice(default: str, choices: tuple[str, ...], description: str) -> Parameter:
    return Parameter(default, 0, len(choices) - 1, "", description, choices)


PARAMETERS: Mapping[str, Parameter] = MappingProxyType(
    {
        "frame_seconds": Parameter(1 / 30, 1e-4, 10, "s", "Length of a nominal frame."),
        "high_score": Parameter(0.6, 0, 1, "", "Detections from here up are matched first."),
        "low_score": Parameter(0.1, 0, 1, "", "Detections below it are not looked at."),
        "birth_score": Parameter(0.7, 0, 1, "", "A detection starts a track from here up."),
        "confirm_hits": Parameter(2, 1, 20, "", "Detections that confirm a track."),
        "report_streak": Parameter(1, 1, 20, "", "Detections in a row before a track is reported."),
        "tentative_patience": Parameter(
            0, 0, 10, "s", "How long an unconfirmed track may be unseen."
        ),
        "patience": Parameter(1, 0, 60, "s", "How long a confirmed track may be unseen."),
        "duplicate_overlap": Parameter(
            0.85, 0, 1, "IoU", "Of two tracks above it the younger goes."
        ),
        "position_noise": Parameter(0.05, 0, 1, "size", "Position noise a nominal frame."),
        "velocity_noise": Parameter(0.00625, 0, 1, "size", "Velocity noise a nominal frame."),
        "measurement_noise": Parameter(0.05, 1e-4, 1, "size", "Noise of a detected box."),
        "score_noise": Parameter(
            0, 0, 0.99, "", "How much a high score reduces measurement noise."
        ),
        "initial_position_noise": Parameter(0.1, 1e-4, 1, "size", "Position noise at birth."),
        "initial_velocity_noise": Parameter(0.0625, 1e-5, 1, "size", "Velocity noise at birth."),
        "noise_from_height": Parameter(0, 0, 1, "", "1: noise of cx follows the height."),
        "freeze_lost_size": Parameter(1, 0, 1, "", "1: a lost track keeps its width and height."),
        "camera_motion": Parameter(1, 0, 1, "", "1: given camera motion is used."),
        "strict_limit": Parameter(0.9, 0, 2, "cost", "Confirmed tracks against high detections."),
        "loose_limit": Parameter(0, 0, 2, "cost", "Tracked ones left over, against high ones."),
        "low_limit": Parameter(0.5, 0, 2, "cost", "Tracked ones against low detections; 0: never."),
        "recovery_limit": Parameter(
            0, 0, 2, "cost", "Last observations against high ones; 0: never."
        ),
        "tentative_limit": Parameter(
            0.7, 0, 2, "cost", "Unconfirmed tracks, after all others; 0: with the others."
        ),
        "score_weight": Parameter(1, 0, 1, "", "How much the score scales the overlap."),
        "height_weight": Parameter(0, 0, 2, "", "Exponent of the vertical overlap in the overlap."),
        "low_height_weight": Parameter(0, 0, 2, "", "The same for low detections."),
        "confidence_weight": Parameter(0, 0, 1, "cost", "Weight of the confidence's motion."),
        "corner_weight": Parameter(0, 0, 1, "cost", "Weight of the corners' directions."),
        "direction_weight": Parameter(0, 0, 1, "cost", "Weight of the centre's direction (OCM)."),
        "direction_window": Parameter(
            0.1, 0.01, 2, "s", "Time over which a direction is measured."
        ),
        "report_box": _choice("state", ("state", "detection"), "Which box is reported."),
        "class_mode": _choice("off", ("off", "strict", "grouped"), "Which classes may match."),
        "max_tracks": Parameter(10_000, 1, 1_000_000, "", "Tracks that are remembered at most."),
    }
)
"""All parameters by name, with the defaults of the preset `sightline`."""


def check_parameters(values: Mapping[str, Any]) -> dict[str, float | str]:
    """Defaults with `values` over them.

    Raises:
        ConfigError: A name is unknown or a value is outside its range.
    """
    checked = {name: parameter.default for name, parameter in PARAMETERS.items()}
    for name, value in values.items():
        if name not in PARAMETERS:
            raise ConfigError(
                f"tracker parameter {name!r} is unknown; known are {', '.join(PARAMETERS)}"
            )
        checked[name] = _checked(name, PARAMETERS[name], value)
    return checked


def pack_parameters(values: Mapping[str, float | str]) -> np.ndarray[Any, np.dtype[np.void]]:
    """One record of float64 with a field a parameter; choices as their codes."""
    record = np.zeros(1, np.dtype([(name, np.float64) for name in PARAMETERS]))
    for name, parameter in PARAMETERS.items():
        value = values[name]
        record[name] = parameter.choices.index(str(value)) if parameter.choices else value
    return record


def _checked(name: str, parameter: Parameter, value: Any) -> float | str:
    if parameter.choices:
        if value not in parameter.choices:
            raise ConfigError(
                f"tracker parameter {name} is one of {', '.join(parameter.choices)}; got {value!r}"
            )
        return str(value)
    if isinstance(value, bool):
        value = int(value)
    if not isinstance(value, int | float) or not parameter.low <= value <= parameter.high:
        raise ConfigError(
            f"tracker parameter {name} is a number from {parameter.low:g} to {parameter.high:g}"
            f"{' ' + parameter.unit if parameter.unit else ''}; got {value!r}"
        )
    return value
