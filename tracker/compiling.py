"""How the engine's functions are compiled.

Small functions are inlined into the one that is called from Python, so only that one is cached
on disk. Numba decides from the caller's file alone whether a cached result is still good; the
digest of all the engine's modules makes it notice changes in the others.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import numba
import scipy.linalg  # noqa: F401 - Numba would load it at the first call, in the first frame

__all__ = ["compiled", "compiled_entry", "compiled_sum", "source_digest"]

Function = TypeVar("Function", bound=Callable[..., object])


def compiled(function: Function) -> Function:
    """Compile a function that other compiled functions call."""
    return cast("Function", numba.njit(error_model="numpy")(function))


def compiled_sum(function: Function) -> Function:
    """Compile a function whose sums may be taken in any order, several terms at once."""
    fast = {"reassoc", "contract"}
    return cast("Function", numba.njit(error_model="numpy", fastmath=fast)(function))


def compiled_entry(function: Function) -> Function:
    """Compile a function that Python calls, and keep the machine code on disk."""
    return cast("Function", numba.njit(error_model="numpy", cache=True)(function))


def source_digest() -> str:
    """Digest of the engine's source files; part of the key under which code is cached."""
    digest = hashlib.sha256()
    for path in sorted(Path(__file__).resolve().parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
