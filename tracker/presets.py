"""Presets: parameters for the one engine, as YAML files."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from sightline.errors import ConfigError

__all__ = ["preset_names", "read_preset"]

_FOLDER = resources.files("sightline.configs") / "trackers"


def preset_names() -> list[str]:
    """Names of the presets that come with the package."""
    names = (entry.name for entry in _FOLDER.iterdir())
    return sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml"))


def read_preset(preset: str | Path) -> dict[str, Any]:
    """Parameters of a preset.

    Args:
        preset: Name of a preset or path of a YAML file.

    Raises:
        ConfigError: There is no such preset or file, or it is not a mapping of parameters.
    """
    name = str(preset)
    is_file = isinstance(preset, Path) or name.endswith((".yaml", ".yml")) or "/" in name
    source = Path(name) if is_file else _FOLDER / f"{name}.yaml"
    try:
        text = source.read_text(encoding="utf-8")
    except OSError as error:
        if is_file:
            raise ConfigError(f"{name}: cannot be read: {error.strerror}") from error
        raise ConfigError(
            f"no tracker preset {name!r}; there are {', '.join(preset_names())}, or give the "
            "path of a YAML file"
        ) from error
    try:
        values = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise ConfigError(f"{name}: a preset maps parameter names to values; got {values!r}")
    return values
