"""The live service, to be seen from outside."""

from __future__ import annotations

from tests.service.live.conftest import live, new_store

__all__ = ["live", "new_store"]
