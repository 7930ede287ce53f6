"""Sixteen tiles at once: one connection and little memory. benchmarks/page.py has it long.

The cameras are told, not read: what is tested here is the page, and what the service sends it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, CDPSession, expect

from sightline.demo import CLIP
from sightline.service.store.database import Database
from tests.page.conftest import DESKTOP, PATIENCE
from tests.page.sources import read_pictures
from tests.service.live.live_service import LiveService, make_result

TILES = 16
FPS = 5
_COUNT = """
    window.seen = { opened: 0, closed: 0, pictures: 0 };
    window.WebSocket = class extends WebSocket {
      constructor(...options) {
        super(...options);
        window.seen.opened += 1;
        this.addEventListener("close", () => { window.seen.closed += 1; });
        this.addEventListener("message", ({ data }) => {
          if (typeof data !== "string") window.seen.pictures += 1;
        });
      }
    };
"""

_SHADE_AND_BOX = """
    () => {
      const canvas = document.querySelector("canvas");
      if (!canvas?.dataset.sequence) return null;
      const { width, height } = canvas;
      const { data } = canvas.getContext("2d").getImageData(0, Math.round(height / 2), width, 1);
      const scale = Math.min(width / 640, height / 360);
      const start = (width - 640 * scale) / 2;
      const at = x => data.slice(4 * x, 4 * x + 3);
      const shade = at(Math.round(start + 5))[0];
      // The box's line is of a colour, the picture is not.
      for (let x = Math.round(start + 8); x < width - start; x++) {
        const colour = at(x);
        if (Math.max(...colour) - Math.min(...colour) > 60) return [shade, (x - start) / scale];
      }
      return null;
    }
"""


@contextmanager
def sixteen_cameras(live: LiveService) -> Iterator[None]:
    """Every camera has a picture five times a second, with people in it who move."""
    pictures = read_pictures(CLIP, every=25)
    names = [f"camera-{number:02}" for number in range(TILES)]
    for name in names:
        live.hub.publish_state(live.streams.tell(name))
    over = threading.Event()

    def show() -> None:
        number = 0
        while not over.wait(1 / FPS):
            number += 1
            x = 100.0 + number % 400
            boxes = [[x, 100.0, x + 50, 250.0], [500 - x / 2, 150.0, 540 - x / 2, 300.0]]
            for name in names:
                result = make_result(name, number, boxes, size=(640, 360))
                live.show(pictures[number % len(pictures)], result)

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def used_memory(session: CDPSession) -> int:
    """Bytes that the page's objects take, once what nobody needs is gone."""
    session.send("HeapProfiler.collectGarbage")
    found = session.send("Performance.getMetrics")["metrics"]
    return int(next(one["value"] for one in found if one["name"] == "JSHeapUsedSize"))


def test_sixteen_tiles_share_one_connection_and_keep_no_memory(
    chromium: Browser, tmp_path: Path
) -> None:
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    database.close()
    with LiveService(tmp_path / "store.db") as live, sixteen_cameras(live):
        context = chromium.new_context(base_url=live.url, viewport={"width": 1440, "height": 1800})
        try:
            context.set_default_timeout(PATIENCE)
            context.add_init_script(_COUNT)
            context.request.post("/v1/session", data={"token": live.key("viewer")[1]})
            page = context.new_page()
            page.goto("/#/cameras")
            expect(page.get_by_text(f"{TILES} of {TILES} live")).to_be_visible()
            expect(page.locator("canvas[data-sequence]")).to_have_count(TILES)
            session = context.new_cdp_session(page)
            session.send("Performance.enable")
            memory = []
            for pictures in (200, 400, 600):
                page.wait_for_function("count => window.seen.pictures >= count", arg=pictures)
                memory.append(used_memory(session))
            assert memory[-1] <= 1.1 * memory[0], memory
            assert page.evaluate("[window.seen.opened, window.seen.closed]") == [1, 0]
            assert live.hub.statistics.too_slow == 0
        finally:
            context.close()


def test_pictures_are_drawn_from_the_frame_that_their_boxes_are_of(
    chromium: Browser, tmp_path: Path
) -> None:
    """A picture that is all one shade, and a box whose place tells the same number."""
    database = Database(f"sqlite:///{tmp_path / 'store.db'}")
    database.migrate()
    database.close()
    over = threading.Event()
    with LiveService(tmp_path / "store.db") as live:
        live.hub.publish_state(live.streams.tell("gate"))

        def show() -> None:
            sequence = 0
            while not over.wait(0.03):
                sequence += 1
                number = sequence % 10 + 1
                image = np.full((360, 640, 3), 20 * number, np.uint8)
                box = [50.0 * number, 100.0, 50.0 * number + 50, 300.0]
                live.show(image, make_result("gate", sequence, [box], size=(640, 360)))

        thread = threading.Thread(target=show)
        thread.start()
        context = chromium.new_context(base_url=live.url, viewport=DESKTOP)
        try:
            context.set_default_timeout(PATIENCE)
            context.request.post("/v1/session", data={"token": live.key("viewer")[1]})
            page = context.new_page()
            page.goto("/#/cameras/gate")
            found: dict[int, set[int]] = {}
            while len(found) < 5:
                shade, left = page.wait_for_function(_SHADE_AND_BOX).json_value()
                found.setdefault(round(shade / 20), set()).add(round(left / 50))
            assert found == {number: {number} for number in found}
        finally:
            over.set()
            thread.join()
            context.close()
