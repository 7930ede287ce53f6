"""Boxes on the canvas sit on the people in the picture under them: measured in its pixels."""

from __future__ import annotations

import base64

import cv2
import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

from sightline.demo.people import Look, Walker
from sightline.demo.scene import HEIGHT, WIDTH
from tests.page.conftest import OpenPage, Room
from tests.page.sources import Image, number_of, numbered_walk

# As `COLOURS` in service/web/src/parts/canvas.ts, BGR.
COLOURS = (
    *((0xD0, 0xE0, 0x38), (0x3F, 0xD2, 0xFF), (0xB6, 0x7A, 0xFF), (0x4E, 0xE0, 0x8B)),
    *((0x3C, 0x9A, 0xFF), (0xFF, 0xB8, 0x7D), (0xFF, 0x9B, 0xD7), (0xF4, 0xF4, 0xF4)),
)
LARGEST_ERROR = 0.02
"""Of the picture's width."""
SAMPLES = 8
# Two dozen metres in the picture's width at 1.4 m/s, as people walk; in and out of the picture.
PASSER = Walker(
    Look((60, 58, 190), (104, 74, 52), (44, 66, 96), (170, 196, 232)),
    1.80,
    1.4,
    0.0,
    ((-7.0, 9.0), (9.0, 9.0)),
)
_SHOT = """
    before => {
      const canvas = document.querySelector("canvas");
      const sequence = canvas?.dataset.sequence;
      return sequence && sequence !== before ? [sequence, canvas.toDataURL("image/png")] : null;
    }
"""


def test_boxes_sit_on_the_person_who_walks_under_them(room: Room, open_page: OpenPage) -> None:
    walk = numbered_walk([PASSER], seconds=11, rate=10)
    url = room.sources.add_camera("walk", walk, fps=10)
    room.client.post("/v1/streams", json={"id": "walk", "url": url}).raise_for_status()
    try:
        page = open_page(room.key("viewer")["token"], path="#/cameras/walk")
        errors: dict[str, float] = {}
        before = ""
        while len(errors) < SAMPLES:
            before, picture = shot(page, before)
            truths = walk.truths[number_of(picture) % len(walk.truths)]
            box = drawn_box(picture)
            # At the picture's border a person is cut, and a new one has no track yet.
            if box is None or len(truths) != 1 or not is_inside(truths[0].box):
                continue
            centre = (box[0] + box[2]) / 2 / picture.shape[1]
            expected = (truths[0].box[0] + truths[0].box[2]) / 2 / WIDTH
            errors[before] = abs(centre - expected)
    finally:
        room.client.delete("/v1/streams/walk").raise_for_status()
    assert max(errors.values()) <= LARGEST_ERROR, errors


def shot(page: Page, before: str) -> tuple[str, Image]:
    """The next picture on the canvas, cut to where the camera's picture lies on it."""
    sequence, data = page.wait_for_function(_SHOT, arg=before).json_value()
    png = np.frombuffer(base64.b64decode(data.partition(",")[2]), np.uint8)
    canvas = cv2.imdecode(png, cv2.IMREAD_COLOR)
    assert canvas is not None
    scale = min(canvas.shape[1] / WIDTH, canvas.shape[0] / HEIGHT)
    width, height = WIDTH * scale, HEIGHT * scale
    left, top = (canvas.shape[1] - width) / 2, (canvas.shape[0] - height) / 2
    cut = canvas[round(top) : round(top + height), round(left) : round(left + width)]
    return sequence, np.ascontiguousarray(cut, np.uint8)


def drawn_box(picture: Image) -> npt.NDArray[np.int64] | None:
    """x1 y1 x2 y2 of the one box that is drawn, by the colour of its lines; None without one."""
    best: npt.NDArray[np.int64] | None = None
    longest = 0
    for colour in COLOURS:
        mask = np.all(np.abs(picture.astype(int) - colour) <= 6, axis=2)
        # Its upright lines are the longest of their colour.
        heights = mask.sum(axis=0)
        columns = np.flatnonzero(heights > 0.1 * picture.shape[0])
        if len(columns) >= 2 and heights.max() > longest:
            longest = int(heights.max())
            rows = np.flatnonzero(mask[:, columns].any(axis=1))
            best = np.array([columns[0], rows[0], columns[-1], rows[-1]])
    return best


def is_inside(box: tuple[float, float, float, float]) -> bool:
    return box[0] > 0.05 * WIDTH and box[2] < 0.95 * WIDTH
