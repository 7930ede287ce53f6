"""What a running service takes, process by process, while some of its cameras run."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import httpx
from prometheus_client.parser import text_string_to_metric_families

sys.path.append(str(Path(__file__).resolve().parent.parent))
from tests.e2e.running_service import RunningService

__all__ = ["Setup", "Spent", "encode", "measure", "started", "streams_of"]

_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE_SECONDS = 180.0
_SETTLING_SECONDS = 3.0
_CLIP_FRAMES = 100
# Stages of the thread that does not own the device, in CPU seconds.
_BESIDE = ("embed", "track", "rules", "save", "tell")


@dataclass(frozen=True, slots=True)
class Setup:
    """Some cameras of a kind.

    Args:
        cameras: How many run.
        size: Width and height.
        fps: Frames a second that each sends.
        process_fps: Of them looked at.
    """

    cameras: int
    size: tuple[int, int]
    fps: int
    process_fps: float

    @property
    def megapixels(self) -> float:
        """Of a frame."""
        return self.size[0] * self.size[1] / 1e6

    def names(self) -> list[str]:
        """Identifiers of its cameras."""
        kind = f"{self.size[0]}x{self.size[1]}-{self.fps}-{self.process_fps:g}"
        return [f"c{self.cameras}-{kind}-{number}" for number in range(self.cameras)]


@dataclass(frozen=True, slots=True)
class Spent:
    """What was taken meanwhile.

    Args:
        seconds: By the clock.
        received: Frames that came, of all cameras.
        processed: Frames that were looked at.
        tracks: Boxes in view at the end, of all cameras.
        readers: CPU seconds of all readers.
        detector: CPU seconds of the detector's process.
        beside: Of them, those of its thread that does not own the device.
        detecting: Seconds by the clock in which the device was kept.
        service: CPU seconds of the main process.
        reader_mib: Own memory of all readers.
        detector_mib: Own memory of the detector's process.
        service_mib: Own memory of the main process, and what all share of libraries.
    """

    seconds: float
    received: int
    processed: int
    tracks: int
    readers: float
    detector: float
    beside: float
    detecting: float
    service: float
    reader_mib: float
    detector_mib: float
    service_mib: float

    @property
    def cpu(self) -> float:
        """CPU seconds of all processes."""
        return self.readers + self.detector + self.service

    @property
    def memory_mib(self) -> float:
        """Own memory of all processes, and what they share of libraries; frames not counted."""
        return self.reader_mib + self.detector_mib + self.service_mib


def encode(source: Path, target: Path, size: tuple[int, int], fps: int) -> float:
    """The beginning of a clip as H.264 of another size and rate; bits a pixel."""
    with av.open(str(source)) as clip, av.open(str(target), "w") as file:
        stream: Any = file.add_stream("libx264", rate=fps)
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        stream.options = {"preset": "veryfast", "crf": "23", "g": str(2 * fps), "bf": "0"}
        pictures = clip.decode(video=0)
        for number in range(_CLIP_FRAMES):
            picture = next(pictures).reformat(*size, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, fps)
            file.mux(stream.encode(picture))
        file.mux(stream.encode())
    return target.stat().st_size * 8 / (_CLIP_FRAMES * size[0] * size[1])


@contextmanager
def started(folder: Path, config: dict[str, Any]) -> Iterator[tuple[RunningService, httpx.Client]]:
    """A service as its users start it, and an administrator's client; ended cleanly."""
    with RunningService(folder, config) as service, service.client() as client:
        yield service, client
        service.end(60)


def streams_of(setup: Setup, clip: Path) -> list[dict[str, Any]]:
    """Its cameras' configuration; they stand until they are started."""
    return [
        {
            "id": name,
            "url": str(clip),
            "loop": True,
            "process_fps": setup.process_fps,
            "enabled": False,
        }
        for name in setup.names()
    ]


def measure(service: RunningService, client: httpx.Client, setup: Setup, seconds: float) -> Spent:
    """Start the cameras of a setup, see what they take, stop them."""
    names = setup.names()
    for name in names:
        client.post(f"/v1/streams/{name}/start").raise_for_status()
    try:
        _wait_until_seen(client, names)
        time.sleep(_SETTLING_SECONDS)
        begin, before = time.monotonic(), _look(service, client, names)
        time.sleep(seconds)
        after = _look(service, client, names)
        span = time.monotonic() - begin
    finally:
        for name in names:
            client.post(f"/v1/streams/{name}/stop").raise_for_status()
    grown = {name: after[name] - before[name] for name in before}
    return Spent(
        span,
        round(grown["received"]),
        round(grown["processed"]),
        round(after["tracks"]),
        grown["readers"],
        grown["detector"],
        grown["beside"],
        grown["detecting"],
        grown["service"],
        after["reader_mib"],
        after["detector_mib"],
        after["service_mib"],
    )


def _wait_until_seen(client: httpx.Client, names: Sequence[str]) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not all(view["processing"] for view in _views(client, names)):
        if time.monotonic() > deadline:
            raise TimeoutError(f"never ran: {names}")
        time.sleep(0.2)


def _views(client: httpx.Client, names: Sequence[str]) -> list[dict[str, Any]]:
    items = client.get("/v1/streams?limit=500").json()["items"]
    return [view for view in items if view["id"] in names]


def _look(service: RunningService, client: httpx.Client, names: Sequence[str]) -> dict[str, float]:
    views = _views(client, names)
    stages = _stages(client)
    found = {
        "received": float(sum(view["status"]["received"] for view in views)),
        "processed": float(sum(view["processing"]["processed"] for view in views)),
        "tracks": float(sum(view["processing"]["tracks"] for view in views)),
        "beside": sum(stages.get(stage, 0.0) for stage in _BESIDE),
        "detecting": stages.get("detect", 0.0),
    }
    found |= dict.fromkeys(("readers", "detector", "service"), 0.0)
    found |= dict.fromkeys(("reader_mib", "detector_mib", "service_mib"), 0.0)
    for pid in service.processes():
        place = Path(f"/proc/{pid}")
        libraries = (place / "maps").read_text()
        fields = (place / "stat").read_text().rpartition(")")[2].split()
        kind = "detector" if "onnxruntime" in libraries else "readers"
        kind = "service" if pid == service.pid else kind
        found[kind] += (int(fields[11]) + int(fields[12])) / _TICKS
        sizes = dict(
            line.split()[:2] for line in (place / "smaps_rollup").read_text().splitlines()[1:]
        )
        found[f"{kind.removesuffix('s')}_mib"] += int(sizes["Pss_Anon:"]) / 1024
        found["service_mib"] += int(sizes["Pss_File:"]) / 1024
    return found


def _stages(client: httpx.Client) -> dict[str, float]:
    return {
        sample.labels["stage"]: sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
        if sample.name == "sightline_stage_seconds_total"
    }
