"""Where the shared test data lies; tests that need it skip with a reason where it is not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine, or code that is compiled on its first call, is no failure.
settings.register_profile("sightline", deadline=None)
settings.load_profile("sightline")

_ROOT = Path(__file__).resolve().parent.parent
_SHARED = Path(os.environ.get("SIGHTLINE_SHARED", _ROOT.parent / "shared"))


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real test data (`SIGHTLINE_SHARED`, else `../shared`)."""
    if not _SHARED.is_dir():
        pytest.skip(f"no test data at {_SHARED}; set SIGHTLINE_SHARED")
    return _SHARED
