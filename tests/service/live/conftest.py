"""A running live service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.live.live_service import LiveService


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveService]:
    """The live part of the interface on a real server, with one running stream `gate`."""
    with LiveService(tmp_path) as service:
        service.streams.tell("gate")
        yield service
