"""The page under load: sixteen tiles at five pictures a second, in a real browser, for a while.

    python benchmarks/page.py [--minutes 10] [--tiles 16] [--fps 5] [--size 96x160]

Starts `sightline serve` with as many HTTP cameras, all of the demonstration's clip, first without
a viewer, then with the wall of cameras open in Debian's Chromium (without a graphics card), then
without again. Printed are:

- the tab's memory, minute by minute: its objects (after a collection) and its process;
- WebSockets that were opened and lost, and pictures that came over them;
- frames that the detector looked at a second and the CPU ms that one took it, with the viewer and
  without, before and after.

The detector must have time for all frames, else there is nothing to compare: `--size` is the size
of its input. The browser takes the CPU of the same machine here; it runs at the lowest priority.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import av
import cv2
import httpx
import yaml
from playwright.sync_api import Page, sync_playwright
from prometheus_client.parser import text_string_to_metric_families

from sightline.demo import CLIP

TOKEN = "a token for the benchmark alone"
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--no-proxy-server"),
)
COUNT = """
    window.seen = { opened: 0, lost: 0, pictures: 0 };
    window.WebSocket = class extends WebSocket {
      constructor(...options) {
        super(...options);
        window.seen.opened += 1;
        this.addEventListener("close", () => { window.seen.lost += 1; });
        this.addEventListener("message", ({ data }) => {
          if (typeof data !== "string") window.seen.pictures += 1;
        });
      }
    };
"""
SETTLE_SECONDS = 20.0
SAMPLE_SECONDS = 10.0
PATIENCE_SECONDS = 300.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="with the viewer")
    parser.add_argument("--tiles", type=int, default=16)
    parser.add_argument("--fps", type=float, default=5.0)
    parser.add_argument("--size", default="96x160", help="the detector's input, HxW")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        cameras(arguments.fps) as address,
        service(Path(folder), address, arguments) as url,
        httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60
        ) as client,
    ):
        until_running(client, arguments.tiles)
        alone = arguments.minutes * 60 / 4
        rates = [watched(client, alone)]
        with viewer(url, arguments.tiles) as page:
            time.sleep(SETTLE_SECONDS)
            before = detector(client)
            samples = list(looked_at(page, arguments.minutes * 60))
            rates.append(detector(client).since(before))
            seen = page.evaluate("window.seen")
        rates.append(watched(client, alone))
    report(arguments, samples, seen, rates)


@dataclass(frozen=True, slots=True)
class Detector:
    """What the detector did until a moment, or in a span: frames, CPU seconds of detection."""

    at: float
    frames: float
    offered: float
    seconds: float

    def since(self, before: Detector) -> Detector:
        """What it did since a moment; `at` is how long that is."""
        return Detector(
            self.at - before.at,
            self.frames - before.frames,
            self.offered - before.offered,
            self.seconds - before.seconds,
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """The tab's memory at a moment: seconds since the beginning, bytes."""

    at: float
    objects: int
    process: int


def report(
    arguments: argparse.Namespace,
    samples: list[Sample],
    seen: dict[str, int],
    rates: list[Detector],
) -> None:
    """Print what was measured."""
    minutes: dict[int, list[Sample]] = {}
    for sample in samples:
        minutes.setdefault(int(sample.at // 60), []).append(sample)
    print(f"{'minute':>8} {'objects MB':>12} {'process MB':>12}")
    means = []
    for minute, found in sorted(minutes.items()):
        objects, process = (
            statistics.fmean(getattr(one, name) for one in found) / 1e6
            for name in ("objects", "process")
        )
        means.append((objects, process))
        print(f"{minute + 1:>8} {objects:>12.1f} {process:>12.1f}")
    for place, name in enumerate(("objects", "process")):
        first, last = means[0][place], means[-1][place]
        print(
            f"tab, {name}: {100 * (last - first) / first:+.1f} % from the first minute to the last"
        )
    print(f"WebSockets opened {seen['opened']}, lost {seen['lost']}")
    span = samples[-1].at + SETTLE_SECONDS
    print(
        f"pictures a second {seen['pictures'] / span:.1f} of {arguments.tiles * arguments.fps:.0f}"
    )
    for name, rate in zip(("no viewer", "viewer", "no viewer"), rates, strict=True):
        each = 1000 * rate.seconds / max(rate.frames, 1)
        print(
            f"{name:>10}: {rate.frames / rate.at:6.2f} frames a second of "
            f"{rate.offered / rate.at:6.2f}, {each:.2f} ms each"
        )
    without = (rates[0].frames + rates[2].frames) / (rates[0].at + rates[2].at)
    change = rates[1].frames / rates[1].at / without - 1
    print(f"the detector's rate with a viewer: {100 * change:+.1f} %")


def watched(client: httpx.Client, seconds: float) -> Detector:
    """What the detector does in a while without a viewer."""
    time.sleep(SETTLE_SECONDS)
    before = detector(client)
    time.sleep(seconds)
    return detector(client).since(before)


def detector(client: httpx.Client) -> Detector:
    """What the detector did so far."""
    sums = {"processed": 0.0, "offered": 0.0, "detect": 0.0}
    at = time.monotonic()
    for family in text_string_to_metric_families(client.get("/metrics").text):
        for name, labels, value, *_ in family.samples:
            if name == "sightline_frames_total":
                sums["offered"] += value
                if labels["outcome"] == "processed":
                    sums["processed"] += value
            elif name == "sightline_stage_seconds_total" and labels["stage"] == "detect":
                sums["detect"] += value
    return Detector(at, sums["processed"], sums["offered"], sums["detect"])


def looked_at(page: Page, seconds: float) -> Iterator[Sample]:
    """The tab's memory, every so many seconds."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    browser = page.context.browser
    assert browser is not None
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    # The one that takes the most is the page's; others wait for pages to come.
    tab = max((one["id"] for one in processes if one["type"] == "renderer"), key=resident)
    began = time.monotonic()
    while (at := time.monotonic() - began) < seconds:
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        objects = next(one["value"] for one in metrics if one["name"] == "JSHeapUsedSize")
        yield Sample(at, int(objects), resident(tab))
        page.wait_for_timeout(1000 * SAMPLE_SECONDS)


def resident(pid: int) -> int:
    """Bytes of a process that lie in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def viewer(url: str, tiles: int) -> Iterator[Page]:
    """The wall of cameras in a browser, once every tile has its picture."""
    program = shutil.which("chromium") or sys.exit("no Chromium; apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(FLAGS))
        processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")
        for process in processes["processInfo"]:
            os.setpriority(os.PRIO_PROCESS, process["id"], 19)
        context = browser.new_context(base_url=url, viewport={"width": 1440, "height": 1600})
        context.set_default_timeout(1000 * PATIENCE_SECONDS)
        context.add_init_script(COUNT)
        context.request.post("/v1/session", data={"token": TOKEN})
        page = context.new_page()
        page.goto("/#/cameras")
        page.wait_for_function(
            "count => document.querySelectorAll('canvas[data-sequence]').length === count",
            arg=tiles,
        )
        yield page
        browser.close()


def until_running(client: httpx.Client, count: int) -> None:
    """Wait until every camera runs and was looked at."""
    while True:
        items = client.get("/v1/streams?limit=500").json()["items"]
        ready = [one for one in items if one["status"]["state"] == "RUNNING" and one["processing"]]
        if len(ready) == count:
            return
        time.sleep(0.5)


@contextmanager
def service(folder: Path, address: str, arguments: argparse.Namespace) -> Iterator[str]:
    """`sightline serve` with the cameras; its address."""
    height, width = map(int, arguments.size.split("x"))
    config: dict[str, Any] = {
        "server": {"port": 0},
        "auth": {"admin_token": TOKEN},
        "detector": {"size": [height, width], "classes": ["person"]},
        "tracker": {"reid": "off"},
        "storage": {"url": f"sqlite:///{folder / 'store.db'}", "folder": str(folder / "files")},
        "telemetry": {"log_level": "warning"},
        "streams": [
            {"id": f"camera-{number:02}", "url": address} for number in range(arguments.tiles)
        ],
    }
    file = folder / "service.yaml"
    file.write_text(yaml.safe_dump(config), encoding="utf-8")
    process = subprocess.Popen(
        [sys.executable, "-m", "sightline", "serve", "--config", str(file)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        line = next(line for line in process.stdout if "listens on" in line)
        yield line.split()[-1]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


@contextmanager
def cameras(fps: float) -> Iterator[str]:
    """An HTTP camera that shows the demonstration's clip, to as many as ask; its address."""
    with av.open(str(CLIP)) as container:
        frames: list[Any] = list(container.decode(video=0))
    pictures = [
        cv2.imencode(".jpg", frame.to_ndarray(format="bgr24"))[1].tobytes() for frame in frames[::5]
    ]
    # Forwards and backwards: nobody jumps.
    pictures += pictures[-2:0:-1]
    over = threading.Event()

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            """Send pictures until the other side has enough."""
            self.send_response(200)
            self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            number, due = 0, time.monotonic()
            try:
                while not over.wait(max(0.0, due - time.monotonic())):
                    jpeg = pictures[number % len(pictures)]
                    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}"
                    self.wfile.write(f"{head}\r\n\r\n".encode() + jpeg + b"\r\n")
                    number += 1
                    due += 1 / fps
            except ConnectionError:
                pass

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/clip.mjpeg"
    finally:
        over.set()
        server.shutdown()
        thread.join()


if __name__ == "__main__":
    main()
