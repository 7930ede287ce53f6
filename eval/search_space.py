"""Where a search looks: ranges of a preset's parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sightline.errors import ConfigError

if TYPE_CHECKING:
    import optuna

__all__ = ["Range", "inside", "search_space", "suggest", "typed"]


@dataclass(frozen=True, slots=True)
class Range:
    """Where one parameter is searched.

    Args:
        low: Smallest value.
        high: Largest value.
        step: Distance of the values that are tried; 0 means any.
        choices: The values of an enumeration; empty for numbers.
    """

    low: float = 0.0
    high: float = 0.0
    step: float = 0.0
    choices: tuple[str, ...] = ()


def search_space(
    values: Mapping[str, Any], wanted: Sequence[str] = (), *, parameters: Mapping[str, Any]
) -> dict[str, Range]:
    """Ranges from words like `high_score`, `high_score=0.4:0.8` or `confirm_hits=1:4:1`.

    Without words, every number that the preset sets and that is not 0 (switched off) is searched
    from half to double its value, within the parameter's limits.

    Args:
        values: The preset's own values.
        wanted: The words.
        parameters: `sightline.tracker.PARAMETERS`.

    Raises:
        ConfigError: A word names no parameter, or its range is none.
    """
    if not wanted:
        wanted = [
            name
            for name, value in values.items()
            if isinstance(value, int | float) and value != 0 and not _is_switch(parameters[name])
        ]
    space = {}
    for word in wanted:
        name, _, limits = word.partition("=")
        if name not in parameters:
            raise ConfigError(f"no parameter {name!r}; known are {', '.join(sorted(parameters))}")
        parameter = parameters[name]
        if parameter.choices:
            space[name] = Range(choices=tuple(parameter.choices))
            continue
        value = float(values.get(name, parameter.default))
        is_count = isinstance(parameter.default, int) and parameter.low >= 1
        low = max(parameter.low, value / 2)
        high = min(parameter.high, value * 2 if value else parameter.high)
        step = float(is_count)
        if limits:
            try:
                low, high, step = [*(float(end) for end in limits.split(":")), step][:3]
            except ValueError as error:
                raise ConfigError(
                    f"{word!r}: a range is NAME=LOW:HIGH or NAME=LOW:HIGH:STEP"
                ) from error
        if is_count:
            low, high = float(round(low)), float(round(high))
        if not parameter.low <= low < high <= parameter.high:
            raise ConfigError(
                f"{word!r}: {low:g} to {high:g} is no range within {parameter.low:g} to "
                f"{parameter.high:g}"
            )
        space[name] = Range(low, high, step)
    if not space:
        raise ConfigError("the preset has nothing to search; name parameters with --parameter")
    return space


def inside(value: Any, limits: Range) -> Any:
    """A preset's own value, moved into the range that is searched."""
    if limits.choices:
        return value if value in limits.choices else limits.choices[0]
    return limits.low if value is None else float(np.clip(value, limits.low, limits.high))


def suggest(trial: optuna.Trial, space: Mapping[str, Range]) -> dict[str, Any]:
    """What Optuna tries next."""
    found: dict[str, Any] = {}
    for name, limits in space.items():
        if limits.choices:
            found[name] = trial.suggest_categorical(name, limits.choices)
        else:
            step = limits.step or None
            found[name] = trial.suggest_float(name, limits.low, limits.high, step=step)
    return typed(found, space)


def typed(values: Mapping[str, Any], space: Mapping[str, Range]) -> dict[str, Any]:
    """Whole numbers as such: Optuna keeps counts as floats."""
    return {name: int(value) if space[name].step == 1 else value for name, value in values.items()}


def _is_switch(parameter: Any) -> bool:
    return (parameter.low, parameter.high) == (0, 1) and isinstance(parameter.default, int)
