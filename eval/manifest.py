"""What a report must say so that somebody else gets the same figures."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

__all__ = ["manifest", "sha256"]

_PACKAGES = ("numpy", "scipy", "numba", "pyarrow")


def manifest(parameters: Mapping[str, Any], inputs: Mapping[str, str]) -> dict[str, Any]:
    """Versions, parameters, hashes and machine; nothing in it changes from run to run.

    Args:
        parameters: What was asked for.
        inputs: SHA-256 by file.
    """
    return {
        "sightline": metadata.version("sightline"),
        "python": platform.python_version(),
        "packages": {name: metadata.version(name) for name in _PACKAGES},
        "machine": {
            "system": platform.system(),
            "architecture": platform.machine(),
            "processors": os.cpu_count(),
        },
        "parameters": dict(parameters),
        "sha256": dict(sorted(inputs.items())),
    }


def sha256(data: bytes) -> str:
    """Hexadecimal digest."""
    return hashlib.sha256(data).hexdigest()
