"""Clips for cameras of a cluster."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.service.clips import encode_h264, repeated
from tests.service.conftest import _no_proxy, vtest_h264  # noqa: F401 - fixtures


@pytest.fixture(scope="session")
def still_clip(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten minutes of one picture of `vtest.avi` in which people stand apart, as H.264."""
    clip = cv2.VideoCapture(str(shared / "data" / "clips" / "vtest.avi"))
    read, picture = clip.read()
    clip.release()
    assert read
    path = tmp_path_factory.mktemp("still") / "still.mp4"
    standing = np.asarray(picture, np.uint8)
    return repeated(encode_h264((standing for _ in range(16)), 8, path), 300)


@pytest.fixture(scope="session")
def walking_clip(vtest_h264: Path) -> Path:  # noqa: F811 - the fixture
    """Ten minutes of `vtest.avi` again and again."""
    return repeated(vtest_h264, 8)
