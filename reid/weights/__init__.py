"""The networks that come with Sightline, and where a network's file lies."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from sightline.errors import ModelError

__all__ = ["DEFAULT_MODEL", "find_weights"]

DEFAULT_MODEL = "sightline-reid"
"""Trained by `sightline train-reid`; docs/models/sightline-reid.md says on what."""


def find_weights(model: str | Path) -> Path:
    """The file of a re-ID network.

    Args:
        model: `sightline-reid`, or an ONNX file.

    Raises:
        ModelError: It is neither.
    """
    if str(model) == DEFAULT_MODEL:
        return Path(str(resources.files("sightline.reid.weights").joinpath(f"{model}.onnx")))
    path = Path(model)
    if not path.is_file():
        raise ModelError(
            f"re-ID network {str(model)!r}: no such file; give an ONNX file or {DEFAULT_MODEL}"
        )
    return path
