"""Real people: frames of vtest.avi with their ground truth, and ready crops of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from sightline.formats.mot import read_mot, rows_to_detections
from sightline.structures import Frame

OSNET = "osnet_x0_25_msmt17.onnx"
RETAIL = "person-reidentification-retail-0288.onnx"


@dataclass(frozen=True)
class People:
    """A frame and the people in it."""

    frame: Frame
    boxes: npt.NDArray[np.float32]
    ids: npt.NDArray[np.int64]


@pytest.fixture(scope="session")
def moments(shared: Path) -> list[People]:
    """Two moments of vtest.avi, three seconds apart, with some people in both."""
    rows = read_mot(shared / "data" / "mot15" / "PETS09-S2L1" / "gt" / "gt.txt")
    seen = rows_to_detections(rows)
    capture = cv2.VideoCapture(str(shared / "data" / "clips" / "vtest.avi"))
    found = []
    for index in (100, 130):
        capture.set(cv2.CAP_PROP_POS_FRAMES, index)
        image = np.asarray(capture.read()[1], np.uint8)
        ids = rows.ids[rows.frames == index + 1]
        found.append(People(Frame(image, index=index), seen[index].boxes, ids))
    capture.release()
    return found


@pytest.fixture(scope="session")
def crops(shared: Path) -> dict[int, npt.NDArray[np.uint8]]:
    """Crops (K, 128, 64, 3) of 19 people, by identity, in the order of time."""
    folder = shared / "data" / "person-crops" / "pets09-s2l1"
    by_person: dict[int, list[npt.NDArray[np.uint8]]] = {}
    for path in sorted(folder.glob("*.jpg")):
        picture = np.asarray(cv2.imread(str(path)), np.uint8)
        by_person.setdefault(int(path.name[:4]), []).append(picture)
    return {person: np.stack(pictures) for person, pictures in by_person.items()}
