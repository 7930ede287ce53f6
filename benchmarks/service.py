"""The live service under load: four cameras, one detector, clients, on the machine at hand.

    python benchmarks/service.py ../shared [--seconds 60] [--model NAME] [--cameras 4]

Starts `sightline serve` as its users do and speaks to it by HTTP alone. The cameras are clips that
are read again and again at their own rate, decoded by a reader process each. Printed are:

- the share of time in which the detector runs, and the CPU that everything else takes, as a share
  of all cores: readers and service by their processes' CPU time, the rest of the detector's process
  by its own stages;
- the age of frames when their tracks are known, beside the time that a frame takes the detector;
- where frames went: received = processed + dropped + skipped + waiting, for every message;
- the latency of reads by HTTP while that goes on;
- what 50 WebSocket clients got of which one never reads, and how much waits for that one.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import yaml
from live_clients import Heard, LiveClients
from prometheus_client.parser import text_string_to_metric_families

CLIPS = (
    "vtest.avi",
    "unlabelled-towncentre-street.mp4",
    "unlabelled-shopping-street.mp4",
    "unlabelled-intersection-cctv.mp4",
)
TOKEN = "a token for the benchmark alone"
READS = ("/v1/streams", "/v1/events?limit=50", "/v1/tracks?limit=50", "/v1/counts?bucket=1h")
CLIENTS = 50
TICKS = os.sysconf("SC_CLK_TCK")
Sample = tuple[str, dict[str, str], float]
# Stages of the detector's process that are work, and none of detection.
WORK = ("read", "embed", "track", "rules", "save", "tell")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--model", help="the service's default if left out")
    parser.add_argument("--cameras", type=int, default=4)
    parser.add_argument("--reid", default="off")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _service(Path(folder), arguments) as (url, pid):
        result = _measure(url, pid, arguments.cameras, arguments.seconds)
    if arguments.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name:44} {value}")


@contextmanager
def _service(folder: Path, arguments: argparse.Namespace) -> Iterator[tuple[str, int]]:
    clips = [arguments.shared / "data" / "clips" / name for name in CLIPS]
    config = {
        "server": {"port": 0},
        "auth": {"admin_token": TOKEN},
        "detector": {"model": arguments.model},
        "tracker": {"reid": arguments.reid},
        "storage": {"url": f"sqlite:///{folder / 'store.db'}", "folder": str(folder / "files")},
        "telemetry": {"log_level": "warning"},
        "streams": [
            {"id": f"camera-{number}", "url": str(clips[number % len(clips)]), "loop": True}
            for number in range(arguments.cameras)
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
        yield line.split()[-1], process.pid
    finally:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
        print(f"SIGTERM under load: exit {code} after {time.monotonic() - began:.1f} s")


def _measure(url: str, pid: int, cameras: int, seconds: float) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    topics = ["events", "states", *(f"tracks:camera-{number}" for number in range(cameras))]
    with httpx.Client(base_url=url, headers=headers, timeout=30) as client:
        _until_running(client, cameras)
        with LiveClients(url, TOKEN, topics, clients=1, idle=0) as one:
            alone = _watched(client, one, pid, seconds, calm=True)
        with LiveClients(url, TOKEN, topics, clients=CLIENTS - 1, idle=1) as many:
            crowd = _watched(client, many, pid, seconds, calm=False)
        left = _unaccounted(client, cameras)
    return {
        "cores": len(os.sched_getaffinity(0)),
        **{f"one client: {name}": value for name, value in alone.load().items()},
        **{f"{CLIENTS} clients: {name}": value for name, value in crowd.load().items()},
        **crowd.service(),
        "frames that no count knows of": left,
    }


@dataclass
class _Watch:
    """What was measured in some seconds."""

    pid: int
    seconds: float
    spent: dict[int, float]
    before: list[Sample]
    after: list[Sample]
    heard: list[Heard]
    latencies: list[float]

    def load(self) -> dict[str, Any]:
        """How busy the detector and everything else were, and how old frames became."""
        stages = self._grown("sightline_stage_seconds_total", "stage")
        frames = self._grown("sightline_frames_total", "outcome")
        processed = max(frames["processed"], 1.0)
        # The process that takes the most is the detector's.
        others = sum(self.spent.values()) - max(self.spent.values())
        rest = sum(stages.get(stage, 0.0) for stage in WORK)
        share = self.seconds * len(os.sched_getaffinity(0))
        ages = np.array([age for one in self.heard for age in one.ages])
        return {
            "frames a second, offered / processed": (
                f"{sum(frames.values()) / self.seconds:.1f} / {processed / self.seconds:.1f}"
            ),
            "detector runs, share of time": round(stages["detect"] / self.seconds, 3),
            "everything else, share of all cores": round((others + rest) / share, 3),
            "  of it the detector's process": round(rest / share, 3),
            "  of it the service's own process": round(self.spent[self.pid] / share, 3),
            "stages, ms a frame": {
                stage: round(1000 * value / processed, 2) for stage, value in stages.items()
            },
            "frame age ms, median / p95 / max": " / ".join(
                f"{1000 * value:.0f}" for value in (*np.percentile(ages, (50, 95)), ages.max())
            ),
        }

    def service(self) -> dict[str, Any]:
        """What readers and listeners of the interface got meanwhile."""
        p50, p99 = np.percentile(self.latencies, (50, 99))
        held = [value for name, _, value in self.after if name == "sightline_live_held_bytes"]
        return {
            "reads": len(self.latencies),
            "read latency ms, median / p99 / max": (
                f"{1000 * p50:.1f} / {1000 * p99:.1f} / {1000 * max(self.latencies):.1f}"
            ),
            "messages of the least served client": (
                f"{min(one.messages for one in self.heard)} of "
                f"{max(one.messages for one in self.heard)}"
            ),
            "latest message to a client that reads, ms": round(
                1000 * max(one.late for one in self.heard)
            ),
            "bytes that wait for the client that never reads": int(max(held)),
        }

    def _grown(self, name: str, label: str) -> dict[str, float]:
        """How much a counter grew, by one of its labels."""
        sums: dict[str, float] = {}
        for sign, samples in ((-1, self.before), (1, self.after)):
            for found, labels, value in samples:
                if found == name:
                    sums[labels[label]] = sums.get(labels[label], 0.0) + sign * value
        return sums


def _watched(
    client: httpx.Client, listening: LiveClients, pid: int, seconds: float, *, calm: bool
) -> _Watch:
    """Measure for a while."""
    time.sleep(5)
    listening.forget()
    cpu, before = _cpu(pid), _metrics(client)
    began = time.monotonic()
    latencies = _read(client, began + seconds, calm=calm)
    span = time.monotonic() - began
    spent = {one: value - cpu.get(one, 0.0) for one, value in _cpu(pid).items()}
    return _Watch(pid, span, spent, before, _metrics(client), listening.heard(), latencies)


def _until_running(client: httpx.Client, cameras: int) -> None:
    for _ in range(1200):
        views = client.get("/v1/streams").json()["items"]
        seen = [view["processing"] for view in views if view["processing"]]
        if len(seen) == cameras:
            return
        time.sleep(0.25)
    raise TimeoutError("the cameras never ran")


def _read(client: httpx.Client, until: float, *, calm: bool) -> list[float]:
    """Ten reads a second, as pages and dashboards make them; calm is one in ten seconds."""
    latencies = []
    while time.monotonic() < until:
        for path in READS:
            began = time.monotonic()
            answer = client.get(path)
            latencies.append(time.monotonic() - began)
            answer.raise_for_status()
            time.sleep(10 if calm else 0.1)
    return latencies


def _unaccounted(client: httpx.Client, cameras: int) -> dict[str, int]:
    """Frames that a stopped camera has sent and nobody knows of; 0 where every one is counted."""
    left = {}
    for number in range(cameras):
        name = f"camera-{number}"
        client.post(f"/v1/streams/{name}/stop").raise_for_status()
        for _ in range(50):
            view = client.get(f"/v1/streams/{name}").json()
            went = view["processing"]
            known = sum(went[kind] for kind in ("processed", "dropped", "skipped", "waiting"))
            left[name] = view["status"]["received"] - known
            if not left[name]:
                break
            time.sleep(0.1)
    return left


def _metrics(client: httpx.Client) -> list[Sample]:
    text = client.get("/metrics").text
    return [
        (sample.name, sample.labels, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]


def _cpu(session: int) -> dict[int, float]:
    """CPU seconds of every process of a session, by its number."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            found[int(path.parent.name)] = (int(fields[11]) + int(fields[12])) / TICKS
    return found


if __name__ == "__main__":
    main()
